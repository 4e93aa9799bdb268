/** The processes of the system: killed, and frozen. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Fault, type FaultWorld, over } from './fault.ts';
import { awsFault } from './switches.ts';

const PATIENCE_MS = 60_000;

/** The process id of the streamer; undefined: it does not run. */
async function streamerPid({ directory }: FaultWorld): Promise<number | undefined> {
  const text = await readFile(join(directory, 'processes.json'), 'utf8').catch(() => '[]');
  const [streamer] = JSON.parse(text) as { readonly pid: number }[];
  return streamer?.pid;
}

/** Answers whether it was there. */
export async function signalStreamer(world: FaultWorld, signal: NodeJS.Signals): Promise<boolean> {
  const pid = await streamerPid(world);
  try {
    return pid !== undefined && process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Until the slot has a reader again, or patience ends: another fault may have taken it away for good. */
export async function slotIsRead({ server }: FaultWorld): Promise<void> {
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until; ) {
    const found = await server
      .query(`select from pg_replication_slots where slot_name = 'sfsync' and active`)
      .catch(() => []);
    if (found.length > 0) return;
    await pause(100);
  }
}

const fullQueue = awsFault({
  name: 'full queue',
  about: 'The queue of one object accepts nothing.',
  lasts: [0, 0],
  fault: 'throttled',
  set: (random, { configuration, endpoints }) => {
    const { object } = random.pick(configuration.objects);
    const url = endpoints.resources[`changeQueue.${object}`] ?? '';
    return { detail: object, options: { service: 'sqs', resource: url.slice(url.lastIndexOf('/')) } };
  },
});

export const processFaults: readonly Fault[] = [
  {
    name: 'streamer killed',
    about: 'The WAL streamer is killed; ECS starts it again.',
    lasts: [0, 0],
    excludes: ['streamer'],
    weight: 2,
    begin: async (world) => over('SIGKILL', (await signalStreamer(world, 'SIGKILL')) ? 1 : 0),
  },
  {
    name: 'streamer killed before a full queue',
    about: 'The queue of one object accepts nothing, those of the others do; then the WAL streamer is killed.',
    lasts: [1_000, 4_000],
    excludes: ['streamer', ...fullQueue.excludes],
    async begin(world, random) {
      const inForce = await fullQueue.begin(world, random);
      return {
        detail: inForce.detail,
        async end() {
          await signalStreamer(world, 'SIGKILL');
          return inForce.end();
        },
      };
    },
  },
  {
    name: 'streamer frozen',
    about: 'The WAL streamer stands still for a while, and goes on.',
    lasts: [1_000, 5_000],
    excludes: ['streamer'],
    async begin(world) {
      const isThere = await signalStreamer(world, 'SIGSTOP');
      return {
        detail: 'SIGSTOP',
        async end() {
          await signalStreamer(world, 'SIGCONT');
          return { struck: isThere ? 1 : 0 };
        },
      };
    },
  },
  {
    name: 'system killed',
    about:
      'Everything but the database dies: Lambdas, state machines, queues, flows, the org, and after a while all of it is there again.',
    lasts: [0, 2_000],
    excludes: ['system', 'streamer', 'failpoint', 'flows'],
    weight: 0.4,
    async begin(world) {
      await world.killSystem();
      return {
        detail: 'SIGKILL',
        async end() {
          await world.startSystem();
          return { struck: 1 };
        },
      };
    },
  },
];
