/** Who can read the changes of the bench's table: the streamer, `pg_recvlogical`, and a script in Python. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { DEFAULT_NAMES } from '../core/contracts/database-names.ts';
import { TEST_PASSWORDS } from '../test/support/postgres/lender-tables.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** From the start of the stream to the last row. */
export interface Run {
  readonly rowsPerSecond: number;
  readonly cpuSeconds: number;
  readonly peakMegabytes: number;
}

export interface Source {
  /** The superuser's. */
  readonly url: string;
  readonly slot: string;
  /** Rows that will come. */
  readonly rows: number;
}

/** Where the streamer sends: an endpoint, and the URL of each object's queue. */
export interface Sink {
  readonly env: Readonly<Record<string, string>>;
  readonly queueUrls: Readonly<Record<string, string>>;
}

export function hasRecvlogical(): boolean {
  return spawnSync('pg_recvlogical', ['--version']).status === 0;
}

/** Debian's Python, where its package is installed: another one on the PATH may lack it. */
export function findPython(): string | undefined {
  return ['/usr/bin/python3', 'python3'].find((python) => spawnSync(python, ['-c', 'import psycopg2']).status === 0);
}

/** Reads up to the position `end`, which is at hand already. */
export async function readWithRecvlogical({ url, slot, rows }: Source, end: string): Promise<Run> {
  const child = spawn(
    'pg_recvlogical',
    ['-d', url, '--slot', slot, '--start', '--endpos', end, '--no-loop', '-f', '/dev/null'].concat(
      ['proto_version=1', 'publication_names=sfsync'].flatMap((option) => ['-o', option]),
    ),
    { stdio: 'inherit' },
  );
  const usage = watch(child);
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`pg_recvlogical ended with ${code}.`);
  return usage(rows);
}

export async function readWithPython(python: string, { url, slot, rows }: Source): Promise<Run> {
  const script = fileURLToPath(new URL('wal2json-csv.py', import.meta.url));
  const child = spawn(python, [script, url, slot, String(rows)], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const usage = watch(child);
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`The Python script ended with ${code}.`);
  return usage(rows);
}

/** A streamer that streams. */
export interface RunningStreamer {
  readonly process: ChildProcess;
  /** Resolves when the queues have accepted so many keys. */
  accepted(keys: number): Promise<Run>;
  stop(): Promise<void>;
}

export async function startStreamer({ url, slot }: Source, { env, queueUrls }: Sink): Promise<RunningStreamer> {
  const { hostname, port } = new URL(url);
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'wal-streamer/main.ts'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env.PATH,
      // As the image has it; Node's own default place.
      NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache'),
      ...env,
      PGHOST: hostname,
      PGPORT: port,
      PGDATABASE: 'postgres',
      PGUSER: DEFAULT_NAMES.streamerRole,
      PGPASSWORD: TEST_PASSWORDS.streamer,
      REPLICATION_SLOT: slot,
      CHANGE_QUEUE_URLS: JSON.stringify(queueUrls),
    },
  });
  const ended = once(child, 'close');
  const streaming = Promise.withResolvers<(rows: number) => Run>();
  const waiting = Promise.withResolvers<Run>();
  // A caller that awaits it gets the rejection; a run that only waits for messages does not await it.
  waiting.promise.catch(() => undefined);
  let wanted = Number.POSITIVE_INFINITY;
  let keys = 0;
  let usage: ((rows: number) => Run) | undefined;
  const look = () => {
    if (keys >= wanted && usage !== undefined) waiting.resolve(usage(wanted));
  };
  createInterface({ input: child.stdout }).on('line', (line) => {
    const entry = JSON.parse(line) as { message: string; keys?: number };
    if (entry.message.startsWith('streaming from')) {
      usage = watch(child);
      streaming.resolve(usage);
    }
    keys += entry.keys ?? 0;
    look();
  });
  const failed = ended.then(() => {
    const error = new Error('The streamer ended before it had read everything.');
    streaming.reject(error);
    waiting.reject(error);
  });
  await streaming.promise;
  return {
    process: child,
    accepted(rows) {
      wanted = rows;
      look();
      return waiting.promise;
    },
    async stop() {
      child.kill('SIGTERM');
      await failed;
    },
  };
}

/** Peak memory of a process so far, in megabytes. */
export function peakMegabytes({ pid }: ChildProcess): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
}

/** Follows time, CPU time and memory of a process from now on; what was read last before it ended counts. */
function watch(child: ChildProcess): (rows: number) => Run {
  const started = performance.now();
  const before = cpuSeconds(child) ?? 0;
  let last = { cpuSeconds: 0, peakMegabytes: 0 };
  const read = () => {
    const cpu = cpuSeconds(child);
    if (cpu === undefined) return;
    // A process that is ending has no memory any more.
    last = { cpuSeconds: cpu - before, peakMegabytes: Math.max(last.peakMegabytes, peakMegabytes(child)) };
  };
  const timer = setInterval(read, 20).unref();
  return (rows) => {
    clearInterval(timer);
    read();
    return { rowsPerSecond: rows / ((performance.now() - started) / 1000), ...last };
  };
}

/** undefined: it has ended. Fields 14 and 15 of proc(5), in ticks of 10 ms. */
function cpuSeconds({ pid }: ChildProcess): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return stat[0] === 'Z' ? undefined : (Number(stat[11]) + Number(stat[12])) / 100;
  } catch {
    return undefined;
  }
}
