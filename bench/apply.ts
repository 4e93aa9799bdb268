/**
 * How fast records are applied, against the two ways that everybody knows: a row-by-row upsert with autocommit, and a raw
 * COPY into a temporary table with INSERT ... ON CONFLICT: `npm run bench:apply`.
 *
 * sfsync keeps a base for every record, which the other two do not: it writes two tables. Every repeat starts from an
 * empty database of a durable server (fsync on); reported are the medians and their ratios.
 */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command } from 'commander';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { processTerminal } from '../cli/terminal.ts';
import { DEFAULT_NAMES } from '../core/contracts/database-names.ts';
import { type CanonicalValue, toPostgresJson } from '../core/mapping/canonical.ts';
import { mappingOf } from '../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../core/mapping/salesforce-version.ts';
import { prepareDatabase } from '../postgres/prepare/prepare.ts';
import { openSession, type Session } from '../postgres/session/connection.ts';
import { type AppliedVersions, applyVersions } from '../steps/apply.ts';
import { launch } from '../test/support/postgres/postgres-launch.ts';
import { type Figure, median, report } from './figures.ts';
import { WIDE_COLUMNS, WIDE_SYNC, wideTable, wideVersion } from './wide-object.ts';

const {
  rows: ROWS,
  repeats: REPEATS,
  json,
} = new Command('npm run bench:apply --')
  .description('Rows applied with their base, against row-by-row upserts and a raw COPY of the same rows.')
  .option('--rows <n>', 'rows', Number, 100_000)
  .option('--repeats <n>', 'of which the medians count', Number, 3)
  .option('--json', 'figures as JSON', false)
  .parse()
  .opts<{ rows: number; repeats: number; json: boolean }>();
/** Row by row is slow and steady: a part of the rows gives its rate. */
const SAMPLE = Math.min(ROWS, 5000);
/** Records of 20 fields in a range of 8 MiB, which is what one Lambda applies in one transaction. */
const RANGE_RECORDS = 12_000;
const READ_AFTER = Date.UTC(2030, 0, 1);
const SOURCE = 'salesforce/Loan__c/flow/run/file';
const MAPPING = mappingOf(WIDE_SYNC, 'Loan__c');
const PASSWORD = 'bench';
const COLUMN_LIST = ['salesforce_id', ...WIDE_COLUMNS].join(', ');
const ASSIGNMENTS = WIDE_COLUMNS.map((column) => `${column} = excluded.${column}`).join(', ');

const CASES = [
  { name: 'insert of new records', edit: 0, expected: { inserted: ROWS } },
  { name: 'update of all, 3 of 20 fields each', edit: 1, expected: { updated: ROWS } },
  { name: 'the same file again', edit: 1, expected: { unchanged: ROWS } },
] as const;
const WAYS = ['sfsync', 'row by row', 'COPY'] as const;

/** Rows per second by case and way, one number for each repeat. */
const rates = new Map<string, number[]>();

const server = await launch(['fsync=on']);
try {
  for (let repeat = 1; repeat <= REPEATS; repeat++) {
    await asSuperuser('postgres', (client) => client.query(`create database bench_${repeat}`));
    await asSuperuser(`bench_${repeat}`, (client) => measure(client, `bench_${repeat}`, repeat));
    await asSuperuser('postgres', (client) => client.query(`drop database bench_${repeat} with (force)`));
  }
  processTerminal.progress(undefined);
  report(`${ROWS} rows of ${WIDE_COLUMNS.length} columns, medians of ${REPEATS} repeats`, figures(), { json });
} finally {
  await server.shutDown();
}

async function measure(client: pg.Client, database: string, repeat: number): Promise<void> {
  for (const table of ['loans', 'loans_by_row', 'loans_by_copy']) await client.query(wideTable(table));
  await prepareDatabase(client, WIDE_SYNC, { passwords: { apply: PASSWORD }, slot: database });
  // The slot has no reader here; the WAL that it would retain has nothing to do with what is measured.
  await client.query('select pg_drop_replication_slot($1)', [database]);
  const session = await openSession({
    host: '127.0.0.1',
    port: Number(new URL(server.url).port),
    dbname: database,
    username: DEFAULT_NAMES.applyRole,
    password: PASSWORD,
  });
  try {
    for (const { name, edit, expected } of CASES) {
      const versions = Array.from({ length: ROWS }, (_, n) => wideVersion(n, edit));
      const ways: Record<(typeof WAYS)[number], () => Promise<number>> = {
        sfsync: () => applyAll(session, versions, expected),
        'row by row': () => upsertRowByRow(client, versions.slice(0, SAMPLE)),
        COPY: () => copyAndUpsert(client, versions),
      };
      for (const way of WAYS) {
        processTerminal.progress(`repeat ${repeat} of ${REPEATS}: ${name}, ${way}`);
        await client.query('vacuum analyze');
        await client.query('checkpoint');
        const rate = await ways[way]();
        rates.set(`${name} ${way}`, [...(rates.get(`${name} ${way}`) ?? []), rate]);
      }
    }
  } finally {
    await session.end();
  }
}

