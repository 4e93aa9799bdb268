/**
 * How fast the streamer reads, what it takes, and how soon a commit is in its queue: `npm run bench:wal-streamer`. Wants
 * pg_recvlogical on the PATH (Debian: postgresql-client-15). Where PostgreSQL 15 with wal2json and python3-psycopg2 are
 * installed, everything runs on that server, and the script in Python, the design that this replaces, reads beside it.
 *
 * Each repeat updates the rows, 1,000 to a statement, and lets all readers read the same WAL from slots of their own, in
 * another order each time. Rates count from the start of the stream (pg_recvlogical: of its process) to the last accepted
 * row. One sink, in this process, accepts at once; the other is the queue of `npm start`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { Command } from 'commander';
import pg from 'pg';
import { processTerminal } from '../cli/terminal.ts';
import configuration from '../examples/lender/sync.config.ts';
import { prepareDatabase } from '../postgres/prepare/prepare.ts';
import { findInstalledPostgres, launchInstalled } from '../test/support/postgres/installed-postgres.ts';
import { LENDER_TABLES, TEST_PASSWORDS } from '../test/support/postgres/lender-tables.ts';
import { launch } from '../test/support/postgres/postgres-launch.ts';
import { startQueueService } from '../test/support/system/queue-service.ts';
import { type Figure, median, percentile, report } from './figures.ts';
import {
  findPython,
  hasRecvlogical,
  peakMegabytes,
  type Run,
  readWithPython,
  readWithRecvlogical,
  type Sink,
  startStreamer,
} from './stream-readers.ts';

const {
  rows: ROWS,
  repeats: REPEATS,
  large: LARGE,
  seconds: SECONDS,
  json,
} = new Command('npm run bench:wal-streamer --')
  .description('Reading speed, CPU and memory of the WAL streamer beside pg_recvlogical, and its latency.')
  .option('--rows <n>', 'updates in each repeat', Number, 500_000)
  .option('--repeats <n>', 'of which the medians count', Number, 3)
  .option('--large <n>', 'rows of the one large transaction', Number, 1_000_000)
  .option('--seconds <n>', 'length of the run for latency', Number, 30)
  .option('--json', 'figures as JSON', false)
  .parse()
  .opts<{ rows: number; repeats: number; large: number; seconds: number; json: boolean }>();

const CHANGES_PER_SECOND = 2_000;
const WRITES_PER_SECOND = 200;

const python = findPython();
const installed = findInstalledPostgres(15);
const withPython = python !== undefined && installed?.hasWal2json === true;
const server = withPython && installed !== undefined ? await launchInstalled(installed) : await launch();
const admin = new pg.Client({ connectionString: server.url });
await admin.connect();
try {
  await admin.query(LENDER_TABLES);
  await prepareDatabase(admin, configuration, { passwords: TEST_PASSWORDS });
  await admin.query("insert into lenders (name, phone) select 'Lender ' || n, n from generate_series(1, $1) n", [
    Math.max(ROWS, LARGE),
  ]);
  const runs = await readingSpeed();
  const memory = await largeTransaction();
  const latencies = await latency();
  const { rows } = await admin.query<{ version: string }>("select current_setting('server_version') as version");
  processTerminal.progress(undefined);
  report(`WAL streamer, PostgreSQL ${rows[0]?.version}`, figures(runs, memory, latencies), { json });
} finally {
  await admin.end();
  await server.shutDown();
}

async function readingSpeed(): Promise<Map<string, Run[]>> {
  const runs = new Map<string, Run[]>();
  for (let repeat = 1; repeat <= REPEATS; repeat++) {
    processTerminal.progress(`repeat ${repeat} of ${REPEATS}: writing`);
    const readers = readersOf(repeat);
    for (const { slot, plugin } of readers) await newSlot(slot, plugin);
    for (let first = 1; first <= ROWS; first += 1000) {
      const last = Math.min(ROWS, first + 999);
      await admin.query('update lenders set phone = $3 where id between $1 and $2', [first, last, repeat]);
    }
    const { rows } = await admin.query<{ end: string }>('select pg_current_wal_insert_lsn()::text as "end"');
    for (const { name, slot, read } of readers) {
      processTerminal.progress(`repeat ${repeat} of ${REPEATS}: ${name}`);
      const run = await read({ url: server.url, slot, rows: ROWS }, rows[0]?.end ?? '');
      runs.set(name, [...(runs.get(name) ?? []), run]);
    }
    for (const { slot } of readers) await dropSlot(slot);
  }
  return runs;
}

/** The reader that comes later finds more in the cache: they take turns. */
function readersOf(repeat: number) {
  const readers = [
    {
      name: 'streamer',
      slot: 'bench_streamer',
      plugin: 'pgoutput',
      read: (source: Source) => stream(source, acceptingSink),
    },
    {
      name: 'into the queue',
      slot: 'bench_queue',
      plugin: 'pgoutput',
      read: (source: Source) => stream(source, queueSink),
    },
    ...(hasRecvlogical()
      ? [{ name: 'pg_recvlogical', slot: 'bench_recvlogical', plugin: 'pgoutput', read: readWithRecvlogical }]
      : []),
    ...(withPython
      ? [
          {
            name: 'Python',
            slot: 'bench_python',
            plugin: 'wal2json',
            read: (source: Source) => readWithPython(python, source),
          },
        ]
      : []),
  ];
  return readers.map((_, i) => readers[(i + repeat) % readers.length]).filter((reader) => reader !== undefined);
}

