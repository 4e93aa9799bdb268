import { beforeEach, describe, expect, test } from 'vitest';
import { RAISE } from '../../core/agreement/written.ts';
import type { SyncConfiguration } from '../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../core/mapping/salesforce-version.ts';
import { takeLease } from '../../postgres/ledger/lease.ts';
import { inTransaction, type Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { decideBatch } from '../../steps/decide.ts';
import { receiveKeys } from '../../steps/receive.ts';
import { useLenderDatabase } from '../support/postgres/lender-database.ts';
import { RAILS_TABLE, railsConfiguration } from '../support/postgres/rails-table.ts';
import { chosenRecords, contextOf } from '../support/system/steps.ts';

const ID = '001000000000001AAA';
const EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';
const LONG_AFTER = Date.UTC(2030, 0, 1);

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;

beforeEach(async () => {
  session = await lender.session();
  await rows(RAILS_TABLE);
  await takeLease(session, 'Account', EXECUTION, async () => true);
});

const lockVersion = 'lock_version';

function account(second: number, fields: SalesforceVersion['fields']): SalesforceVersion {
  const stamp = Date.UTC(2026, 0, 1, 12, 0, second);
  return { id: ID, deleted: false, mergedInto: undefined, stamp, fields: { Name: 'Acme', Phone: '1', ...fields } };
}

/** A record with a row that the application has read, and that a sales person has edited since: phone 1, then 2. */
async function edited(configuration: SyncConfiguration) {
  const apply = (version: SalesforceVersion) =>
    applyVersions(contextOf(session, configuration, 'Account'), 'f', [{ line: 1, version }], LONG_AFTER);
  await apply(account(1, {}));
  const [read] = await rows('select * from accounts');
  await apply(account(2, { Phone: '2' }));
  return read as { id: string; name: string; phone: string; lock_version: number };
}

/** What goes to Salesforce, where the record is as the file has shown it. */
async function sent(configuration: SyncConfiguration) {
  const context = contextOf(session, configuration, 'Account', EXECUTION);
  const keys = (await rows('select row_key from sfsync.link')).map(({ row_key }) => row_key);
  await inTransaction(session, () => receiveKeys(context, keys));
  const due = await chosenRecords(context);
  const looks = due.map((record) => ({ ...record, version: account(2, { Phone: '2' }) }));
  const at = Date.UTC(2026, 0, 2);
  const { pushes } = await decideBatch(context, 'one-0', looks, { readAt: at, now: at });
  return pushes.map(({ push }) => push.outgoing);
}

const conflicts = () =>
  rows('select field, base, salesforce_value as salesforce, postgres_value as postgres, winner from sfsync.conflict');

test('is 0 in a new row, and raised by each write of sfsync, but not by the id that it writes', async () => {
  const configuration = railsConfiguration({ lockVersion, matchBy: 'Name' });
  await rows(`insert into accounts (name, phone, kind, token, created_at, updated_at, lock_version)
              values ('Acme', '1', 1, gen_random_uuid(), now(), now(), 7)`);
  await edited(configuration);
  expect(await rows('select phone, lock_version, salesforce_id from accounts')).toEqual([
    { phone: '2', lock_version: 7 + RAISE, salesforce_id: ID },
  ]);
});

test('lets no stale update of ActiveRecord through: it writes no row, and raises StaleObjectError', async () => {
  const read = await edited(railsConfiguration({ lockVersion }));
  expect(read.lock_version).toBe(0);
  const update = `update accounts set phone = '3', lock_version = $1 where id = $2 and lock_version = $3 returning id`;
  expect(await rows(update, [read.lock_version + 1, read.id, read.lock_version])).toEqual([]);
  const [{ lock_version: now }] = (await rows('select lock_version from accounts')) as [{ lock_version: number }];
  expect(await rows(update, [now + 1, read.id, now])).toEqual([{ id: read.id }]);
  expect(await sent(railsConfiguration({ lockVersion }))).toEqual([{ kind: 'update', fields: { Phone: '3' } }]);
  expect(await conflicts()).toEqual([]);
});

describe('a stale write that nothing has stopped', () => {
  const save = async ({ id, name, lock_version: lock }: Awaited<ReturnType<typeof edited>>, phone: string) => {
    const written = [name, phone, lock + 1, id];
    await rows('update accounts set name = $1, phone = $2, lock_version = $3 where id = $4', written);
  };

  test.each([
    ['salesforce', '2', []],
    ['postgres', '3', [{ kind: 'update', fields: { Phone: '3' } }]],
  ] as const)('is a conflict: policy %s leaves phone %s', async (policy, phone, outgoing) => {
    const configuration = railsConfiguration({ lockVersion }, policy);
    await save(await edited(configuration), '3');
    expect(await sent(configuration)).toEqual(outgoing);
    expect(await rows('select phone from accounts')).toEqual([{ phone }]);
    expect(await conflicts()).toEqual([{ field: 'Phone', base: '1', salesforce: '2', postgres: '3', winner: policy }]);
  });

  test('of a row as it was read is no edit: the row gets back what Salesforce has', async () => {
    const configuration = railsConfiguration({ lockVersion }, 'postgres');
    const read = await edited(configuration);
    await save({ ...read, name: 'Acme Ltd' }, read.phone);
    expect(await sent(configuration)).toEqual([{ kind: 'update', fields: { Name: 'Acme Ltd' } }]);
    expect(await rows('select name, phone from accounts')).toEqual([{ name: 'Acme Ltd', phone: '2' }]);
    expect(await conflicts()).toEqual([]);
  });

  test('is found, too, when the application has written on top of it', async () => {
    const configuration = railsConfiguration({ lockVersion });
    const read = await edited(configuration);
    await save(read, '3');
    await rows(`update accounts set name = 'B', lock_version = lock_version + 1`);
    expect(await sent(configuration)).toEqual([{ kind: 'update', fields: { Name: 'B' } }]);
    expect(await conflicts()).toMatchObject([{ field: 'Phone', winner: 'salesforce' }]);
  });
});

test('a write that leaves the lock version alone is an edit (update_all, update_columns, psql)', async () => {
  const configuration = railsConfiguration({ lockVersion });
  await edited(configuration);
  await rows(`update accounts set phone = '1'`);
  expect(await sent(configuration)).toEqual([{ kind: 'update', fields: { Phone: '1' } }]);
  expect(await conflicts()).toEqual([]);
});

test('a row that comes back is newer than what was read before it went', async () => {
  const configuration = railsConfiguration({ lockVersion });
  const read = await edited(configuration);
  const apply = (version: SalesforceVersion) =>
    applyVersions(contextOf(session, configuration, 'Account'), 'f', [{ line: 1, version }], LONG_AFTER);
  await apply({ ...account(3, { Phone: '2' }), deleted: true });
  await apply(account(4, { Phone: '2' }));
  expect(await rows('select lock_version from accounts where id = $1', [read.id])).toEqual([
    { lock_version: 2 * RAISE },
  ]);
});

test('under policy latest, the time that sfsync has set is no time of an edit', async () => {
  const configuration = railsConfiguration({ lockVersion }, 'latest');
  const apply = (version: SalesforceVersion) =>
    applyVersions(contextOf(session, configuration, 'Account'), 'f', [{ line: 1, version }], LONG_AFTER);
  await apply(account(1, {}));
  await rows(`update accounts set phone = 'row', updated_at = '2026-01-01 12:00:04', lock_version = 1`);
  // Another field is written, and the row is touched: now, years after the stamps of the record.
  await apply(account(2, { Name: 'Acme Ltd' }));
  await apply(account(6, { Name: 'Acme Ltd', Phone: 'org' }));
  expect(await rows('select name, phone from accounts')).toEqual([{ name: 'Acme Ltd', phone: 'org' }]);
});
