/** Names of tables, columns and schemas that SQL takes in quotes only, through everything that names them. */
import { beforeEach, expect, test } from 'vitest';
import { mappingOf } from '../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../core/mapping/salesforce-version.ts';
import sample from '../../examples/lender/sync.config.ts';
import { startedOrg } from '../../packages/salesforce-simulator/test/started-org.ts';
import { orderComparison } from '../../postgres/ledger/comparison.ts';
import { type Prepared, prepareDatabase } from '../../postgres/prepare/prepare.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { tryRows } from '../../postgres/tables/trial.ts';
import { applyVersions } from '../../steps/apply.ts';
import { comparePart } from '../../steps/comparison/compare.ts';
import { compareSides } from '../../steps/first-load/compare.ts';
import { linkSides } from '../../steps/first-load/link.ts';
import { receiveKeys } from '../../steps/receive.ts';
import { createMany } from '../salesforce/records.ts';
import { deletedVersion, useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { named, quoted, renamed } from '../support/postgres/quoted-lender.ts';
import { OutboundRounds } from '../support/system/outbound-rounds.ts';
import { contextOf } from '../support/system/steps.ts';
import { startStream } from '../wal-streamer/running-stream.ts';

const LATER = Date.UTC(2030, 0, 1);
const [BANK, LOAN, PERSON] = ['001000000000001AAA', '006000000000001AAA', '003000000000001AAA'];
const configuration = quoted(sample);

const lender = useLenderDatabase('test');
const { rows } = lender;
const prepare = () => prepareDatabase(lender.application, configuration, { slot: lender.database.name });
let session: Session;
let prepared: Prepared;
beforeEach(async () => {
  await rows(renamed(sample));
  // As if they had never had other names.
  await rows('truncate sfsync.mapped_table');
  prepared = await prepare();
  session = await lender.session();
});

function apply(object: string, ...versions: SalesforceVersion[]) {
  return applyVersions(
    contextOf(session, configuration, object),
    'f',
    versions.map((each, i) => ({ line: i + 1, version: each })),
    LATER,
  );
}

const of = (object: string) =>
  rows(`select to_jsonb(r.*) as row from ${named(object)} r`).then((all) => all.map(({ row }) => row));
const rejects = () => rows('select object, code, reason from sfsync.rejected_record where resolved_at is null');

test('prepare finds the tables as they are, publishes them, tries writes, and the second time there is nothing to do', async () => {
  expect(prepared.warnings).toEqual([]);
  const again = await prepare();
  expect(again.warnings).toEqual([]);
  expect(again.actions.filter(({ done }) => done !== 'unchanged' && done !== 'made sure')).toEqual([]);
});

test('rows come, change, go and come back', async () => {
  await apply('Account', version('Account', BANK, 1, { Phone: '1', AnnualRevenue: '5' }));
  await apply('Contact', version('Contact', PERSON, 1, { FirstName: 'A', AccountId: BANK, Birthdate: '2000-01-01' }));
  await apply('Opportunity', version('Opportunity', LOAN, 1, { AccountId: BANK, Purposes__c: 'a;b' }));
  await apply('Contact', version('Contact', PERSON, 2, { FirstName: 'B', AccountId: BANK, DoNotCall: true }));
  expect(await of('Contact')).toMatchObject([{ ID: PERSON, 'First Name': 'B', "it's": 'Meyer', p: true, größe: null }]);
  expect(await of('Opportunity')).toMatchObject([{ id: LOAN, t: 'Bridge loan', '--': ['a', 'b'] }]);

  const many = Array.from({ length: 30 }, (_, i) => `0030000000001${i + 10}AAA`);
  await apply('Contact', ...many.map((id) => version('Contact', id, 3, { LastName: 'x' })));
  const fields = ['FirstName', 'Email', 'Phone', 'Birthdate', 'DoNotCall'];
  const changed = (i: number) =>
    Object.fromEntries(
      fields
        .filter((_, n) => (i >> n) & 1)
        .map((f) => [f, f === 'DoNotCall' ? true : f === 'Birthdate' ? '2001-01-01' : 'y']),
    );
  await apply('Contact', ...many.map((id, i) => version('Contact', id, 4, { LastName: 'x', ...changed(i) })));
  const mixed = (await of('Contact')).filter((row) => row['"quoted"'] === 'y');
  expect(mixed.length).toBe(many.filter((_, i) => (i >> 2) & 1).length);

  const [before] = await of('Opportunity');
  await rows(`update ${named('Opportunity')} set underwriter_notes = 'kept'`);
  await apply('Opportunity', deletedVersion('Opportunity', LOAN, 5, { AccountId: BANK, Purposes__c: 'a;b' }));
  expect(await of('Opportunity')).toEqual([]);
  await apply('Opportunity', version('Opportunity', LOAN, 6, { AccountId: BANK, Purposes__c: 'a;b' }));
  expect(await of('Opportunity')).toMatchObject([
    { ...before, updated_at: expect.anything(), underwriter_notes: 'kept' },
  ]);
  expect(await rejects()).toEqual([]);
});

test('a refused row is found by the trial, and listed alone', async () => {
  await rows(`alter table ${named('Account')} add check (${named('Account', 'name')} <> 'bad')`);
  await apply('Account', version('Account', BANK, 1, { Name: 'bad' }), version('Account', '001000000000002AAA', 1));
  expect(await of('Account')).toMatchObject([{ t: 'Northwind Lending' }]);
  expect(await rejects()).toMatchObject([{ object: 'Account', code: '23514' }]);
  await session.query('begin');
  const mapping = mappingOf(configuration, 'Account');
  const write = { kind: 'insert', salesforceId: BANK, key: undefined, fields: { Name: 'bad' } } as const;
  expect([...((await tryRows(session, mapping, [write])) ?? [])].map(([id]) => id)).toEqual([BANK]);
  await session.query('rollback');
});

test('edits, new rows, changed keys and deletes go from the WAL to Salesforce', async () => {
  await apply('Account', version('Account', BANK, 1));
  await apply('Contact', version('Contact', PERSON, 1, { AccountId: BANK }));
  await using stream = startStream({ port: lender.credentials.port, database: lender.database.name, configuration });
  await stream.streaming();
  await rows(`update ${named('Account')} set ${named('Account', 'phone')} = 'edited'`);
  await rows(`update ${named('Contact')} set ${named('Contact', 'first_name')} = 'edited'`);
  await rows(
    `insert into ${named('Opportunity')} (${['title', 'stage', 'closes_on'].map((c) => named('Opportunity', c)).join()}) values ('new', 'x', '2031-01-01')`,
  );
  await stream.until(() =>
    ['Account', 'Contact', 'Opportunity'].every((object) => stream.queues.keysOf(object).length === 1),
  );
  expect(stream.told.tableChanged).toEqual([]);
  for (const [object, id, field] of [
    ['Account', BANK, 'Phone'],
    ['Contact', PERSON, 'FirstName'],
  ] as const) {
    const rounds = await OutboundRounds.begin(session, configuration, object);
    const chosen = await rounds.collectKeys(...stream.queues.keysOf(object));
    const { pushes } = await rounds.decide(chosen, () =>
      version(object, id, 1, object === 'Contact' ? { AccountId: BANK } : {}),
    );
    expect(pushes).toMatchObject([{ id, push: { outgoing: { kind: 'update', fields: { [field]: 'edited' } } } }]);
  }
  const loans = { session, configuration, mapping: mappingOf(configuration, 'Opportunity') };
  expect(await receiveKeys(loans, stream.queues.keysOf('Opportunity'))).toMatchObject({ inserts: 1 });

  await rows(`delete from ${named('Contact')}`);
  await stream.until(() => stream.queues.keysOf('Contact').length === 2);
  const rounds = await OutboundRounds.begin(session, configuration, 'Contact');
  expect(
    await receiveKeys({ session, configuration, mapping: rounds.mapping }, stream.queues.keysOf('Contact')),
  ).toMatchObject({ marked: 1 });
});

test('the row filter names columns as SQL does', async () => {
  const where = `${named('Account', 'industry')} is distinct from 'secret'`;
  const filtered = {
    ...configuration,
    objects: configuration.objects.map((each) =>
      each.object === 'Account' ? { ...each, filter: { where, leaving: 'ignore' as const } } : each,
    ),
  };
  await prepareDatabase(lender.application, filtered, { slot: lender.database.name });
  await apply('Account', version('Account', BANK, 1));
  const rounds = await OutboundRounds.begin(session, filtered, 'Account');
  const [row] = await of('Account');
  await rows(`update ${named('Account')} set ${named('Account', 'industry')} = 'secret'`);
  expect(await rounds.decide(await rounds.collectKeys(row.Id), () => version('Account', BANK, 1))).toMatchObject({
    pushes: [],
  });
});

test('first load and comparison', async () => {
  await using org = await startedOrg();
  const byName = {
    ...configuration,
    objects: configuration.objects.map((each) => ({
      ...each,
      matchBy: each.fields.find(({ field }) => field === (each.object === 'Account' ? 'Name' : 'LastName')),
    })),
  };
  await createMany(org, 'Account', 2, (i) => ({ Name: i === 0 ? 'Both' : 'Theirs' }));
  await rows(`insert into ${named('Account')} (${named('Account', 'name')}) values ('Both'), ('Ours')`);
  const load = {
    session,
    connection: org.connection,
    configuration: byName,
    mapping: mappingOf(byName, 'Account'),
    execution: 'sfsync load',
    progress: () => undefined,
  };
  await linkSides(load, await compareSides(load));
  expect(
    (await of('Account'))
      .filter((row) => row.salesforceId !== null)
      .map(({ t }) => t)
      .sort(),
  ).toEqual(['Both', 'Theirs']);

  await rows(
    `update ${named('Account')} set ${named('Account', 'phone')} = 'unseen' where ${named('Account', 'name')} = 'Both'`,
  );
  await orderComparison(session, 'Account', 'asked');
  expect(await comparePart(contextOf(session, configuration, 'Account'), () => false)).toMatchObject({
    left: 'nothing',
  });
  expect(await rows('select from sfsync.link where dirty')).toHaveLength(1);
});
