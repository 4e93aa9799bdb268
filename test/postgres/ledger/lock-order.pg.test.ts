/**
 * The order of locks: links by their Salesforce ids, insertions in the order in which they were made, rows by their keys. Of two
 * transactions that lock in one order neither can wait for the other in a circle, whatever else they do.
 */
import type pg from 'pg';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newLink } from '../../../core/agreement/link.ts';
import { mappingOf } from '../../../core/mapping/configuration.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import { changeInsertions, lockInsertions } from '../../../postgres/ledger/insertions.ts';
import { noteInside } from '../../../postgres/ledger/inside-filter.ts';
import { changeLinks, claimLinks, holdLinks, insertLinks, lockLinks } from '../../../postgres/ledger/links.ts';
import { addInsertions, linkRows, markInsertionsDue, markLinksDue } from '../../../postgres/ledger/mark-due.ts';
import { makeRoom } from '../../../postgres/ledger/row-keys.ts';
import { lockDoomed } from '../../../postgres/ledger/tombstones.ts';
import { inTransaction, type Session } from '../../../postgres/session/connection.ts';
import { holdParents } from '../../../postgres/tables/lookups.ts';
import { attempt } from '../../support/postgres/between-statements.ts';
import { useLenderDatabase } from '../../support/postgres/lender-database.ts';
import { givenRows, idOf, makeTable, OBJECT, ROWS } from '../../support/postgres/random-links.ts';

const MANY = 40;
const numbers = Array.from({ length: MANY }, (_, n) => n);
const LAST = MANY - 1;
/** Keys run against the ids, and against the order in which things were made. */
const keyOf = (n: number) => `key ${String(MANY - n).padStart(2, '0')}`;
const backwards = [...numbers].reverse();

const lender = useLenderDatabase('file');
const { rows } = lender;
let session: Session;
let [holder, probe]: [pg.Client?, pg.Client?] = [];
const clients = (): [pg.Client, pg.Client] => [
  holder ?? expect.unreachable('there is a client'),
  probe ?? expect.unreachable('there is a second client'),
];

beforeAll(async () => {
  await makeTable(lender.application);
  session = await lender.session();
  // An index may have the order by itself; the planner need not use it.
  await session.query('set enable_indexscan = off');
  [holder, probe] = [await lender.database.client(), await lender.database.client()];
});
beforeEach(() => rows('truncate sfsync.link, sfsync.insertion, things, lenders, borrowers, loan_applications'));

/**
 * Does the work in a transaction while another one holds what comes first, and asks, once it waits for that, for what comes last:
 * nobody has it yet. Answers the SQLSTATE of that; undefined: it was free.
 */
async function lastWhileFirstIsHeld(first: string, last: string, work: () => Promise<unknown>) {
  const [other, application] = clients();
  await other.query(`begin; ${first}`);
  const [{ pid }] = (await session.query('select pg_backend_pid() as pid')).rows;
  const done = inTransaction(session, work);
  await expect.poll(() => rows('select pg_blocking_pids($1) as by', [pid])).not.toEqual([{ by: [] }]);
  const code = await attempt(application, last);
  await other.query('rollback');
  await done;
  return code;
}

describe('links', () => {
  const link = (n: number) => `select from sfsync.link where salesforce_id = '${idOf(n)}' for update`;
  const salesforceIds = backwards.map(idOf);
  const rowKeys = numbers.map(keyOf);

  beforeEach(async () => {
    await insertLinks(
      session,
      OBJECT,
      backwards.map((n) => newLink(idOf(n), keyOf(n))),
    );
    await givenRows(
      session,
      backwards.map((n) => ({ id: keyOf(n), salesforce_id: idOf(n), kind: 'shown' })),
    );
  });

  test.for([
    ['locked by id', () => lockLinks(session, OBJECT, { salesforceIds })],
    ['locked by key', () => lockLinks(session, OBJECT, { rowKeys })],
    ['locked by a selection', () => lockLinks(session, OBJECT, { where: 'l.revision = 0', values: [] })],
    ['held', () => holdLinks(session, OBJECT, { rowKeys })],
    ['changed', () => changeLinks(session, OBJECT, { rowKeys }, (each) => ({ ...each, dirty: true }))],
    ['made due by id', () => markLinksDue(session, OBJECT, { salesforceIds }, 'row changed')],
    ['made due by key', () => markLinksDue(session, OBJECT, { rowKeys }, 'read again')],
    [
      'made to let go of their keys',
      () =>
        makeRoom(
          session,
          ROWS,
          backwards.map((n) => ({ id: idOf(n), key: `new ${n}` })),
        ),
    ],
    [
      'given the keys of rows',
      () =>
        linkRows(
          session,
          OBJECT,
          backwards.map((n) => ({ id: idOf(n), key: keyOf(n) })),
        ),
    ],
    ['noted to be inside the row filter', () => noteInside(session, ROWS, salesforceIds)],
  ] as const)('that are %s', async ([, work]) => {
    expect(await lastWhileFirstIsHeld(link(0), link(LAST), work)).toBeUndefined();
  });

  test('that others lose to them', async () => {
    // Each key goes to a record whose id comes before all of theirs.
    const carriers = numbers.map((n) => ({ id: `001A${String(n).padStart(11, '0')}AAA`, key: keyOf(n) }));
    expect(await lastWhileFirstIsHeld(link(0), link(LAST), () => makeRoom(session, ROWS, carriers))).toBeUndefined();
  });
});

