/** `sfsync.insertion`: what is kept of a new row until its record is known. */
import { beforeAll, beforeEach, expect, test } from 'vitest';
import type { Insertion } from '../../../core/agreement/insertion.ts';
import { mappingOf } from '../../../core/mapping/configuration.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import {
  changeInsertions,
  dropInsertions,
  lockInsertions,
  saveInsertions,
} from '../../../postgres/ledger/insertions.ts';
import { addInsertions } from '../../../postgres/ledger/mark-due.ts';
import { inTransaction, type Session } from '../../../postgres/session/connection.ts';
import { useLenderDatabase } from '../../support/postgres/lender-database.ts';

const loans = mappingOf(configuration, 'Opportunity');
const [A, B] = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'] as const;
const lender = useLenderDatabase('file');
const { rows } = lender;
let session: Session;
beforeAll(async () => {
  session = await lender.session();
});
beforeEach(async () => {
  await rows('truncate sfsync.insertion, loan_applications');
  await addInsertions(session, 'Opportunity', { rowKeys: [A, B] }, { known: 'left' });
  await addInsertions(session, 'Account', { rowKeys: [A] }, { known: 'left' });
});

const locked = (...keys: string[]) => inTransaction(session, () => lockInsertions(session, configuration, loans, keys));
const stored = async (key: string) => (await locked(key)).get(key)?.insertion ?? expect.unreachable('it is there');
const since = async (key: string) =>
  (
    await rows(`select dirty_since as since from sfsync.insertion where object = 'Opportunity' and row_key = $1`, [key])
  )[0].since;

const NEW = {
  rowKey: A,
  revision: 0,
  dirty: true,
  push: undefined,
  refused: undefined,
  dueAfter: undefined,
  retries: 0,
};
const OPEN: Insertion = {
  rowKey: A,
  revision: 3,
  dirty: false,
  push: { id: 'one-0', sentAt: Date.UTC(2026, 0, 1, 0, 0, 1), sent: { Name: 'Mine', IsPrivate: true } },
  refused: { Name: 'Theirs' },
  dueAfter: Date.UTC(2026, 0, 2),
  retries: 4,
};

test('is due from the start, and read back as it was saved', async () => {
  expect(await stored(A)).toEqual(NEW);
  const { insertionId = '' } = (await locked(A)).get(A) ?? {};
  await saveInsertions(session, [{ insertionId, insertion: OPEN }]);
  expect(await stored(A)).toEqual(OPEN);
  expect(await stored(B)).toEqual({ ...NEW, rowKey: B });
  expect(await since(A)).toBeNull();
  await saveInsertions(session, [{ insertionId, insertion: NEW }]);
  expect(await stored(A)).toEqual(NEW);
  expect(await since(A)).toEqual(expect.any(Date));
});

test('is changed by a rule, of those that there are, and of its object alone', async () => {
  const rule = (insertion: Insertion) => ({ ...insertion, revision: insertion.revision + 1 });
  expect(await changeInsertions(session, 'Opportunity', [A, 'none'], rule)).toEqual([A]);
  expect(await changeInsertions(session, 'Opportunity', [], rule)).toEqual([]);
  expect(await rows('select object, row_key, revision::int from sfsync.insertion order by object, row_key')).toEqual([
    { object: 'Account', row_key: A, revision: 0 },
    { object: 'Opportunity', row_key: A, revision: 1 },
    { object: 'Opportunity', row_key: B, revision: 0 },
  ]);
});

test('is locked with its row, where there is one that is not marked as deleted', async () => {
  await rows(`insert into loan_applications (id, title, stage, closes_on) values ($1, 'Mine', 'x', '2026-12-31')`, [A]);
  const found = await locked(A, B);
  expect([...found.keys()].sort()).toEqual([A, B]);
  expect(found.get(A)?.row).toMatchObject({ salesforceId: undefined, fields: { Name: 'Mine' } });
  expect(found.get(B)?.row).toBeUndefined();
  await rows('alter table loan_applications add column deleted_at timestamptz default now()');
  const soft = { ...loans, deletedAtColumn: 'deleted_at' };
  const marked = await inTransaction(session, () => lockInsertions(session, configuration, soft, [A]));
  expect(marked.get(A)).toMatchObject({ row: undefined, insertion: { rowKey: A } });
  await rows('alter table loan_applications drop column deleted_at');
});

test('is dropped alone', async () => {
  const { insertionId = '' } = (await locked(A)).get(A) ?? {};
  await dropInsertions(session, []);
  await dropInsertions(session, [insertionId]);
  expect([...(await locked(A, B)).keys()]).toEqual([B]);
  expect(await rows(`select from sfsync.insertion where object = 'Account'`)).toHaveLength(1);
});
