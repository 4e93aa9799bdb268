/** A partitioned table through the WAL: its changes come as those of the root, and what attach and detach do comes through a comparison. */
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { SyncConfiguration } from '../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../core/mapping/salesforce-version.ts';
import configuration from '../../examples/lender/sync.config.ts';
import { dueComparisons } from '../../postgres/ledger/comparison.ts';
import { noteTables } from '../../postgres/ledger/mapped-tables.ts';
import { prepareDatabase } from '../../postgres/prepare/prepare.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { comparePart } from '../../steps/comparison/compare.ts';
import { useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { OutboundRounds } from '../support/system/outbound-rounds.ts';
import { contextOf } from '../support/system/steps.ts';
import { type RunningStream, startStream } from '../wal-streamer/running-stream.ts';

const [A, B] = ['006000000000001AAA', '006000000000002AAA'];
const key = (letter: string) => `${letter.repeat(8)}-0000-4000-8000-000000000000`;
/** Of the first partition, and of the second. */
const [LOW, ALSO_LOW, HIGH, ALSO_HIGH] = ['1', '2', 'a', 'b'].map(key) as [string, string, string, string];
const LATER = Date.UTC(2030, 0, 1);
const ROW = `title, stage, closes_on`;
const VALUES = `'x', 'x', '2031-01-01'`;

vi.setConfig({ testTimeout: 60_000 });
const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;

beforeEach(async () => {
  await rows(`alter table loan_applications rename to old;
    create table loan_applications (like old including defaults, primary key (id)) partition by range (id);
    create table loans_low partition of loan_applications for values from (minvalue) to ('80000000-0000-0000-0000-000000000000');
    create table loans_high partition of loan_applications for values from ('80000000-0000-0000-0000-000000000000') to (maxvalue);
    create index on loan_applications (salesforce_id); drop table old;
    truncate sfsync.mapped_table`);
  await prepareDatabase(lender.application, configuration, { slot: lender.database.name });
  session = await lender.session();
  await rows(
    `insert into loan_applications (id, salesforce_id, ${ROW}) values ('${LOW}', '${A}', ${VALUES}), ('${HIGH}', '${B}', ${VALUES})`,
  );
  const lines = [held(A), held(B)].map((each, i) => ({ line: i + 1, version: each }));
  await applyVersions(contextOf(session, configuration, 'Opportunity'), 'f', lines, LATER);
});

function held(id: string): SalesforceVersion {
  return { ...version('Opportunity', id, 1, { Name: id }), externalId: id === A ? LOW : HIGH };
}

async function streamed(work: (stream: RunningStream) => Promise<void>): Promise<string[]> {
  await using stream = startStream({ port: lender.credentials.port, database: lender.database.name });
  await stream.streaming();
  await work(stream);
  return [...new Set(stream.queues.keysOf('Opportunity'))].sort();
}

/** What is sent after the keys, or the comparison, have made records due. */
async function sent(keys: readonly string[] = []) {
  const rounds = await OutboundRounds.begin(session, configuration, 'Opportunity');
  const { pushes } = await rounds.decide(await rounds.collectKeys(...keys), held);
  return Object.fromEntries(pushes.map(({ id, push }) => [id, push.outgoing]));
}

/** As the streamer, every few seconds, and the sweep. */
async function compared(): Promise<string[]> {
  await noteTables(session, configuration);
  const due = (await dueComparisons(lender.application)).filter(({ object }) => object === 'Opportunity');
  await comparePart(contextOf(session, configuration, 'Opportunity'), () => false);
  return due.flatMap(({ reasons }) => [...reasons]);
}

const insertions = () =>
  rows('select row_key from sfsync.insertion order by 1').then((all) => all.map(({ row_key }) => row_key));

test('changes of rows in any partition come as those of the table, also of a partition that is made later', async () => {
  const keys = await streamed(async (stream) => {
    await rows(`update loans_low set title = 'edited'`);
    await rows(`delete from loan_applications where id = '${HIGH}'`);
    await rows(`alter table loan_applications detach partition loans_high; drop table loans_high;
      create table loans_higher partition of loan_applications for values from ('80000000-0000-0000-0000-000000000000') to (maxvalue)`);
    await rows(`insert into loan_applications (id, ${ROW}) values ('${ALSO_HIGH}', ${VALUES})`);
    await stream.until(() => stream.queues.keysOf('Opportunity').includes(ALSO_HIGH));
  });
  expect(keys).toEqual([LOW, HIGH, ALSO_HIGH]);
  expect(await sent(keys)).toEqual({ [A]: { kind: 'update', fields: { Name: 'edited' } }, [B]: { kind: 'delete' } });
  expect(await insertions()).toEqual([ALSO_HIGH]);
});

test('a row that moves into another partition stays the row of its record', async () => {
  const keys = await streamed(async (stream) => {
    await rows(`update loan_applications set id = '${ALSO_HIGH}', title = 'moved' where id = '${LOW}'`);
    await stream.until(() => stream.queues.keysOf('Opportunity').includes(ALSO_HIGH));
  });
  expect(keys).toEqual([LOW, HIGH, ALSO_HIGH]);
  expect(await sent(keys)).toEqual({ [A]: { kind: 'update', fields: { External_Id__c: ALSO_HIGH } } });
  expect(await rows(`select row_key from sfsync.link where salesforce_id = '${A}'`)).toEqual([{ row_key: ALSO_HIGH }]);
  expect(await insertions()).toEqual([]);
});

test('rows of a partition that is attached are not missed, nor edits that were made while it was detached', async () => {
  await rows(`alter table loan_applications detach partition loans_low`);
  const keys = await streamed(async (stream) => {
    await rows(`update loans_low set title = 'edited apart'`);
    await rows(`insert into loans_low (id, ${ROW}) values ('${ALSO_LOW}', ${VALUES})`);
    await rows(
      `alter table loan_applications attach partition loans_low for values from (minvalue) to ('80000000-0000-0000-0000-000000000000')`,
    );
    await rows(`update loan_applications set title = 'last' where id = '${HIGH}'`);
    await stream.until(() => stream.queues.keysOf('Opportunity').filter((each) => each === HIGH).length === 2);
  });
  // Of the first partition there is only what was inserted before it was detached.
  expect(keys).toEqual([LOW, HIGH]);
  expect(await compared()).toContain('partitions changed');
  expect(await sent()).toMatchObject({ [A]: { kind: 'update', fields: { Name: 'edited apart' } } });
  expect(await insertions()).toEqual([ALSO_LOW]);
});

test('rows of a partition that is detached have left the table, as if they were deleted', async () => {
  await rows('alter table loan_applications detach partition loans_low');
  expect(await compared()).toContain('partitions changed');
  expect(await sent()).toEqual({ [A]: { kind: 'delete' } });
});

test('wal2json knows partitions only, so prepare refuses it for a partitioned table', async () => {
  const other: SyncConfiguration = { ...configuration, settings: { ...configuration.settings, plugin: 'wal2json' } };
  await expect(prepareDatabase(lender.application, other, { slot: lender.database.name })).rejects.toThrow(
    /public\.loan_applications: is partitioned, and wal2json names the partition .* set settings\.plugin to 'pgoutput'/,
  );
});

describe('a table that is partitioned by another column than its key', () => {
  const prepare = () => prepareDatabase(lender.application, configuration, { slot: lender.database.name });
  beforeEach(async () => {
    await rows(`alter table loan_applications rename to old;
      create table loan_applications (like old including defaults, primary key (id, created_at)) partition by range (created_at);
      create table loans_before partition of loan_applications for values from (minvalue) to ('2026-01-01');
      create table loans_since partition of loan_applications for values from ('2026-01-01') to (maxvalue);
      create index on loan_applications (salesforce_id); insert into loan_applications select * from old; drop table old;
      truncate sfsync.mapped_table`);
    await prepare();
  });

  test('has the key that is beside that in its primary key; rows move, go and come back', async () => {
    const keys = await streamed(async (stream) => {
      await rows(`update loan_applications set title = 'edited', created_at = '2020-01-01' where id = '${LOW}'`);
      await rows(`delete from loan_applications where id = '${HIGH}'`);
      await stream.until(() => stream.queues.keysOf('Opportunity').filter((each) => each === HIGH).length > 1);
    });
    expect(keys).toEqual([LOW, HIGH]);
    expect(await rows('select id from loans_before')).toEqual([{ id: LOW }]);
    expect(await sent(keys)).toEqual({ [A]: { kind: 'update', fields: { Name: 'edited' } }, [B]: { kind: 'delete' } });
    expect(await insertions()).toEqual([]);

    const file = (second: number, more: Partial<SalesforceVersion>) => {
      const each = { ...version('Opportunity', '006000000000003AAA', second, { Name: 'New' }), ...more };
      return applyVersions(contextOf(session, configuration, 'Opportunity'), 'f', [{ line: 1, version: each }], LATER);
    };
    const row = () => rows(`select id, created_at from loan_applications where salesforce_id = '006000000000003AAA'`);
    await file(1, {});
    const [made] = await row();
    expect(made).toBeDefined();
    await file(2, { deleted: true });
    expect(await row()).toEqual([]);
    await file(3, {});
    expect(await row()).toEqual([made]);
  });

  test('is refused where the key stands in two rows, or no index begins with it', async () => {
    await rows(`insert into loan_applications (id, created_at, ${ROW}) values ('${LOW}', '2020-01-01', ${VALUES})`);
    await expect(prepare()).rejects.toThrow(/public\.loan_applications\.id: 1 key\(s\) stand in more than one row/);
    await rows(`delete from loans_before; alter table loan_applications drop constraint loan_applications_pkey;
      alter table loan_applications add primary key (created_at, id)`);
    await expect(prepare()).rejects.toThrow(/loan_applications\.id: no index begins with it/);
    await rows('create index on loan_applications (id)');
    await prepare();
  });

  test('and a primary key of other columns is refused with what to change', async () => {
    await rows(
      `alter table borrowers drop constraint borrowers_pkey; alter table borrowers add primary key (lender_id, id)`,
    );
    await expect(prepare()).rejects.toThrow(
      /primary key is \(lender_id, id\), the configured key is id; set key to \['lender_id', 'id'\] \(or make/,
    );
  });
});
