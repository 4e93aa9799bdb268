/** Lookups whose column is of a smaller type than the key of the parent, as `t.integer` and a `bigint` key in old Rails schemas. */
import { beforeEach, expect, test } from 'vitest';
import { defineSync, reference, text } from '../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../core/mapping/salesforce-version.ts';
import { prepareDatabase } from '../../postgres/prepare/prepare.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { useLenderDatabase } from '../support/postgres/lender-database.ts';
import { contextOf } from '../support/system/steps.ts';

const configuration = defineSync({
  objects: {
    Account: { table: 'old_accounts', fields: { Name: text('name') } },
    Contact: {
      table: 'Old"People',
      schema: 'public',
      fields: { LastName: text('name'), AccountId: reference('account_id', 'Account') },
    },
  },
});
const [SMALL, LARGE] = ['001000000000001AAA', '001000000000002AAA'];
const [PERSON, OTHER, THIRD] = ['003000000000001AAA', '003000000000002AAA', '003000000000003AAA'];

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;
beforeEach(async () => {
  await rows(`
    create table old_accounts (id bigint primary key, salesforce_id text unique, name text);
    create table "Old""People" (id bigserial primary key, salesforce_id text unique, name text, account_id integer);
    grant select, insert, update, delete on old_accounts, "Old""People" to sfsync_apply;
    grant usage on all sequences in schema public to sfsync_apply;
    insert into old_accounts values (1, '${SMALL}', 'A'), (3000000000, '${LARGE}', 'B')`);
  session = await lender.session();
});

const live = (id: string, fields: SalesforceVersion['fields']): SalesforceVersion => {
  return { id, deleted: false, mergedInto: undefined, stamp: Date.UTC(2026, 0, 1), fields };
};
const apply = (object: string, ...versions: SalesforceVersion[]) =>
  applyVersions(
    contextOf(session, configuration, object),
    'f',
    versions.map((version, i) => ({ line: i + 1, version })),
    Date.UTC(2030, 0, 1),
  );

test('are allowed where the server compares them, and refused where it does not', async () => {
  await prepareDatabase(lender.application, configuration, { slot: lender.database.name });
  await rows(`alter table "Old""People" alter account_id type text`);
  await expect(prepareDatabase(lender.application, configuration, { slot: lender.database.name })).rejects.toThrow(
    /account_id: is of type text, the key of Account is int8; they must be the same/,
  );
});

test('a key that does not fit is refused with its record alone', async () => {
  await apply('Account', live(SMALL, { Name: 'A' }), live(LARGE, { Name: 'B' }));
  await apply(
    'Contact',
    live(PERSON, { LastName: 'x', AccountId: SMALL }),
    live(OTHER, { LastName: 'y', AccountId: LARGE }),
    live(THIRD, { LastName: 'z', AccountId: null }),
  );
  expect(await rows(`select name, account_id from "Old""People" order by name`)).toEqual([
    { name: 'x', account_id: 1 },
    { name: 'z', account_id: null },
  ]);
  expect(await rows('select salesforce_id, code from sfsync.rejected_record where resolved_at is null')).toEqual([
    { salesforce_id: OTHER, code: '22003' },
  ]);
});

test('a table that is called otherwise in case only is named as it has to be written', async () => {
  await rows('alter table old_accounts rename to "OldAccounts"');
  await expect(prepareDatabase(lender.application, configuration, { slot: lender.database.name })).rejects.toThrow(
    /public\.old_accounts: does not exist; create it, or correct Account; there is public\."OldAccounts": write table: 'public\."OldAccounts"'/,
  );
});
