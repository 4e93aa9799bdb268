/** What came out for a folder, as numbers and as a table. */
import Table from 'cli-table3';
import type { KnownSurvivors } from './known-survivors.ts';
import { knownAs } from './known-survivors.ts';
import type { Mutant } from './mutants.ts';
import type { Fate } from './stage.ts';

export interface Tested {
  readonly mutant: Mutant;
  readonly fate: Fate;
  /** The stage whose tests have caught it. */
  readonly caughtBy: string | undefined;
}

export interface Score {
  readonly folder: string;
  /** All that there are; those tested are fewer in a sample. */
  readonly there: number;
  readonly tested: number;
  readonly killed: number;
  readonly timeouts: number;
  readonly survived: number;
  readonly uncovered: number;
  readonly errors: number;
  /** Survivors that are known to do what the original does. */
  readonly equivalent: number;
  /** In percent of those tested, without errors. */
  readonly score: number;
  /** The same without the equivalent ones, which no test can catch. */
  readonly possible: number;
}

export function isCaught(fate: Fate): boolean {
  return fate === 'killed' || fate === 'timeout';
}

export function lives(fate: Fate): boolean {
  return fate === 'survived' || fate === 'no coverage';
}

export function scoreOf(folder: string, there: number, tested: readonly Tested[], known: KnownSurvivors): Score {
  const count = (fate: Fate) => tested.filter((each) => each.fate === fate).length;
  const caught = count('killed') + count('timeout');
  const valid = tested.length - count('error');
  const equivalent = tested.filter(
    ({ mutant, fate }) => lives(fate) && knownAs(known, mutant)?.kind === 'equivalent',
  ).length;
  return {
    folder,
    there,
    tested: tested.length,
    killed: count('killed'),
    timeouts: count('timeout'),
    survived: count('survived'),
    uncovered: count('no coverage'),
    errors: count('error'),
    equivalent,
    score: percent(caught, valid),
    possible: percent(caught, valid - equivalent),
  };
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 100 : (100 * part) / whole;
}

const HEAD = [
  'folder',
  'mutants',
  'tested',
  'killed',
  'timeout',
  'survived',
  'no coverage',
  'errors',
  'score',
  'equivalent',
  'score without',
];

export function tableOf(scores: readonly Score[]): string {
  const table = new Table({ head: HEAD, style: { head: [], border: [], compact: true } });
  for (const each of scores) {
    table.push([
      each.folder,
      each.there,
      each.tested,
      each.killed,
      each.timeouts,
      each.survived,
      each.uncovered,
      each.errors,
      `${each.score.toFixed(1)} %`,
      each.equivalent,
      `${each.possible.toFixed(1)} %`,
    ]);
  }
  return table.toString();
}
