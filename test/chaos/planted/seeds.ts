/** A system that has all planted bugs, each behind its switch, and the seeds that run on it. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { FAULTS } from '../faults/faults.ts';
import { signalStreamer, slotIsRead } from '../faults/processes.ts';
import { judge } from '../judge/judge.ts';
import { makePlan } from '../plan/make-plan.ts';
import { objectsWith } from '../plan/objects.ts';
import type { Plan } from '../plan/plan.ts';
import { runSeed } from '../run/run-seed.ts';
import { laid } from '../world/overlays.ts';
import { World } from '../world/world.ts';
import { cleanSlate } from './clean-slate.ts';
import type { SeedReport } from './hunt.ts';
import type { PlantedBug } from './planted-bug.ts';
import { SWITCHED_WITHIN_MS, switchboard } from './switchboard.ts';

const ROOT = join(import.meta.dirname, '../../..');
/** Somewhat larger than a usual short seed: its end costs more than what is done then. */
const PLAN = { operations: 110, lengthMs: 7_000, herd: 60, mappingChanges: 0 };
const FAULTS_OF_A_SEED = 5;
/** Many bugs never come to rest. On a quiet machine everything else does, within seconds. */
const PATIENCE_MS = 60_000;
/** A seed may take as long as this; then something hangs. */
const LONGEST_SEED_MS = 8 * 60_000;

/** The plan of a seed for the bug: with the faults that it needs and no others, and the operations. Throws an Error for a name that no fault has. */
export function planFor(
  { faults: names, operations: favours }: Pick<PlantedBug, 'faults' | 'operations'>,
  seed: number,
): Plan {
  const faults = names.map((name) => {
    const fault = FAULTS.find((each) => each.name === name);
    if (fault === undefined) throw new Error(`There is no fault "${name}".`);
    return fault;
  });
  const faultCount = faults.length === 0 ? 0 : FAULTS_OF_A_SEED;
  return makePlan(seed, { ...PLAN, faults, faultCount, ...(favours && { favours }) });
}

export interface Reporter {
  /** Says how far it is. */
  readonly progress: (text: string) => void;
  /** Says what has come of a seed. */
  readonly say: (text: string) => void;
  readonly commit: string;
}

export class PlantedSystem {
  readonly #bugs: readonly PlantedBug[];
  readonly #reporter: Reporter;
  readonly #switch = join(tmpdir(), `sfsync-planted-${process.pid}`);
  #world: World | undefined;
  /** What ran last has broken something. */
  #isSpoilt = false;

  constructor(bugs: readonly PlantedBug[], reporter: Reporter) {
    this.#bugs = bugs;
    this.#reporter = reporter;
  }

  /** One after the other with the bug, each judged by itself. undefined: without a bug. */
  async *run(bug: PlantedBug | undefined, plans: readonly Plan[]): AsyncGenerator<SeedReport> {
    try {
      const world = await this.#ready(bug);
      for (const plan of plans) yield await this.#seed(world, bug, plan);
    } catch (error) {
      // Whatever state it is in: the next one gets a system of its own.
      await this.close();
      throw error;
    } finally {
      writeFileSync(this.#switch, '');
    }
  }

  async close(): Promise<void> {
    this.#reporter.progress('the system stops');
    await this.#world?.close().catch(() => undefined);
    this.#world = undefined;
    rmSync(this.#switch, { force: true });
  }

  async #ready(bug: PlantedBug | undefined): Promise<World> {
    this.#reporter.progress('the system starts');
    writeFileSync(this.#switch, '');
    if (this.#isSpoilt && this.#world !== undefined) {
      this.#reporter.progress('a clean slate');
      await restartStreamer(this.#world);
      if (!(await cleanSlate(this.#world))) await this.close();
    }
    writeFileSync(this.#switch, '');
    const read = (file: string) => laid(file, readFileSync(join(ROOT, file), 'utf8'));
    const overlays = () => switchboard(this.#bugs, read, this.#switch);
    const world = this.#world ?? (await World.open({ objects: objectsWith(), overlays: overlays() }));
    this.#world = world;
    this.#isSpoilt = false;
    writeFileSync(this.#switch, bug?.name ?? '');
    await pause(2 * SWITCHED_WITHIN_MS);
    // What it has made lives as long as its connection.
    if (bug?.edits.some(({ file }) => /^wal-streamer|stream/.test(file)) === true) await restartStreamer(world);
    return world;
  }

  async #seed(world: World, bug: PlantedBug | undefined, plan: Plan): Promise<SeedReport> {
    const { commit, progress, say } = this.#reporter;
    const name = bug?.name ?? 'no bug';
    const { history } = await within(
      LONGEST_SEED_MS,
      runSeed(world, plan, {
        faults: FAULTS,
        patienceMs: PATIENCE_MS,
        commit,
        faultNames: plan.faults.map((fault) => fault.name),
        progress: ({ phase, operations }) => progress(`${name}, seed ${plan.seed}: ${phase}, ${operations} operations`),
      }),
    );
    const { violations } = judge(history);
    const rules = [...new Set(violations.map(({ rule }) => rule))];
    this.#isSpoilt = bug !== undefined || rules.length > 0;
    const { operations, faults } = history;
    const found = rules.length === 0 ? 'good' : `${violations.length} violations of ${rules.join(', ')}`;
    say(`${name}, seed ${plan.seed}: ${found} (${operations.length} operations, ${faults.length} faults)`);
    return { seed: plan.seed, rules, says: violations[0]?.says };
  }
}

async function restartStreamer(world: World): Promise<void> {
  await signalStreamer(world, 'SIGKILL');
  await pause(500);
  await slotIsRead(world);
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`The seed took more than ${ms / 60_000} minutes.`)), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
