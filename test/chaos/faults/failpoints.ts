/** Lambdas and the streamer, killed at a named place. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FAILPOINTS, type Failpoint } from '../../../core/failpoint.ts';
import type { Armed } from './deadly-failpoint.ts';
import type { Exclusive, Fault, FaultWorld } from './fault.ts';

/** Statements that a call makes, roughly: any of them may be the one. */
const STATEMENTS = 60;
/** Changes in a burst. */
const CHANGES = 200;

/** Functions that write: each is chosen as often as another, however seldom it is called. */
const WRITERS = ['ApplyRecords', 'CollectChanges', 'DecideChanges', 'SettleBatch'] as const;
const ANYWHERE = ['statement:before', 'statement:after', 'part:committed', 'call:begins', 'call:done'];

/** How many are passed at most before the one that kills. */
const PASSES: Partial<Record<Failpoint, number>> = {
  'statement:before': STATEMENTS,
  'statement:after': STATEMENTS,
  'part:committed': 3,
  'call:begins': 3,
  'call:done': 5,
  'stream:read': CHANGES,
  'stream:accepted': 5,
};

/** One fault for each failpoint. */
export const failpointFaults: readonly Fault[] = FAILPOINTS.map((name) => ({
  name: `killed at ${name}`,
  about: `A Lambda or the streamer dies at ${name}, once.`,
  lasts: [2_000, 8_000],
  excludes: ['failpoint', ...(name.startsWith('stream:') ? (['streamer'] satisfies Exclusive[]) : [])],
  weight: name.startsWith('statement:') || name.startsWith('call:') ? 1 : 0.3,
  async begin(world, random) {
    const passes = random.integer(0, PASSES[name] ?? 0);
    const where = ANYWHERE.includes(name) ? random.pick(['', ...WRITERS]) : '';
    const before = await struckAt(world, name);
    await arm(world, name, { passes, function: where, until: Date.now() + this.lasts[1] });
    return {
      detail: `${name}${where === '' ? '' : ` in ${where}`}, passed ${passes} times before`,
      async end() {
        await disarm(world, name);
        return { struck: (await struckAt(world, name)) - before };
      },
    };
  },
}));

export async function arm(
  { failpointDirectory }: Pick<FaultWorld, 'failpointDirectory'>,
  name: Failpoint,
  armed: Armed,
): Promise<void> {
  await mkdir(failpointDirectory, { recursive: true });
  await writeFile(join(failpointDirectory, name), JSON.stringify(armed));
}

async function disarm({ failpointDirectory }: FaultWorld, name: Failpoint): Promise<void> {
  await rm(join(failpointDirectory, name), { force: true });
}

/** How often something has died there so far. */
export async function struckAt(
  { failpointDirectory }: Pick<FaultWorld, 'failpointDirectory'>,
  name: Failpoint,
): Promise<number> {
  const text = await readFile(join(failpointDirectory, 'struck'), 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line === name).length;
}