/** As the Lambdas do it, one after the other. */
async function applyAll(session: Session, versions: readonly SalesforceVersion[], expected: Partial<AppliedVersions>) {
  const context = {
    session,
    configuration: WIDE_SYNC,
    mapping: MAPPING,
    execution: 'bench',
  };
  const lines = versions.map((version, i) => ({ line: i + 1, version: { ...version, mergedInto: undefined } }));
  const sum: Record<string, number> = {};
  const rate = await timed(lines.length, async () => {
    for (let first = 0; first < lines.length; first += RANGE_RECORDS) {
      const applied = await applyVersions(context, SOURCE, lines.slice(first, first + RANGE_RECORDS), READ_AFTER);
      for (const [key, n] of Object.entries(applied)) sum[key] = (sum[key] ?? 0) + Number(n);
    }
  });
  for (const [key, n] of Object.entries(expected)) {
    if (sum[key] !== n) throw new Error(`Expected ${n} ${key}, got ${JSON.stringify(sum)}`);
  }
  return rate;
}

async function upsertRowByRow(client: pg.Client, versions: readonly SalesforceVersion[]) {
  const places = ['salesforce_id', ...WIDE_COLUMNS].map((_, i) => `$${i + 1}`).join(', ');
  const sql = `insert into loans_by_row (${COLUMN_LIST}) values (${places})
               on conflict (salesforce_id) do update set ${ASSIGNMENTS}`;
  const rows = versions.map((version) => [version.id, ...valuesOf(version)]);
  return timed(rows.length, async () => {
    for (const row of rows) await client.query(sql, row);
  });
}

/** The text is made beforehand: what is measured is the server's work and the transport. */
async function copyAndUpsert(client: pg.Client, versions: readonly SalesforceVersion[]) {
  const text = versions.map((version) => `${[version.id, ...valuesOf(version)].map(copyText).join('\t')}\n`);
  const chunks = Array.from({ length: Math.ceil(text.length / 500) }, (_, i) =>
    text.slice(i * 500, i * 500 + 500).join(''),
  );
  return timed(versions.length, async () => {
    await client.query('begin');
    await client.query(
      `create temporary table incoming on commit drop as select ${COLUMN_LIST} from loans_by_copy with no data`,
    );
    await pipeline(Readable.from(chunks), client.query(copyFrom(`copy incoming (${COLUMN_LIST}) from stdin`)));
    await client.query(`insert into loans_by_copy (${COLUMN_LIST}) select ${COLUMN_LIST} from incoming
                        on conflict (salesforce_id) do update set ${ASSIGNMENTS}`);
    await client.query('commit');
  });
}

function valuesOf({ fields }: SalesforceVersion) {
  return MAPPING.fields.map(({ field, type }) => toPostgresJson(type, fields[field] as CanonicalValue, undefined));
}

function copyText(value: ReturnType<typeof toPostgresJson>): string {
  if (value === null) return '\\N';
  if (typeof value === 'object') return `{${value.join(',')}}`;
  return String(value).replace(/[\\\t\n\r]/g, (character) => `\\${character}`);
}

async function timed(rows: number, work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return rows / ((performance.now() - started) / 1000);
}

async function asSuperuser(database: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
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

/** Ratios within each repeat: what slows the machine down for a while slows all three. */
function figures(): Figure[] {
  return CASES.flatMap(({ name }) => {
    const [ours = [], byRow = [], byCopy = []] = WAYS.map((way) => rates.get(`${name} ${way}`) ?? []);
    const ratio = (others: readonly number[]) => median(ours.map((rate, i) => rate / (others[i] ?? Number.NaN)));
    return [
      { what: `${name}: sfsync`, value: median(ours), unit: 'rows/s' },
      {
        what: `${name}: of row by row`,
        value: ratio(byRow),
        unit: 'times',
        bar: { atLeast: 10 },
        note: rateNote(byRow),
      },
      {
        what: `${name}: of raw COPY`,
        value: ratio(byCopy),
        unit: 'times',
        bar: { atLeast: 0.4 },
        note: rateNote(byCopy),
      },
    ];
  });
}

function rateNote(others: readonly number[]): string {
  return `${Math.round(median(others)).toLocaleString('en')} rows/s`;
}
