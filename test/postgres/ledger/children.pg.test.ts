/** The children of a record: links whose base names it, and how their rows stand. */
import { beforeAll, expect, test } from 'vitest';
import { type Link, newLink } from '../../../core/agreement/link.ts';
import { defineSync, mappingOf, reference, text } from '../../../core/mapping/configuration.ts';
import { lookupsOf } from '../../../core/mapping/lookups.ts';
import { childrenOf } from '../../../postgres/ledger/children.ts';
import { insertLinks } from '../../../postgres/ledger/links.ts';
import { inTransaction, type Session } from '../../../postgres/session/connection.ts';
import { useLenderDatabase } from '../../support/postgres/lender-database.ts';
import { idOf } from '../../support/postgres/random-links.ts';

const [PARENT, OTHER] = [idOf(1), idOf(2)];
const CHILD = '003000000000001AAA';
const KEY = '00000000-0000-4000-8000-000000000001';
const LENDER = '00000000-0000-4000-8000-000000000009';

const lender = useLenderDatabase('file');
const { rows } = lender;
let session: Session;
beforeAll(async () => {
  session = await lender.session();
  await rows('alter table borrowers add column deleted_at timestamptz');
  await rows(`insert into lenders (id, name) values ($1, 'Bank')`, [LENDER]);
});

function contacts(options: object = {}) {
  const fields = { LastName: text('last_name'), AccountId: reference('lender_id', 'Account'), OwnerId: text('email') };
  const objects = {
    Account: { table: 'lenders', fields: { Name: text('name') } },
    Contact: { table: 'borrowers', ...options, fields },
  };
  return mappingOf(defineSync({ objects }), 'Contact');
}

const CALM: Link = {
  ...newLink(CHILD, KEY),
  base: { deleted: false, fields: { LastName: 'Meyer', AccountId: PARENT, OwnerId: null } },
};

/** What is found of a child with this link, and this row. */
async function found(link: Partial<Link>, row = `null, null`, { options = {}, parents = [PARENT] } = {}) {
  await rows('truncate sfsync.link, borrowers');
  await insertLinks(session, 'Contact', [{ ...CALM, ...link }]);
  if (row !== '')
    await rows(`insert into borrowers (id, last_name, lender_id, deleted_at) values ('${KEY}', 'Meyer', ${row})`);
  const mapping = contacts(options);
  const lookup = lookupsOf(mapping).find(({ field }) => field === 'AccountId') ?? expect.unreachable('it is mapped');
  return inTransaction(session, () => childrenOf(session, mapping, lookup, parents));
}

const STANDS = {
  salesforceId: CHILD,
  parent: PARENT,
  isDue: false,
  isGone: false,
  pointsTo: null,
  waits: false,
  stays: false,
};
const push = { id: 'one', sentAt: 0, delivery: 'api', sent: {}, sentDeleted: undefined, seen: {} } as const;
const soft = { deleteRow: 'soft', deletedAt: 'deleted_at' };
const named = { LastName: 'Meyer', AccountId: OTHER, OwnerId: PARENT };

test.for<[string, Partial<Link>, object, (string | undefined)?, object?]>([
  ['at rest', {}, {}],
  ['whose row names a parent', {}, { pointsTo: LENDER }, `'${LENDER}', null`],
  ['without a row', {}, { isGone: true }, ''],
  ['whose row is marked as deleted', {}, { isGone: true }, 'null, now()', soft],
  ['whose row may be marked and is not', {}, {}, undefined, soft],
  ['whose marked row counts, for no such column is mapped', {}, {}, 'null, now()'],
  ['that is due', { dirty: true }, { isDue: true }],
  ['that is to be read', { rereadDue: true }, { isDue: true }],
  ['with an open push', { push }, { isDue: true }],
  ['that waits', { waiting: { AccountId: PARENT } }, { waits: true }],
  ['that waits by another lookup', { waiting: { OwnerId: PARENT } }, {}],
  [
    'whose lookup Salesforce has refused',
    { refused: { fields: { AccountId: null }, deleted: undefined } },
    { stays: true },
  ],
  ['of which it has refused something else', { refused: { fields: { LastName: 'x' }, deleted: undefined } }, {}],
  [
    'whose delete it has refused, and whose row is gone',
    { refused: { fields: {}, deleted: true } },
    { isGone: true, stays: true },
    '',
  ],
  ['whose delete it has refused, and whose row is there', { refused: { fields: {}, deleted: true } }, {}],
  [
    'whose revive it has refused, and whose row is gone',
    { refused: { fields: {}, deleted: false } },
    { isGone: true },
    '',
  ],
  [
    'whose row the filter does not let out',
    {},
    { stays: true },
    undefined,
    { filter: { where: `last_name <> 'Meyer'` } },
  ],
  ['whose row it lets out', {}, {}, undefined, { filter: { where: `last_name = 'Meyer'` } }],
  ['for whose row it fails', {}, {}, undefined, { filter: { where: `1 / (length(last_name) - 5) > 0` } }],
  [
    'whose record goes because its row is outside',
    {},
    {},
    undefined,
    { filter: { where: `last_name <> 'Meyer'`, leaving: 'delete' } },
  ],
])('a child %s', async ([, link, stands, row, options]) => {
  expect(await found(link, row, { options })).toEqual([{ ...STANDS, ...stands }]);
});

test.for<[string, Partial<Link>, string[]?]>([
  ['that names another parent by the lookup', { base: { deleted: false, fields: named } }],
  ['that is deleted', { base: { deleted: true, fields: CALM.base?.fields ?? {} } }],
  ['of which nothing is known', { base: undefined }],
  ['of none of the parents', {}, [OTHER]],
  ['where none is asked for', {}, []],
])('no child is one %s', async ([, link, parents]) => {
  expect(await found(link, undefined, { parents })).toEqual([]);
});

test('each of several children is found with its parent, and none of another object', async () => {
  const base = (parent: string) => ({
    deleted: false,
    fields: { LastName: 'Meyer', AccountId: parent, OwnerId: null },
  });
  await rows('truncate sfsync.link, borrowers');
  const ids = ['003000000000001AAA', '003000000000002AAA', '003000000000003AAA'] as const;
  const parents = [PARENT, OTHER, idOf(3)];
  await insertLinks(
    session,
    'Contact',
    ids.map((id, n) => ({ ...newLink(id, undefined), base: base(parents[n] ?? '') })),
  );
  await insertLinks(session, 'Lead', [{ ...newLink('00Q000000000001AAA', undefined), base: base(PARENT) }]);
  const mapping = contacts();
  const lookup = lookupsOf(mapping).find(({ field }) => field === 'AccountId') ?? expect.unreachable('it is mapped');
  const found = await childrenOf(session, mapping, lookup, [PARENT, OTHER]);
  expect(found.map(({ salesforceId, parent }) => [salesforceId, parent]).sort()).toEqual([
    [ids[0], PARENT],
    [ids[1], OTHER],
  ]);
});
