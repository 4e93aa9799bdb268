/**
 * A backlog of changed rows drains to Salesforce through the whole local system: `npm run bench:backlog`. What is measured is
 * how long it takes, what it costs in calls, and how far executions stay from Step Functions' limits; then how much WAL the
 * server keeps after much was written to an unmapped table.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { Command, Option } from 'commander';
import { processTerminal, progressBar } from '../cli/terminal.ts';
import { DEFAULT_NAMES } from '../core/contracts/database-names.ts';
import { startBenchSystem } from './bench-system.ts';
import { largestPayload } from './execution-history.ts';
import { type Figure, report } from './figures.ts';

const configuration = (delivery: string) => `import sample from './sync.config.sample.ts';

export default {
  objects: sample.objects.map((mapping) =>
    mapping.object === 'Opportunity' ? { ...mapping, delivery: '${delivery}' as const } : mapping,
  ),
  settings: { ...sample.settings, sweepEveryMinutes: 1440, fullSweepEveryHours: 0 },
};
`;
const OBJECT = 'Opportunity';
/** Bytes of a Bulk API job stay below its 150 MB. */
const JOB_RECORDS = 100_000;
/** The longest history, and the largest input or result of a state (Step Functions quotas). */
const HISTORY_LIMIT = 25_000;
const PAYLOAD_LIMIT = 256 * 1024;
const UNRELATED_MEGABYTES = 100;
const LOOK_EVERY_MS = 1_000;
/** Nothing has moved for so long: it never will. */
const STUCK_AFTER_MS = 180_000;
/** Those at rest have no amount. */
const CHANGE_ALL = 'update loan_applications set amount = amount + 1 where amount is not null';

const { rows, atRest, delivery, walWait, json } = new Command('npm run bench:backlog --')
  .description('A backlog of changed rows drains to Salesforce; then WAL of unrelated tables.')
  .option('--rows <n>', 'changed rows', Number, 500_000)
  .option('--at-rest <n>', 'links with their rows beside them, of which nothing changes', Number, 1_500_000)
  .addOption(new Option('--delivery <way>', 'how they travel').choices(['api', 'appflow']).default('api'))
  .option('--wal-wait <seconds>', 'how long after unrelated writes the retained WAL is looked at', Number, 120)
  .option('--json', 'figures as JSON', false)
  .parse()
  .opts<{ rows: number; atRest: number; delivery: string; walWait: number; json: boolean }>();

await using bench = await startBenchSystem({ configuration: configuration(delivery), pollMs: 5_000 });
const { both, system } = bench;
const org = new DatabaseSync(join(system.directory, 'org.sqlite'), { readOnly: true });

await makeRecords();
await stopPolling();
await makeLinksAtRest();
const drained = await drain();
const unrelated = await writeUnrelated();
processTerminal.progress(undefined);
org.close();
const title = `A backlog of ${rows.toLocaleString('en')} rows beside ${atRest.toLocaleString('en')} links at rest, delivery '${delivery}'`;
report(title, [...drained, ...unrelated], { json });

/** The records come in through the Bulk API, and reach the table as any other does. */
async function makeRecords(): Promise<void> {
  const before = await linked();
  for (let made = 0; made < rows; made += JOB_RECORDS) {
    processTerminal.progress(`making records ${progressBar(made, rows)}`);
    const input = Array.from({ length: Math.min(JOB_RECORDS, rows - made) }, (_, i) => ({
      Name: `Backlog ${made + i}`,
      StageName: 'Prospecting',
      CloseDate: '2027-01-31',
      Amount: 10_000 + ((made + i) % 1000),
    }));
    const job = { object: OBJECT, operation: 'insert', input, pollInterval: 500, pollTimeout: 600_000 } as const;
    const { failedResults } = await both.salesforce.bulk2.loadAndWaitForResults(job);
    if (failedResults.length > 0) throw new Error(`The org refused ${failedResults.length} of the records.`);
  }
  await moving('waiting for their rows', async () => ({ done: (await linked()) - before, of: rows }));
}

