import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { collect } from '../../../core/agreement/collect.ts';
import { becomesDue } from '../../../core/agreement/due.ts';
import { newLink } from '../../../core/agreement/link.ts';
import { insertLinks } from '../../../postgres/ledger/links.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { receiveTruncate } from '../../../steps/receive.ts';
import { useLenderDatabase } from '../../support/postgres/lender-database.ts';
import {
  allLinks,
  given,
  givenRows,
  idOf,
  makeTable,
  OBJECT,
  ROWS,
  RUNS,
  randomLinks,
  rolledBack,
} from '../../support/postgres/random-links.ts';

const lender = useLenderDatabase('file');
let session: Session;

beforeAll(async () => {
  await makeTable(lender.application);
  session = await lender.session();
});

const inTurn = <T>(work: () => Promise<T>): Promise<T> => work();

test('after a TRUNCATE the records are due whose row is gone, and among them all that Collect would send', async () => {
  const there = fc.infiniteStream(fc.constantFrom('gone', 'under its key', 'under another key'));
  await fc.assert(
    fc.asyncProperty(randomLinks, there, (links, places) =>
      rolledBack(session, async () => {
        await given(session, links);
        const placed = links.map((link, n) => ({ link, n, place: places.next().value }));
        const kept = placed.filter(({ link, place }) => place === 'under its key' && link.rowKey !== undefined);
        const moved = placed.filter(({ place }) => place === 'under another key');
        const rows = [
          ...kept.map(({ link }) => ({ id: link.rowKey ?? '' })),
          ...moved.map(({ link, n }) => ({ id: `other ${n}`, salesforce_id: link.salesforceId })),
        ];
        await givenRows(session, rows);
        const marked = await receiveTruncate(session, ROWS, inTurn);
        const gone = placed.filter(
          (each) => !kept.includes(each) && !moved.includes(each) && each.link.rowKey !== undefined,
        );
        const due = gone.map(({ link }) => link).filter(({ base }) => base?.deleted === false);
        expect(marked).toBe(due.length);
        expect(await allLinks(session)).toEqual(
          links.map((link) => (due.includes(link) ? becomesDue(link, 'row changed') : link)),
        );
        const sent = gone
          .map(({ link }) => link)
          .filter((link) => {
            const deletes = link.base?.deleted === false && link.push === undefined && !link.rereadDue;
            return deletes && collect(ROWS, { link, row: undefined }).dirty;
          });
        for (const link of sent) expect(due).toContain(link);
      }),
    ),
    RUNS,
  );
});

test('links are looked at in parts, each in a transaction of its own', () =>
  rolledBack(session, async () => {
    const base = { deleted: false, fields: {} };
    const links = Array.from({ length: 20_001 }, (_, n) => ({ ...newLink(idOf(n), String(n)), base }));
    await insertLinks(session, OBJECT, links);
    let transactions = 0;
    const counted = <T>(work: () => Promise<T>): Promise<T> => {
      transactions++;
      return work();
    };
    expect(await receiveTruncate(session, ROWS, counted)).toBe(20_001);
    // New rows, two parts, and the look that finds no more.
    expect(transactions).toBe(4);
  }));