type Source = Parameters<typeof startStreamer>[0];

async function stream(source: Source, open: () => Promise<Sink & AsyncDisposable>): Promise<Run> {
  await using sink = await open();
  const streamer = await startStreamer(source, sink);
  const run = await streamer.accepted(source.rows);
  await streamer.stop();
  return run;
}

async function acceptingSink(): Promise<Sink & AsyncDisposable> {
  const queues = await startQueueService({ keepMessages: false });
  return {
    env: queues.env,
    queueUrls: Object.fromEntries(configuration.objects.map(({ object }) => [object, queues.urlOf(object)])),
    [Symbol.asyncDispose]: () => queues[Symbol.asyncDispose](),
  };
}

/** The queues of the embedded AWS, in a process of its own as in `npm start`. */
async function queueSink(): Promise<Sink & AsyncDisposable> {
  const script = new URL('../test/support/system/serve-embedded-aws.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const endpoint = line.toString().trim();
  const env = {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'bench',
    AWS_SECRET_ACCESS_KEY: 'bench',
  };
  const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench' };
  const client = new SQSClient({ endpoint, region: 'eu-west-1', credentials });
  const queueUrls: Record<string, string> = {};
  for (const { object } of configuration.objects) {
    const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: object }));
    queueUrls[object] = QueueUrl ?? '';
  }
  client.destroy();
  return {
    env,
    queueUrls,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await once(child, 'close');
    },
  };
}

/** The peak of the streamer's memory through one transaction. */
async function largeTransaction(): Promise<number> {
  processTerminal.progress(`one transaction of ${LARGE} rows`);
  await newSlot('bench_large', 'pgoutput');
  await admin.query("update lenders set phone = 'large' where id <= $1", [LARGE]);
  const { peakMegabytes: peak } = await stream({ url: server.url, slot: 'bench_large', rows: LARGE }, acceptingSink);
  await dropSlot('bench_large');
  return peak;
}

interface Latency {
  readonly milliseconds: readonly number[];
  readonly changesPerSecond: number;
  readonly peakMegabytes: number;
}

/**
 * From the moment before a committing statement is sent to the one at which the queue has its keys. The writer and the
 * sink share this process and its clock.
 */