/** Their records are not in the org, for no sweep runs; the origin keeps their rows from the streamer. */
async function makeLinksAtRest(): Promise<void> {
  if (atRest === 0) return;
  processTerminal.progress('making links at rest ...');
  const id = `'0069' || lpad(n::text, 11, '0') || 'AAA'`;
  const key = `('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid`;
  const client = await both.database.connect();
  try {
    await client.query('select pg_replication_origin_session_setup($1)', ['sfsync_0']);
    await client.query(
      `with made as (
         insert into loan_applications (id, salesforce_id, title, stage, closes_on)
         select ${key}, ${id}, 'At rest ' || n, 'Prospecting', date '2027-01-31' from generate_series(1, $2::int) n
         returning id, salesforce_id, title)
       insert into sfsync.link (object, salesforce_id, row_key, base, base_deleted, high_water, revision)
       select $1, salesforce_id, id::text, json_build_object('Name', title), false, now(), 1 from made`,
      [OBJECT, atRest],
    );
    await client.query('select pg_replication_origin_session_reset()');
  } finally {
    // What is left of the origin goes with the session.
    client.release(true);
  }
}

async function linked(): Promise<number> {
  const sql = 'select count(*) from sfsync.link where object = $1 and base is not null';
  return Number((await both.row<{ count: string }>(sql, [OBJECT]))?.count);
}

/** The flows look by the clock, not because of what is measured: their calls would count as ours. */
async function stopPolling(): Promise<void> {
  for (const { object } of system.configuration.objects) {
    await both.system.call('appflow', 'StopFlow', { flowName: both.resource(`inboundFlow.${object}`) });
  }
  await moving('waiting for the last files', async () => {
    const running = await both.executions('salesforceToPostgres', 'RUNNING');
    return { done: running.length === 0 ? 1 : 0, of: 1 };
  });
}

async function drain(): Promise<Figure[]> {
  const executionsBefore = new Set(
    (await both.executions('postgresToSalesforce')).map(({ executionArn }) => executionArn),
  );
  const before = await stats();
  processTerminal.progress('changing the rows ...');
  const changed = Number((await both.database.query(CHANGE_ALL)).rowCount);
  const started = performance.now();
  let retained = 0;
  await moving('draining', async () => {
    retained = Math.max(retained, await retainedMegabytes());
    const done = updates(await stats()) - updates(before);
    return { done: done >= changed && (await anyDue()) ? changed - 1 : done, of: changed };
  });
  const seconds = (performance.now() - started) / 1000;
  const after = await stats();
  await assertEqual();

  const histories: { events: number; payload: number; batches: number }[] = [];
  for (const { executionArn } of await both.executions('postgresToSalesforce')) {
    if (executionsBefore.has(executionArn)) continue;
    const history = await both.history(executionArn);
    const batches = history.filter((event) => event.stateEnteredEventDetails?.name === 'Decide changes').length;
    histories.push({ events: history.length, payload: largestPayload(history), batches });
  }
  const largest = (of: (one: (typeof histories)[number]) => number) => Math.max(...histories.map(of));
  const calls = after.apiCalls.total - before.apiCalls.total;
  return [
    { what: 'rows changed in one transaction', value: changed, unit: '' },
    { what: 'time to drain', value: seconds, unit: 's' },
    { what: 'rows a second', value: changed / seconds, unit: '/s' },
    {
      what: 'writes per changed row',
      value: (updates(after) - updates(before)) / changed,
      unit: '',
      bar: { atMost: 1 },
    },
    {
      what: 'API calls per 1,000 records',
      value: (calls * 1000) / changed,
      unit: '',
      bar: { atMost: 10 },
      note: 'look, write and read back',
    },
    { what: 'batches', value: histories.reduce((sum, { batches }) => sum + batches, 0), unit: '' },
    { what: 'executions', value: histories.length, unit: '' },
    {
      what: 'most events in a history',
      value: largest(({ events }) => events),
      unit: '',
      bar: { below: HISTORY_LIMIT / 2 },
    },
    {
      what: 'largest payload of a state',
      value: largest(({ payload }) => payload),
      unit: 'bytes',
      bar: { below: PAYLOAD_LIMIT / 2 },
    },
    { what: 'most WAL retained until then', value: retained, unit: 'MB' },
    { what: 'WAL retained at the end', value: await retainedMegabytes(), unit: 'MB' },
  ];
}

