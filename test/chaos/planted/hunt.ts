/** The hunt for one planted bug: seed by seed, until the judge finds a violation. */
import type { PlantedBug } from './planted-bug.ts';

/** What the judge says of a run with a bug in it. */
export interface SeedReport {
  readonly seed: number;
  /** Names of the rules that were broken, each once. */
  readonly rules: readonly string[];
  /** The first violation, without values. */
  readonly says: string | undefined;
}

/** Runs seeds on one system that has the bug, until nobody asks for the next. Throws where the run itself fails. */
export type RunSeeds = (bug: PlantedBug, seeds: readonly number[]) => AsyncIterable<SeedReport>;

export interface Hunted {
  readonly outcome: 'found' | 'not found' | 'failed';
  /** Seeds that were run to their end. */
  readonly seeds: number;
  readonly ms: number;
  readonly rules: readonly string[];
  /** Of the violation, or why the run failed; no values. */
  readonly says: string | undefined;
}

export interface Hunter {
  readonly run: RunSeeds;
  /** The rules that the same seed breaks on a system without the bug: of these the bug is not guilty. */
  readonly control: (bug: PlantedBug, seed: number) => Promise<readonly string[]>;
  readonly now: () => number;
}

/** Where the run itself fails, the hunt ends: that a system does not work at all is nothing that a judge has found. */
export async function hunt(bug: PlantedBug, seeds: readonly number[], { run, control, now }: Hunter): Promise<Hunted> {
  const begun = now();
  let tried = 0;
  const ended = (outcome: Hunted['outcome'], rules: readonly string[], says?: string): Hunted => {
    return { outcome, seeds: tried, ms: now() - begun, rules, says };
  };
  try {
    for (;;) {
      const suspect = await firstBroken(run(bug, seeds.slice(tried)), () => tried++);
      if (suspect === undefined) return ended('not found', []);
      const excused = await control(bug, suspect.seed);
      const rules = suspect.rules.filter((rule) => !excused.includes(rule));
      if (rules.length > 0) return ended('found', rules, suspect.says);
    }
  } catch (error) {
    return ended('failed', [], error instanceof Error ? error.message : String(error));
  }
}

async function firstBroken(reports: AsyncIterable<SeedReport>, count: () => void): Promise<SeedReport | undefined> {
  for await (const report of reports) {
    count();
    if (report.rules.length > 0) return report;
  }
  return undefined;
}