async function latency(): Promise<Latency> {
  processTerminal.progress(`latency, ${SECONDS} s`);
  await newSlot('bench_latency', 'pgoutput');
  await using queues = await startQueueService();
  const queueUrls = Object.fromEntries(configuration.objects.map(({ object }) => [object, queues.urlOf(object)]));
  const streamer = await startStreamer(
    { url: server.url, slot: 'bench_latency', rows: 0 },
    { env: queues.env, queueUrls },
  );
  const sent = new Map<string, number>();
  const milliseconds: number[] = [];
  const rowsEach = CHANGES_PER_SECOND / WRITES_PER_SECOND;
  const writes = SECONDS * WRITES_PER_SECOND;
  let written = 0;
  const started = performance.now();
  const arrived = queues.until(() => {
    const now = performance.now();
    for (const { keys } of queues.messages.splice(0)) {
      for (const [key] of keys) {
        const at = sent.get(key);
        if (at !== undefined) milliseconds.push(now - at);
        sent.delete(key);
      }
    }
    return written === writes && sent.size === 0;
  });
  for (; written < writes; written++) {
    const due = started + (written * 1000) / WRITES_PER_SECOND;
    const wait = due - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    const first = written * rowsEach;
    const now = performance.now();
    for (let n = 0; n < rowsEach; n++) sent.set(String(1 + ((first + n) % ROWS)), now);
    await admin.query("update lenders set phone = 'late' where id between $1 and $2", [
      1 + (first % ROWS),
      (first % ROWS) + rowsEach,
    ]);
  }
  const took = (performance.now() - started) / 1000;
  await arrived;
  const peak = peakMegabytes(streamer.process);
  await streamer.stop();
  await dropSlot('bench_latency');
  return { milliseconds, changesPerSecond: (writes * rowsEach) / took, peakMegabytes: peak };
}

async function newSlot(slot: string, plugin: string): Promise<void> {
  await admin.query('select pg_create_logical_replication_slot($1, $2)', [slot, plugin]);
}

/** Its reader may not have left it yet. */
async function dropSlot(slot: string): Promise<void> {
  await admin.query(
    'select pg_terminate_backend(active_pid, 5000) from pg_replication_slots where slot_name = $1 and active_pid is not null',
    [slot],
  );
  await admin.query('select pg_drop_replication_slot($1)', [slot]);
}

function figures(runs: ReadonlyMap<string, readonly Run[]>, memory: number, latencies: Latency): Figure[] {
  const rate = (name: string) => median(runs.get(name)?.map(({ rowsPerSecond }) => rowsPerSecond) ?? []);
  const cpu = (name: string) => median(runs.get(name)?.map(({ cpuSeconds }) => cpuSeconds) ?? []);
  const peak = (name: string) => Math.max(...(runs.get(name)?.map(({ peakMegabytes: each }) => each) ?? []));
  const readers = [...runs.keys()].flatMap((name): Figure[] => [
    { what: `${name}: ${ROWS} updates`, value: rate(name) / 1000, unit: 'thousand rows/s' },
    { what: `${name}: CPU of the client`, value: cpu(name), unit: 's' },
    { what: `${name}: memory at most`, value: peak(name), unit: 'MB' },
  ]);
  const ratios: Figure[] = [];
  if (runs.has('pg_recvlogical')) {
    const reference = rate('pg_recvlogical');
    ratios.push(
      { what: 'streamer / pg_recvlogical', value: rate('streamer') / reference, unit: '', bar: { atLeast: 0.8 } },
      {
        what: 'into the queue / pg_recvlogical',
        value: rate('into the queue') / reference,
        unit: '',
        bar: { atLeast: 0.4 },
      },
    );
  }
  if (runs.has('Python')) {
    ratios.push(
      { what: 'streamer / Python', value: rate('streamer') / rate('Python'), unit: '', bar: { atLeast: 1 } },
      { what: 'CPU of the streamer / of Python', value: cpu('streamer') / cpu('Python'), unit: '', bar: { atMost: 1 } },
    );
  }
  const { milliseconds, changesPerSecond } = latencies;
  const mean = milliseconds.reduce((sum, each) => sum + each, 0) / milliseconds.length;
  const pace = `at ${Math.round(changesPerSecond)} changes/s, of which ${milliseconds.length} were measured`;
  return [
    ...readers,
    ...ratios,
    { what: `memory through one transaction of ${LARGE} rows`, value: memory, unit: 'MB', bar: { below: 150 } },
    { what: 'commit to queue, mean', value: mean, unit: 'ms', bar: { below: 60 }, note: pace },
    { what: 'commit to queue, p99', value: percentile(milliseconds, 99), unit: 'ms', bar: { below: 250 } },
    { what: 'commit to queue, most', value: Math.max(...milliseconds), unit: 'ms' },
  ];
}
