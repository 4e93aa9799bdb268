/**
 * How fast the streamer reads, compared with `pg_recvlogical` on the same publication, and what it takes: run with
 * `node bench/wal-streamer.ts [rows] [repeats]`. Needs pg_recvlogical on the PATH (Debian: postgresql-client-15).
 *
 * Each repeat updates the rows, 1,000 to a statement, and lets both readers read the same WAL from slots of their own. The
 * sink, in this process, accepts at once. Reported are rows per second from the start of the stream (for pg_recvlogical:
 * from the start of the process) to the last accepted row, CPU time and peak memory, and the ratio of the medians.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { prepareDatabase } from '../adapters/postgres/prepare.ts';
import { STREAMER_ROLE } from '../core/database-names.ts';
import configuration from '../sync.config.ts';
import { LENDER_TABLES, TEST_PASSWORDS } from '../test/support/lender-tables.ts';
import { launch } from '../test/support/postgres-launch.ts';
import { startQueueService } from '../test/support/queue-service.ts';

const ROWS = Number(process.argv[2] ?? 500_000);
const REPEATS = Number(process.argv[3] ?? 3);
const OTHER_SLOT = 'bench_recvlogical';
const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Run {
  readonly rowsPerSecond: number;
  readonly cpuSeconds: number;
  readonly peakMegabytes: number;
}

const server = await launch();
const admin = new pg.Client({ connectionString: server.url });
await admin.connect();
try {
  await admin.query(LENDER_TABLES);
  await prepareDatabase(admin, configuration, { passwords: TEST_PASSWORDS });
  await admin.query('insert into lenders (name, phone) select $1 || n, n from generate_series(1, $2) n', [
    'Lender ',
    ROWS,
  ]);
  const ours: Run[] = [];
  const theirs: Run[] = [];
  for (let repeat = 1; repeat <= REPEATS; repeat++) {
    for (const slot of ['sfsync', OTHER_SLOT]) {
      await admin.query('select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1', [
        slot,
      ]);
      await admin.query("select pg_create_logical_replication_slot($1, 'pgoutput')", [slot]);
    }
    for (let first = 1; first <= ROWS; first += 1000) {
      await admin.query('update lenders set phone = phone || 1 where id between $1 and $2', [first, first + 999]);
    }
    const { rows } = await admin.query<{ end: string }>('select pg_current_wal_insert_lsn()::text as "end"');
    const end = rows[0]?.end ?? '';
    // The one that reads second finds the WAL in the cache: they take turns.
    const readers = [
      async () => theirs.push(await readWithRecvlogical(end)),
      async () => ours.push(await readWithStreamer()),
    ];
    for (const read of repeat % 2 === 0 ? readers : readers.toReversed()) await read();
    print(`repeat ${repeat}`, theirs.at(-1), ours.at(-1));
  }
  const speed = (runs: Run[]) => median(runs.map(({ rowsPerSecond }) => rowsPerSecond));
  print(`ratio of the medians: ${(speed(ours) / speed(theirs)).toFixed(2)} of pg_recvlogical`);
} finally {
  await admin.end();
  await server.shutDown();
}

async function readWithRecvlogical(end: string): Promise<Run> {
  const started = performance.now();
  const child = spawn(
    'pg_recvlogical',
    [
      '-d',
      server.url,
      '--slot',
      OTHER_SLOT,
      '--start',
      '--endpos',
      end,
      '-o',
      'proto_version=1',
      '-o',
      'publication_names=sfsync',
      '-f',
      '/dev/null',
      '--no-loop',
    ],
    { stdio: 'inherit' },
  );
  const usage = watch(child.pid ?? 0);
  await once(child, 'close');
  return measured(started, usage());
}

async function readWithStreamer(): Promise<Run> {
  await using queues = await startQueueService({ keepMessages: false });
  const { hostname, port } = new URL(server.url);
  const urls = Object.fromEntries(configuration.objects.map(({ object }) => [object, queues.urlOf(object)]));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'wal-streamer/main.ts'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env.PATH,
      ...queues.env,
      PGHOST: hostname,
      PGPORT: port,
      PGDATABASE: 'postgres',
      PGUSER: STREAMER_ROLE,
      PGPASSWORD: TEST_PASSWORDS.streamer,
      CHANGE_QUEUE_URLS: JSON.stringify(urls),
    },
  });
  const usage = watch(child.pid ?? 0);
  let started = 0;
  let keys = 0;
  let run: Run | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    const entry = JSON.parse(line);
    if (entry.message.startsWith('streaming from')) started = performance.now();
    keys += entry.keys ?? 0;
    if (keys < ROWS || run !== undefined) continue;
    run = measured(started, usage());
    child.kill('SIGTERM');
  }
  if (run === undefined) throw new Error('The streamer ended before it had read everything.');
  return run;
}

/** Reads CPU time and peak memory of the process from /proc until it is asked for them. */
function watch(pid: number): () => { cpuSeconds: number; peakMegabytes: number } {
  let last = { cpuSeconds: 0, peakMegabytes: 0 };
  const read = () => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      // Fields 14 and 15 of proc(5), in ticks of 10 ms.
      const cpuSeconds = (Number(stat[11]) + Number(stat[12])) / 100;
      last = { cpuSeconds, peakMegabytes: Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024 };
    } catch {
      // The process has ended: what was read last counts.
    }
  };
  const timer = setInterval(read, 20);
  return () => {
    clearInterval(timer);
    read();
    return last;
  };
}

function measured(started: number, usage: { cpuSeconds: number; peakMegabytes: number }): Run {
  return { rowsPerSecond: ROWS / ((performance.now() - started) / 1000), ...usage };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function print(...parts: unknown[]): void {
  process.stdout.write(`${parts.map((part) => (typeof part === 'string' ? part : JSON.stringify(part))).join('  ')}\n`);
}
