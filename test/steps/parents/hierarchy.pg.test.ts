/** A lookup to its own object: parents and children come and go in one file, and so in one set. */
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { defineSync, mappingOf, reference, text } from '../../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../../core/mapping/salesforce-version.ts';
import { takeLease } from '../../../postgres/ledger/lease.ts';
import { inTransaction, type Session } from '../../../postgres/session/connection.ts';
import { applyVersions } from '../../../steps/apply.ts';
import { decideBatch } from '../../../steps/decide.ts';
import { receiveKeys } from '../../../steps/receive.ts';
import { deletedVersion, useLenderDatabase, version } from '../../support/postgres/lender-database.ts';
import { chosenRecords, contextOf } from '../../support/system/steps.ts';

const PARENT = '001000000000001AAA';
const CHILD = '001000000000002AAA';
const OTHER = '001000000000003AAA';
const MISSING = '001000000000004AAA';
const EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';
const NOW = Date.UTC(2026, 0, 2);

const fields = { Name: text('name'), Phone: text('phone'), ParentId: reference('parent_id', 'Account') };
const configuration = defineSync({ objects: { Account: { table: 'lenders', fields } } });
const mapping = mappingOf(configuration, 'Account');

const lender = useLenderDatabase('file');
const { rows } = lender;
let session: Session;
beforeAll(async () => {
  session = await lender.session();
});
beforeEach(async () => {
  await rows(`truncate lenders, borrowers, loan_applications, sfsync.link, sfsync.lease, sfsync.conflict,
              sfsync.rejected_record, sfsync.tombstone`);
  await rows('alter table lenders drop column if exists parent_id');
  await rows('alter table lenders add parent_id uuid references lenders (id)');
  await takeLease(session, 'Account', EXECUTION, async () => true);
});

const record = (id: string, second: number, values: SalesforceVersion['fields'] = {}) =>
  version('Account', id, second, { ParentId: null, ...values });
const gone = (id: string, second: number) => deletedVersion('Account', id, second, { ParentId: null });

function apply(...versions: SalesforceVersion[]) {
  const lines = versions.map((each, i) => ({ line: i + 1, version: each }));
  return applyVersions(contextOf(session, configuration, 'Account'), 'file', lines, Date.UTC(2030, 0, 1));
}

/** What the application's edit of the row brings to Salesforce, where the record is as it was last seen. */
async function pushed(look: SalesforceVersion) {
  const keys = (await rows('select id::text as key from lenders')).map(({ key }) => key);
  await inTransaction(session, () => receiveKeys({ session, configuration, mapping }, keys));
  const context = contextOf(session, configuration, 'Account', EXECUTION);
  const chosen = (await chosenRecords(context)).filter(({ id }) => id === look.id);
  const looks = chosen.map((each) => ({ ...each, version: look }));
  const { pushes } = await decideBatch(context, 'one', looks, { readAt: NOW, now: NOW });
  return pushes.map(({ push }) => push.outgoing);
}

const linkOf = async (id: string) =>
  (
    await rows(
      `select waiting, dirty, base ->> 'ParentId' as parent,
              (select p.salesforce_id from lenders t join lenders p on p.id = t.parent_id where t.salesforce_id = $1) as "row"
         from sfsync.link where salesforce_id = $1`,
      [id],
    )
  )[0];
const waits = { waiting: { ParentId: PARENT }, dirty: false, parent: PARENT, row: null };

test.for([
  ['another one', [record(OTHER, 1)]],
  ['a new one', []],
] as const)(
  'a parent that is deleted, its child, and %s that begins to wait: no lookup is cleared',
  async ([, known]) => {
    await apply(record(PARENT, 1), record(CHILD, 1, { ParentId: PARENT }), ...known);
    await apply(
      gone(PARENT, 2),
      record(CHILD, 2, { ParentId: PARENT, Phone: '2' }),
      record(OTHER, 2, { ParentId: MISSING }),
    );
    expect(await linkOf(CHILD)).toEqual(waits);
    expect(await linkOf(OTHER)).toMatchObject({ waiting: { ParentId: MISSING } });
    await rows(`update lenders set phone = '3'`);
    const look = record(CHILD, 2, { ParentId: PARENT, Phone: '2' });
    expect(await pushed(look)).toEqual([{ kind: 'update', fields: { Phone: '3' } }]);
  },
);

test('a parent that is deleted, and its child whose lookup the application has cleared: that is sent', async () => {
  await apply(record(PARENT, 1), record(CHILD, 1, { ParentId: PARENT }));
  await rows('update lenders set parent_id = null');
  await apply(gone(PARENT, 2), record(CHILD, 2, { ParentId: PARENT, Phone: '2' }));
  expect(await linkOf(CHILD)).toEqual({ waiting: {}, dirty: true, parent: PARENT, row: null });
});

