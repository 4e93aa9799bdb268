/** What `npm run chaos` is told. */
import { parseArgs } from 'node:util';

export interface ChaosOptions {
  readonly seeds: readonly number[];
  /** Of one long seed; undefined: short ones. */
  readonly minutes: number | undefined;
  readonly operations: number | undefined;
  /** Names of faults; `all`. */
  readonly faults: readonly string[];
  readonly faultCount: number | undefined;
  /** A seed for each of the faults, which has no other. */
  readonly alone: boolean;
  readonly remap: number | undefined;
  /** Leaves the project's copy and all histories. */
  readonly keep: boolean;
  readonly plant: string | undefined;
  readonly replay: string | undefined;
  readonly shrink: boolean;
  /** A history to be judged again; nothing is run. */
  readonly judge: string | undefined;
  /** Journeys show values. */
  readonly values: boolean;
  /** A file that gets a row about the run. */
  readonly log: string | undefined;
  /** Where histories go. */
  readonly out: string | undefined;
}

export const USAGE = `npm run chaos -- [options]
  --seed N            one seed
  --seeds A..B        many, one after the other on one running system
  --minutes M         the clients work for so long (one seed); without it a seed is short
  --operations N      of the clients, for each seed
  --faults NAMES      all (default), none, or names with commas between; a name may be its beginning
  --fault-count N     for each seed
  --alone             each of the faults in a seed of its own, counted from --seed
  --remap N           changes of the mapping, for each seed
  --plant NAME        with a planted bug (docs/planted-bugs.md has their names)
  --replay FILE       a plan, as a violation leaves one
  --shrink            looks for a shorter plan that still fails: up to 40 runs
  --judge FILE        a history again, as a violation leaves one: all journeys, nothing is run
  --values            with --judge: journeys show values in place of letters
  --log FILE          adds a row about the run
  --out DIRECTORY     where histories and plans go (default: .chaos)
  --keep              leaves histories of good seeds, and the system's state and logs
  --help              this

Exit status 0: no violation; 1: violations; 2: it could not be carried out.`;

/** What was asked for does not exist, or cannot be: the message says all, and where in the sources it was found helps nobody. */
export class UsageError extends Error {}

export function readOptions(words: readonly string[]): ChaosOptions {
  const { values } = parseArgs({
    args: [...words],
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string' },
      minutes: { type: 'string' },
      operations: { type: 'string' },
      faults: { type: 'string' },
      'fault-count': { type: 'string' },
      alone: { type: 'boolean' },
      remap: { type: 'string' },
      plant: { type: 'string' },
      replay: { type: 'string' },
      shrink: { type: 'boolean' },
      judge: { type: 'string' },
      values: { type: 'boolean' },
      log: { type: 'string' },
      out: { type: 'string' },
      keep: { type: 'boolean' },
    },
  });
  return {
    seeds: seedsOf(values.seeds ?? values.seed ?? '1'),
    minutes: number('minutes', values.minutes),
    operations: number('operations', values.operations),
    faults: (values.faults ?? 'all').split(',').map((name) => name.trim()),
    faultCount: number('fault-count', values['fault-count']),
    alone: values.alone === true,
    remap: number('remap', values.remap),
    keep: values.keep === true,
    plant: values.plant,
    replay: values.replay,
    shrink: values.shrink === true,
    judge: values.judge,
    values: values.values === true,
    log: values.log,
    out: values.out,
  };
}

function seedsOf(text: string): number[] {
  const [, first, last] = /^(\d+)(?:\.\.(\d+))?$/.exec(text) ?? [];
  if (first === undefined) throw new UsageError(`--seed and --seeds take a number, and A..B; not ${text}`);
  const count = Number(last ?? first) - Number(first) + 1;
  if (count < 1) throw new UsageError(`--seeds counts upwards: ${last}..${first}, not ${text}`);
  return Array.from({ length: count }, (_, i) => Number(first) + i);
}

function number(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(value >= 0)) throw new UsageError(`--${name} takes a number, not ${text}`);
  return value;
}
