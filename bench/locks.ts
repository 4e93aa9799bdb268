/**
 * How long an application waits for its own writes while records are applied to the same rows: `npm run bench:locks`.
 *
 * It writes at a steady rate to rows of the table, first alone and then beside an apply that changes all of them. A write counts from
 * the moment in which it is due, so that waiting for a connection counts, too.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Command } from 'commander';
import pg from 'pg';
import { processTerminal } from '../cli/terminal.ts';
import { DEFAULT_NAMES } from '../core/contracts/database-names.ts';
import type { MappedLine } from '../core/contracts/inbound-tasks.ts';
import { mappingOf } from '../core/mapping/configuration.ts';
import { prepareDatabase } from '../postgres/prepare/prepare.ts';
import { openSession, type Session } from '../postgres/session/connection.ts';
import { applyVersions } from '../steps/apply.ts';
import { launch } from '../test/support/postgres/postgres-launch.ts';
import { percentile, report } from './figures.ts';
import { WIDE_SYNC, wideTable, wideVersion } from './wide-object.ts';

const {
  rows: ROWS,
  rate: RATE,
  json,
} = new Command('npm run bench:locks --')
  .description('Writes of an application, alone and beside an apply to the same rows.')
  .option('--rows <n>', 'rows', Number, 100_000)
  .option('--rate <n>', 'writes of the application in a second', Number, 200)
  .option('--json', 'figures as JSON', false)
  .parse()
  .opts<{ rows: number; rate: number; json: boolean }>();
const ALONE_MS = 10_000;
/** Records of 20 fields in a range of 8 MiB, which is what one Lambda applies. */
const RANGE_RECORDS = 12_000;
const READ_AFTER = Date.UTC(2030, 0, 1);
const DATABASE = 'bench_locks';
const PASSWORD = 'bench';
const CONTEXT = { configuration: WIDE_SYNC, mapping: mappingOf(WIDE_SYNC, 'Loan__c'), execution: 'bench' };

interface Writes {
  readonly latencies: readonly number[];
  readonly failed: number;
}

const server = await launch(['fsync=on']);
try {
  await withClient('postgres', (client) => client.query(`create database ${DATABASE}`));
  await withClient(DATABASE, measure);
} finally {
  await server.shutDown();
}

async function measure(client: pg.Client): Promise<void> {
  await client.query(wideTable('loans'));
  await client.query('alter table loans add visits int not null default 0');
  await prepareDatabase(client, WIDE_SYNC, { passwords: { apply: PASSWORD }, slot: DATABASE });
  await client.query('select pg_drop_replication_slot($1)', [DATABASE]);
  const session = await openSession({
    host: '127.0.0.1',
    port: Number(new URL(server.url).port),
    dbname: DATABASE,
    username: DEFAULT_NAMES.applyRole,
    password: PASSWORD,
  });
  try {
    processTerminal.progress('new rows');
    await applyAll(session, 0);
    await client.query('vacuum analyze');
    processTerminal.progress('the application alone');
    const alone = await beside(() => pause(ALONE_MS));
    processTerminal.progress('the application beside an apply');
    let putOff = 0;
    let rate = 0;
    const both = await beside(async () => {
      const startedAt = performance.now();
      const updated = await applyAll(session, 1);
      rate = updated / ((performance.now() - startedAt) / 1000);
      putOff = ROWS - updated;
    });
    processTerminal.progress(undefined);
    report(
      `writes of an application at ${RATE}/s beside an apply of ${ROWS} rows`,
      [
        ...figuresOf('alone', alone),
        ...figuresOf('beside the apply', both, 250),
        { what: 'apply beside it', value: rate, unit: 'rows/s' },
        { what: 'records put off, for their row was locked', value: putOff, unit: 'records' },
        { what: 'writes of the application that failed', value: both.failed, unit: 'writes', bar: { atMost: 0 } },
      ],
      { json },
    );
  } finally {
    await session.end();
  }
}

function figuresOf(when: string, { latencies }: Writes, below?: number) {
  const figure = (name: string, value: number) => ({ what: `a write ${when}, ${name}`, value, unit: 'ms' });
  return [
    figure('p50', percentile(latencies, 50)),
    { ...figure('p99', percentile(latencies, 99)), ...(below !== undefined && { bar: { below } }) },
    figure('max', percentile(latencies, 100)),
  ];
}

/** Does the work while the application writes. */
async function beside(work: () => Promise<unknown>): Promise<Writes> {
  const url = new URL(server.url);
  url.pathname = `/${DATABASE}`;
  const worker = new Worker(new URL('./locks-application.ts', import.meta.url), {
    workerData: { url: url.href, rows: ROWS, perSecond: RATE },
  });
  const writes = new Promise<Writes>((resolve, reject) => worker.once('message', resolve).once('error', reject));
  try {
    await work();
  } finally {
    worker.postMessage('enough');
  }
  return writes;
}

/** As the state machine does it: what a call leaves goes into the next one. Answers how many rows were written. */
async function applyAll(session: Session, edit: number): Promise<number> {
  let written = 0;
  for (let first = 0; first < ROWS; first += RANGE_RECORDS) {
    let lines: readonly MappedLine[] = Array.from({ length: Math.min(RANGE_RECORDS, ROWS - first) }, (_, i) => {
      return { line: first + i + 1, version: { ...wideVersion(first + i, edit), mergedInto: undefined } };
    });
    while (lines.length > 0) {
      const applied = await applyVersions({ session, ...CONTEXT }, 'salesforce/file', lines, READ_AFTER);
      written += applied.inserted + applied.updated;
      lines = applied.left;
    }
  }
  return written;
}

async function withClient(database: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const url = new URL(server.url);
  url.pathname = `/${database}`;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