test.for([
  ['a new child', []],
  ['a child', [record(CHILD, 1)]],
] as const)('%s that names a parent which is deleted in the same file waits for it', async ([, before]) => {
  await apply(record(PARENT, 1), ...before);
  const applied = await apply(gone(PARENT, 2), record(CHILD, 2, { ParentId: PARENT }));
  expect(applied).toMatchObject({ rejected: 0, deleted: 1 });
  expect(await linkOf(CHILD)).toEqual(waits);
});

test('also where no foreign key keeps the column true', async () => {
  await rows('alter table lenders drop constraint lenders_parent_id_fkey');
  await apply(record(PARENT, 1));
  await apply(gone(PARENT, 2), record(CHILD, 2, { ParentId: PARENT }));
  expect(await linkOf(CHILD)).toEqual(waits);
  expect(await rows('select parent_id from lenders')).toEqual([{ parent_id: null }]);
});

test('a trigger of the table does not take what waits for an edit', async () => {
  await rows('create or replace function nothing() returns trigger language plpgsql as $$ begin return new; end $$');
  await rows('create trigger nothing before update on lenders for each row execute function nothing()');
  await apply(record(PARENT, 1), record(CHILD, 1, { ParentId: PARENT }));
  await apply(
    gone(PARENT, 2),
    record(CHILD, 2, { ParentId: PARENT, Phone: '2' }),
    record(OTHER, 2, { ParentId: MISSING }),
  );
  expect(await linkOf(CHILD)).toEqual(waits);
  await rows('drop trigger nothing on lenders');
});

test('parent and child that are deleted in one file come back together', async () => {
  await apply(record(PARENT, 1), record(CHILD, 1, { ParentId: PARENT }));
  expect(await apply(gone(PARENT, 2), gone(CHILD, 2))).toMatchObject({ deleted: 2, rejected: 0 });
  expect(await apply(record(PARENT, 3), record(CHILD, 3, { ParentId: PARENT }))).toMatchObject({ inserted: 2 });
  expect(await linkOf(CHILD)).toEqual({ waiting: {}, dirty: false, parent: PARENT, row: PARENT });
});

test('a child that moves to the parent of its parent, which goes', async () => {
  await apply(record(OTHER, 1), record(PARENT, 1, { ParentId: OTHER }), record(CHILD, 1, { ParentId: PARENT }));
  await apply(gone(PARENT, 2), record(CHILD, 2, { ParentId: OTHER }), record(OTHER, 2, { ParentId: MISSING }));
  expect(await linkOf(CHILD)).toEqual({ waiting: {}, dirty: false, parent: OTHER, row: OTHER });
});

test('a merge of two parents, of whose children one is in the file: it follows the survivor', async () => {
  await apply(record(PARENT, 1), record(OTHER, 1), record(CHILD, 1, { ParentId: PARENT }));
  await apply(
    { ...gone(PARENT, 2), mergedInto: OTHER },
    record(CHILD, 2, { ParentId: PARENT, Phone: '2' }),
    record(OTHER, 2, { ParentId: MISSING }),
  );
  expect(await linkOf(CHILD)).toMatchObject({ waiting: {}, parent: OTHER, row: OTHER });
  expect(await rows('select reread_due from sfsync.link where salesforce_id = $1', [CHILD])).toEqual([
    { reread_due: true },
  ]);
});

test('a parent that is matched in the set of its child has its id for what the row of the child names', async () => {
  const matching = defineSync({ objects: { Account: { table: 'lenders', fields, matchBy: 'Name' } } });
  const applyMatching = (...versions: SalesforceVersion[]) => {
    const lines = versions.map((each, i) => ({ line: i + 1, version: each }));
    return applyVersions(contextOf(session, matching, 'Account'), 'file', lines, Date.UTC(2030, 0, 1));
  };
  await applyMatching(record(CHILD, 1, { Name: 'Branch' }));
  await rows(`insert into lenders (name) values ('HQ')`);
  await rows(`update lenders set parent_id = (select id from lenders where name = 'HQ') where name = 'Branch'`);
  const set = [record(PARENT, 2, { Name: 'HQ' }), record(CHILD, 2, { Name: 'Branch', ParentId: PARENT })];
  expect(await applyMatching(...set)).toMatchObject({ inserted: 0, rejected: 0, conflicts: 0 });
  expect(
    await rows('select name, salesforce_id, parent_id is not null as has_parent from lenders order by name'),
  ).toEqual([
    { name: 'Branch', salesforce_id: CHILD, has_parent: true },
    { name: 'HQ', salesforce_id: PARENT, has_parent: false },
  ]);
  expect(await rows('select * from sfsync.conflict')).toEqual([]);
});
