/** Which row is a record's: the row that carries its id, whatever its key. */
import { beforeAll, describe, expect, test } from 'vitest';
import { newLink } from '../../../core/agreement/link.ts';
import { insertLinks } from '../../../postgres/ledger/links.ts';
import { findCarriers, findNewRows, keysOfOthers } from '../../../postgres/ledger/row-keys.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import type { InForceMapping } from '../../../postgres/tables/column-numbers.ts';
import type { StoredRow } from '../../../postgres/tables/rows.ts';
import { useLenderDatabase } from '../../support/postgres/lender-database.ts';
import { givenRows, idOf, makeTable, OBJECT, ROWS, rolledBack } from '../../support/postgres/random-links.ts';

const lender = useLenderDatabase('file');
let session: Session;
beforeAll(async () => {
  await makeTable(lender.application);
  session = await lender.session();
});

const links = (object: string, ...pairs: [n: number, key: string | undefined][]) =>
  insertLinks(
    session,
    object,
    pairs.map(([n, key]) => newLink(idOf(n), key)),
  );

describe('rows that carry the id of a record which is not linked to them', () => {
  const carriers = async (...keys: string[]) =>
    (await findCarriers(session, ROWS, keys)).sort((a, b) => (a.key < b.key ? -1 : 1));

  test('are found by their keys: that record has no link, or one with another key or none', () =>
    rolledBack(session, async () => {
      await links(OBJECT, [1, 'a'], [2, 'other'], [3, undefined], [5, 'e']);
      // What another object's links say is nothing to this one.
      await links('Contact', [4, 'd']);
      await givenRows(session, [
        { id: 'a', salesforce_id: idOf(1) },
        { id: 'b', salesforce_id: idOf(2) },
        { id: 'c', salesforce_id: idOf(3) },
        { id: 'd', salesforce_id: idOf(4) },
        { id: 'e' },
        { id: 'f' },
        { id: 'not asked for', salesforce_id: idOf(6) },
      ]);
      expect(await carriers('a', 'b', 'c', 'd', 'e', 'f', 'no row')).toEqual([
        { key: 'b', id: idOf(2) },
        { key: 'c', id: idOf(3) },
        { key: 'd', id: idOf(4) },
      ]);
    }));

  test('one that is linked to another record belongs to the record whose id it carries only if that is linked, too', () =>
    rolledBack(session, async () => {
      await links(OBJECT, [1, 'a'], [2, 'b'], [3, undefined]);
      await givenRows(session, [
        { id: 'a', salesforce_id: idOf(3) },
        { id: 'b', salesforce_id: idOf(9) },
      ]);
      expect(await carriers('a', 'b')).toEqual([{ key: 'a', id: idOf(3) }]);
    }));

  test('of a partitioned table one is a copy while the row of the link still has the id', async () => {
    // It has no unique index on the id.
    const owner = lender.application as Session;
    await rolledBack(owner, async () => {
      await owner.query('alter table things drop constraint things_salesforce_id_key');
      await owner.query('insert into sfsync.link (object, salesforce_id, row_key) values ($1, $2, $3), ($1, $4, $5)', [
        ...[OBJECT, idOf(1), 'a', idOf(2), 'gone'],
      ]);
      const [one, two] = [idOf(1), idOf(2)];
      await owner.query(
        `insert into things (id, salesforce_id) values ('a', '${one}'), ('copy', '${one}'), ('moved', '${two}')`,
      );
      const partitioned = { ...ROWS, tableFacts: { kind: 'p' } as InForceMapping['tableFacts'] };
      const keys = ['a', 'copy', 'moved'];
      expect(await findCarriers(owner, partitioned, keys)).toEqual([{ key: 'moved', id: two }]);
      expect((await findCarriers(owner, ROWS, keys)).map(({ key }) => key).sort()).toEqual(['copy', 'moved']);
    });
  });
});

test('new rows are those that carry no id and have no link', () =>
  rolledBack(session, async () => {
    await links(OBJECT, [1, 'linked'], [2, 'carrying']);
    await links('Contact', [3, 'new']);
    await givenRows(session, [
      { id: 'linked' },
      { id: 'carrying', salesforce_id: idOf(2) },
      { id: 'with id', salesforce_id: idOf(4) },
      { id: 'new' },
      { id: 'not asked for' },
    ]);
    expect(await findNewRows(session, ROWS, ['linked', 'carrying', 'with id', 'new', 'no row'])).toEqual(['new']);
  }));

test('a row under the key of a link is another record’s where it carries the id of one that is linked', () =>
  rolledBack(session, async () => {
    await links(OBJECT, [1, 'a'], [2, 'b'], [3, 'c'], [4, 'd'], [5, undefined]);
    await links('Contact', [6, undefined]);
    const row = (key: string, id: string | undefined): [string, StoredRow] => [
      key,
      {
        key,
        salesforceId: id,
        fields: {},
        editedAt: undefined,
        changedAt: undefined,
        lockVersion: undefined,
        softDeleted: false,
        isOthers: false,
        outside: undefined,
      },
    ];
    const rows = new Map([row('a', idOf(1)), row('b', idOf(5)), row('c', idOf(6)), row('d', undefined)]);
    const found = [1, 2, 3, 4, 7].map((n) => newLink(idOf(n), n === 7 ? undefined : 'abcd'[n - 1]));
    expect(await keysOfOthers(session, ROWS, found, rows)).toEqual(new Set(['b']));
    expect(await keysOfOthers(session, ROWS, [newLink(idOf(1), 'a')], rows)).toEqual(new Set());
  }));
