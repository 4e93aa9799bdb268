/** Tables whose key is of several columns, through the steps. */
import { beforeEach, expect, test } from 'vitest';
import type { FieldValues } from '../../core/mapping/canonical.ts';
import type { SalesforceVersion } from '../../core/mapping/salesforce-version.ts';
import { orderComparison } from '../../postgres/ledger/comparison.ts';
import { prepareDatabase } from '../../postgres/prepare/prepare.ts';
import { inTransaction, type Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { comparePart } from '../../steps/comparison/compare.ts';
import { joinWaiting } from '../../steps/parents/join-waiting.ts';
import { useLenderDatabase } from '../support/postgres/lender-database.ts';
import { TENANT_TABLES, tenants } from '../support/postgres/tenant-tables.ts';
import { OutboundRounds } from '../support/system/outbound-rounds.ts';
import { contextOf } from '../support/system/steps.ts';
import { startStream } from '../wal-streamer/running-stream.ts';

const LATER = Date.UTC(2030, 0, 1);
const [BANK, OTHER_BANK] = ['001000000000001AAA', '001000000000002AAA'];
const [PERSON, OTHER_PERSON] = ['003000000000001AAA', '003000000000002AAA'];
const ROLE = '02Z000000000001AAA';

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;
beforeEach(async () => {
  await rows(TENANT_TABLES);
  session = await lender.session();
});

const at = (second: number) => Date.UTC(2026, 0, 1, 0, 0, second);
const live = (id: string, second: number, fields: FieldValues): SalesforceVersion => {
  return { id, deleted: false, mergedInto: undefined, stamp: at(second), fields };
};
const gone = (id: string, second: number, fields: FieldValues): SalesforceVersion => {
  return { ...live(id, second, fields), deleted: true };
};

async function apply(object: string, ...versions: SalesforceVersion[]) {
  const context = contextOf(session, tenants, object);
  const lines = versions.map((version, i) => ({ line: i + 1, version }));
  const result = await applyVersions(context, 'f', lines, LATER);
  const ids = versions.map(({ id }) => id);
  await inTransaction(session, () => joinWaiting(context, 'f', ids));
  return result;
}

const links = (object: string) =>
  rows('select salesforce_id as id, row_key as key from sfsync.link where object = $1 order by 1', [object]);
const rejects = () => rows('select object, code, reason from sfsync.rejected_record where resolved_at is null');

test('prepare takes the tables as they are', async () => {
  const prepared = await prepareDatabase(lender.application, tenants, { slot: lender.database.name });
  const ofColumns = prepared.warnings.filter((text) => text.includes('allows no null') && text.includes('.tenant_id'));
  expect(ofColumns).toEqual([
    expect.stringMatching(
      /tenant_contacts\.tenant_id: .*comes from the row of the parent .*AccountId.*onInsert: { tenant_id/,
    ),
    expect.stringMatching(/tenant_roles\.tenant_id: .*comes from the row of the parent .*AccountId, ContactId/),
  ]);
  const again = await prepareDatabase(lender.application, tenants, { slot: lender.database.name });
  expect(again.actions.filter(({ done }) => done !== 'unchanged' && done !== 'made sure')).toEqual([]);
});

test.each([
  [
    'primary key (id, tenant_id)',
    /no index begins with the key \(tenant_id, id\) in this order, .* set key to \['id', 'tenant_id'\], or create/,
  ],
  ['primary key (id)', /its primary key is \(id\), the configured key is tenant_id, id; set key to 'id'/],
  ['unique (tenant_id, id)', /has no primary key\. .*add primary key \(tenant_id, id\)/],
])('prepare refuses %s, and says what to change', async (key, fault) => {
  await rows(
    `alter table tenant_accounts drop constraint tenant_accounts_pkey cascade; alter table tenant_accounts add ${key}`,
  );
  await expect(prepareDatabase(lender.application, tenants, { slot: lender.database.name })).rejects.toThrow(fault);
});

test('a unique index that is the replica identity identifies rows as a primary key does', async () => {
  await rows(`alter table tenant_accounts drop constraint tenant_accounts_pkey cascade;
    alter table tenant_accounts add row_number bigserial primary key, add constraint by_tenant unique (tenant_id, id);
    alter table tenant_accounts replica identity using index by_tenant`);
  await prepareDatabase(lender.application, tenants, { slot: lender.database.name });
});

test('new rows get the columns of their key from defaults, onInsert and their parents', async () => {
  await apply('Account', live(BANK, 1, { Name: 'A' }));
  await rows(`insert into tenant_accounts (tenant_id, id, salesforce_id, name) values (8, 1000, $1, 'B')`, [
    OTHER_BANK,
  ]);
  await apply('Account', live(OTHER_BANK, 1, { Name: 'B' }));
  await apply(
    'Contact',
    live(PERSON, 1, { LastName: 'x', AccountId: BANK }),
    live(OTHER_PERSON, 1, { LastName: 'y', AccountId: OTHER_BANK }),
  );
  expect(await rows('select tenant_id, account_id, last_name from tenant_contacts order by 1')).toEqual([
    { tenant_id: 7, account_id: '1', last_name: 'x' },
    { tenant_id: 8, account_id: '1000', last_name: 'y' },
  ]);
  await apply('AccountContactRole', live(ROLE, 1, { Role: 'Owner', AccountId: BANK, ContactId: PERSON }));
  const [{ code } = {}] = await rows('select code from tenant_contacts where tenant_id = 7');
  expect(await links('AccountContactRole')).toEqual([{ id: ROLE, key: `7/1/${code}` }]);
  expect(await links('Account')).toEqual([
    { id: BANK, key: '7/1' },
    { id: OTHER_BANK, key: '8/1000' },
  ]);
  expect(await rejects()).toEqual([]);
});

test('a record that comes before its parent has no tenant, and is taken up again with it', async () => {
  await apply('Contact', live(PERSON, 1, { LastName: 'x', AccountId: BANK }));
  expect(await rows('select from tenant_contacts')).toEqual([]);
  expect(await rejects()).toMatchObject([{ code: 'PARENT_MISSING' }]);
  await apply('Account', live(BANK, 1, { Name: 'A' }));
  expect(await rows('select reread_due, waiting from sfsync.link where salesforce_id = $1', [PERSON])).toEqual([
    { reread_due: true, waiting: {} },
  ]);
  await apply('Contact', live(PERSON, 2, { LastName: 'x', AccountId: BANK }));
  expect(await rows('select tenant_id from tenant_contacts')).toEqual([{ tenant_id: 7 }]);
});

test('a row stays with its tenant: a parent of another one is refused, in words', async () => {
  await apply('Account', live(BANK, 1, { Name: 'A' }));
  await rows(`insert into tenant_accounts (tenant_id, id, salesforce_id, name) values (8, 1, $1, 'B')`, [OTHER_BANK]);
  await apply('Account', live(OTHER_BANK, 1, { Name: 'B' }));
  await apply(
    'Contact',
    live(PERSON, 1, { LastName: 'x', AccountId: BANK }),
    live(OTHER_PERSON, 1, { LastName: 'y', AccountId: BANK }),
  );
  await apply(
    'Contact',
    live(PERSON, 2, { LastName: 'x2', AccountId: OTHER_BANK }),
    live(OTHER_PERSON, 2, { LastName: 'y2', AccountId: null }),
  );
  expect(await rejects()).toEqual([
    {
      object: 'Contact',
      code: 'PARENT_ELSEWHERE',
      reason: expect.stringMatching(/Its AccountId .* tenant_id .*Point it/),
    },
  ]);
  expect(await rows('select tenant_id, account_id, last_name from tenant_contacts order by last_name')).toEqual([
    { tenant_id: 7, account_id: '1', last_name: 'x' },
    { tenant_id: 7, account_id: null, last_name: 'y2' },
  ]);
});

test('rows change, go and come back with their children', async () => {
  await apply('Account', live(BANK, 1, { Name: 'A' }));
  await apply('Contact', live(PERSON, 1, { LastName: 'x', AccountId: BANK }));
  await apply('Account', live(BANK, 2, { Name: 'A2' }));
  await apply('Account', gone(BANK, 3, { Name: 'A2' }));
  expect(await rows('select from tenant_accounts')).toEqual([]);
  expect(await rows('select tenant_id, account_id from tenant_contacts')).toEqual([{ tenant_id: 7, account_id: null }]);
  await apply('Account', live(BANK, 4, { Name: 'A2' }));
  expect(await rows('select tenant_id, id, name from tenant_accounts')).toEqual([
    { tenant_id: 7, id: '1', name: 'A2' },
  ]);
  expect(await rows('select tenant_id, account_id from tenant_contacts')).toEqual([{ tenant_id: 7, account_id: '1' }]);
  expect(await rejects()).toEqual([]);
});

test('a role whose account changes is the same record under another key', async () => {
  await apply('Account', live(BANK, 1, { Name: 'A' }), live(OTHER_BANK, 1, { Name: 'B' }));
  await apply('Contact', live(PERSON, 1, { LastName: 'x', AccountId: BANK }));
  await apply('AccountContactRole', live(ROLE, 1, { Role: 'Owner', AccountId: BANK, ContactId: PERSON }));
  await apply('AccountContactRole', live(ROLE, 2, { Role: 'Owner', AccountId: OTHER_BANK, ContactId: PERSON }));
  const [row] = await rows('select account_id, contact_code from tenant_roles');
  expect(row?.account_id).toBe('2');
  const rounds = await OutboundRounds.begin(session, tenants, 'AccountContactRole');
  expect(await rounds.collect()).toEqual([]);
  expect(await links('AccountContactRole')).toEqual([{ id: ROLE, key: `7/2/${row?.contact_code}` }]);
  await apply('AccountContactRole', live(ROLE, 3, { Role: 'Guest', AccountId: OTHER_BANK, ContactId: PERSON }));
  expect(await rows('select role from tenant_roles')).toEqual([{ role: 'Guest' }]);
});

test('edits of the application travel by the whole key, and a comparison finds what did not come', async () => {
  await prepareDatabase(lender.application, tenants, { slot: lender.database.name });
  await apply('Account', live(BANK, 1, { Name: 'A' }));
  await apply('Contact', live(PERSON, 1, { LastName: 'x', AccountId: BANK }));
  await using stream = startStream({
    port: lender.credentials.port,
    database: lender.database.name,
    configuration: tenants,
  });
  await stream.streaming();
  await rows(
    `update tenant_contacts set last_name = 'y'; insert into tenant_contacts (tenant_id, code) values (9, 'a/b~c')`,
  );
  await rows(
    `update tenant_contacts set code = 'd' where tenant_id = 9; delete from tenant_contacts where tenant_id = 9`,
  );
  await stream.until(() => stream.queues.keysOf('Contact').length >= 3);
  const [{ key } = {}] = await links('Contact');
  expect(new Set(stream.queues.keysOf('Contact'))).toEqual(new Set([key, '9/a~1b~0c', '9/d']));

  const rounds = await OutboundRounds.begin(session, tenants, 'Contact');
  const chosen = await rounds.collectKeys(...stream.queues.keysOf('Contact'));
  const { pushes } = await rounds.decide(chosen, () => live(PERSON, 1, { LastName: 'x', AccountId: BANK }));
  expect(pushes.map(({ push }) => push.outgoing)).toMatchObject([{ kind: 'update', fields: { LastName: 'y' } }]);

  await rows(`insert into tenant_accounts (tenant_id, name) select i % 3, 'n' || i from generate_series(1, 30) i`);
  await orderComparison(session, 'Account', 'asked');
  const context = contextOf(session, tenants, 'Account');
  while ((await comparePart(context, () => true)).left === 'more');
  expect(await rows(`select count(*)::int as n from sfsync.insertion where object = 'Account'`)).toEqual([{ n: 30 }]);
});