test('links that are claimed are made in the order of their ids', async () => {
  const claim = (n: number) => `insert into sfsync.link (object, salesforce_id) values ('${OBJECT}', '${idOf(n)}')`;
  const work = () => claimLinks(session, OBJECT, backwards.map(idOf));
  expect(await lastWhileFirstIsHeld(claim(0), claim(LAST), work)).toBeUndefined();
});

test('links of rows that carry ids are made in the order of the ids', async () => {
  const made = (n: number) => `insert into sfsync.link (object, salesforce_id) values ('${OBJECT}', '${idOf(n)}')`;
  const carriers = backwards.map((n) => ({ id: idOf(n), key: keyOf(n) }));
  expect(await lastWhileFirstIsHeld(made(0), made(LAST), () => linkRows(session, OBJECT, carriers))).toBeUndefined();
});

describe('insertions', () => {
  const insertion = (key: string) => `select from sfsync.insertion where row_key = '${key}' for update`;
  const rowKeys = numbers.map(keyOf);

  test.for([
    ['locked with their rows', () => lockInsertions(session, configuration, ROWS, rowKeys)],
    ['changed', () => changeInsertions(session, OBJECT, rowKeys, (each) => ({ ...each, dirty: false }))],
    ['made due', () => markInsertionsDue(session, OBJECT, { rowKeys })],
  ] as const)('that are %s', async ([, work]) => {
    for (const n of numbers) await addInsertions(session, OBJECT, { rowKeys: [keyOf(n)] }, { known: 'left' });
    // Its place in the table is now the last one.
    await rows('update sfsync.insertion set revision = 1 where row_key = $1', [keyOf(0)]);
    const [first, last] = [insertion(keyOf(0)), insertion(keyOf(LAST))];
    expect(await lastWhileFirstIsHeld(first, last, work)).toBeUndefined();
  });

  test('that are made, in the order of their keys', async () => {
    const made = (key: string) => `insert into sfsync.insertion (object, row_key) values ('${OBJECT}', '${key}')`;
    const [first, last] = [keyOf(LAST), keyOf(0)];
    const work = () => addInsertions(session, OBJECT, { rowKeys }, { known: 'due' });
    expect(await lastWhileFirstIsHeld(made(first), made(last), work)).toBeUndefined();
  });
});

describe('rows', () => {
  const account = mappingOf(configuration, 'Account');
  const rowKey = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
  const lock = (n: number) => `select from lenders where id = '${rowKey(n)}' for update`;

  beforeEach(async () => {
    for (const n of backwards) {
      await rows('insert into lenders (id, salesforce_id, name) values ($1, $2, $3)', [rowKey(n), idOf(MANY - n), 'x']);
    }
  });

  test.for([
    [
      'whose children are written',
      () =>
        holdParents(
          session,
          account,
          numbers.map((n) => idOf(MANY - n)),
        ),
    ],
    [
      'that go',
      () =>
        lockDoomed(
          session,
          account,
          backwards.map((n) => ({ key: rowKey(n), salesforceId: idOf(MANY - n), survivor: undefined })),
        ),
    ],
  ] as const)('%s, in the order of their keys', async ([, work]) => {
    expect(await lastWhileFirstIsHeld(lock(0), lock(LAST), work)).toBeUndefined();
  });
});
