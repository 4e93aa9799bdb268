/** What is mutated, and which tests are to notice. */

export interface Stage {
  readonly name: string;
  /** Test files, as globs from the root. */
  readonly tests: readonly string[];
  /** How much longer than without a mutant a run of its tests may take before it counts as caught in a loop. */
  readonly patienceSeconds: number;
  /** The tests leave nothing behind but what their hooks take away, so they are loaded once for all mutants (resident-runner.ts). */
  readonly isResident?: boolean;
}

export interface Area {
  readonly folder: string;
  /** What survives a stage goes on to the next, which costs more for each mutant. */
  readonly stages: readonly Stage[];
  /** The least share of mutants, in percent, that has to be caught. */
  readonly least: number;
}

const STEPS = ['test/steps/**/*.test.ts'];
/** Those without a database, which cost next to nothing. */
const PURE_STEPS = [...STEPS, '!test/steps/**/*.pg.test.ts'];
const FUNCTIONS = ['test/functions/**/*.test.ts'];

export const AREAS: readonly Area[] = [
  {
    folder: 'core/agreement',
    stages: [
      {
        name: 'tables',
        tests: ['test/core/agreement/*.test.ts', '!test/core/agreement/*agreement.test.ts'],
        patienceSeconds: 30,
        isResident: true,
      },
      {
        name: 'explorers',
        tests: ['test/core/agreement/*agreement.test.ts'],
        patienceSeconds: 120,
        isResident: true,
      },
    ],
    least: 90,
  },
  {
    folder: 'steps',
    stages: [
      { name: 'pure', tests: PURE_STEPS, patienceSeconds: 20, isResident: true },
      { name: 'steps', tests: STEPS, patienceSeconds: 60, isResident: true },
      { name: 'functions', tests: FUNCTIONS, patienceSeconds: 60 },
    ],
    least: 80,
  },
  {
    folder: 'postgres/ledger',
    stages: [
      // plans.pg.test.ts fills a ledger of two million links, and is about speed.
      {
        name: 'ledger',
        tests: ['test/postgres/ledger/*.test.ts', '!test/postgres/ledger/plans.pg.test.ts'],
        patienceSeconds: 30,
        isResident: true,
      },
      { name: 'steps', tests: STEPS, patienceSeconds: 60, isResident: true },
    ],
    least: 80,
  },
  {
    folder: 'functions',
    // The second file is about the connection that functions/connections.ts shares.
    stages: [{ name: 'functions', tests: [...FUNCTIONS, 'test/salesforce/connection.test.ts'], patienceSeconds: 60 }],
    least: 80,
  },
  {
    folder: 'wal-streamer',
    stages: [
      {
        name: 'tables',
        tests: ['test/wal-streamer/**/*.test.ts', '!test/wal-streamer/*.pg.test.ts'],
        patienceSeconds: 5,
        isResident: true,
      },
      // The files that are left out run the streamer in a process of its own, where there are no mutants.
      {
        name: 'wal-streamer',
        tests: [
          'test/wal-streamer/*.pg.test.ts',
          '!test/wal-streamer/{streaming,moved-slot,interruptions,capped-wal}.pg.test.ts',
        ],
        patienceSeconds: 60,
        isResident: true,
      },
    ],
    least: 80,
  },
];

/** What of an area is to be mutated. */
export interface Part {
  readonly area: Area;
  /** The area's folder, one below it, or a file. */
  readonly path: string;
}

/** The areas that the paths name; none: all. Throws RangeError where a path lies in no area. */
export function partsOf(paths: readonly string[]): Part[] {
  if (paths.length === 0) return AREAS.map((area) => ({ area, path: area.folder }));
  return paths.map((given) => {
    const path = given.replace(/^\.\//, '').replace(/\/+$/, '');
    const area = AREAS.find(({ folder }) => path === folder || path.startsWith(`${folder}/`));
    if (area !== undefined) return { area, path };
    throw new RangeError(`${given} is not mutated. Folders: ${AREAS.map(({ folder }) => folder).join(', ')}.`);
  });
}