/** A hundred megabytes to a table that no publication knows. */
async function writeUnrelated(): Promise<Figure[]> {
  processTerminal.progress('writing to an unrelated table ...');
  await both.rows('create table unrelated (id bigint generated always as identity, filler text)');
  const written = await both.row<{ lsn: string }>('select pg_current_wal_lsn() as lsn');
  const sql =
    "insert into unrelated (filler) select string_agg(md5(random()::text), '') from generate_series(1, 3200) n group by n % 100";
  const since = 'select (pg_current_wal_lsn() - $1::pg_lsn)::float8 / 1e6 as megabytes';
  for (;;) {
    const wal = await both.row<{ megabytes: number }>(since, [written?.lsn]);
    if ((wal?.megabytes ?? 0) >= UNRELATED_MEGABYTES) break;
    await both.rows(sql);
  }
  const most = await retainedMegabytes();
  for (let passed = 0; passed < walWait; passed++) {
    processTerminal.progress(`waiting for the slot ${progressBar(passed, walWait)}`);
    await pause(1000);
  }
  return [
    {
      what: `WAL retained ${walWait} s after ${UNRELATED_MEGABYTES} MB elsewhere`,
      value: await retainedMegabytes(),
      unit: 'MB',
      bar: { below: 64 },
      note: `${most.toFixed(0)} MB at once after`,
    },
  ];
}

/** Shows the progress until everything is done. Throws when nothing has moved for a while. */
async function moving(what: string, look: () => Promise<{ done: number; of: number }>): Promise<void> {
  const started = performance.now();
  let last = { done: -1, at: started };
  for (;;) {
    const { done, of } = await look();
    const now = performance.now();
    processTerminal.progress(`${what} ${progressBar(done, of)} ${Math.round((now - started) / 1000)} s`);
    if (done >= of) return;
    if (done !== last.done) last = { done, at: now };
    if (now - last.at > STUCK_AFTER_MS) throw new Error(`${what}: ${done} of ${of}, and nothing moves any more.`);
    await pause(LOOK_EVERY_MS);
  }
}

interface OrgStats {
  readonly writes: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly apiCalls: { readonly total: number };
}

async function stats(): Promise<OrgStats> {
  const answer = await fetch(new URL('/_simulator/stats', both.salesforce.instanceUrl));
  if (!answer.ok) throw new Error(`The org's counters cannot be read: ${answer.status}`);
  return (await answer.json()) as OrgStats;
}

function updates({ writes }: OrgStats): number {
  return writes[OBJECT]?.update ?? 0;
}

async function anyDue(): Promise<boolean> {
  const sql = 'select from sfsync.link where object = $1 and (dirty or push_id is not null or reread_due) limit 1';
  return (await both.row(sql, [OBJECT])) !== undefined;
}

async function retainedMegabytes(): Promise<number> {
  const sql =
    'select (pg_current_wal_lsn() - restart_lsn)::float8 / 1e6 as megabytes from pg_replication_slots where slot_name = $1';
  return (await both.row<{ megabytes: number }>(sql, [DEFAULT_NAMES.slot]))?.megabytes ?? 0;
}

/** The sum over all rows is the sum over all records. */
async function assertEqual(): Promise<void> {
  const here = await both.row<{ sum: string }>('select sum(amount)::text as sum from loan_applications');
  const sql = `select sum(json_extract(body, '$.values.Amount')) as sum from org_record
    where json_extract(body, '$.object') = ? and json_extract(body, '$.bin') is null`;
  const there = org.prepare(sql).get(OBJECT)?.sum;
  if (Number(here?.sum) !== Number(there)) throw new Error(`Rows add up to ${here?.sum}, records to ${there}.`);
}
