/** Selections of links: what becomes due because of a parent, a child or a row. */
import { beforeAll, describe, expect, test } from 'vitest';
import { becomesDue } from '../../../core/agreement/due.ts';
import { type Link, newLink } from '../../../core/agreement/link.ts';
import { mappingOf } from '../../../core/mapping/configuration.ts';
import { lookupsOf } from '../../../core/mapping/lookups.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import { insertLinks, type LinkSelection, lockLinks, noteSurvivors } from '../../../postgres/ledger/links.ts';
import { markLinksDue } from '../../../postgres/ledger/mark-due.ts';
import { reportRejects } from '../../../postgres/ledger/rejects.ts';
import {
  anyWaiting,
  childrenOfMerged,
  HELD,
  parentLanded,
  putOffParents,
  reinserted,
  type WaitingChildren,
} from '../../../postgres/ledger/selections.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { useLenderDatabase } from '../../support/postgres/lender-database.ts';
import { givenRows, idOf, makeTable, OBJECT, ROWS, rolledBack } from '../../support/postgres/random-links.ts';

const account = mappingOf(configuration, 'Account');
const contact = mappingOf(configuration, 'Contact');
const lookup = lookupsOf(contact).find(({ field }) => field === 'AccountId') ?? expect.unreachable('it is mapped');
const [MERGED, LIVING, ROWLESS] = [idOf(1), idOf(2), idOf(3)];
const child = (n: number) => `003${String(n).padStart(12, '0')}AAA`;

const lender = useLenderDatabase('file');
let session: Session;
beforeAll(async () => {
  await makeTable(lender.application);
  session = await lender.session();
});

const base = { deleted: false, fields: {} };
const made = (object: string, ...links: (Partial<Link> & { salesforceId: string })[]) =>
  insertLinks(
    session,
    object,
    links.map((link) => ({ ...newLink(link.salesforceId, undefined), base, ...link })),
  );

/** The records that a selection chooses. Whether it still does is asked of each under its lock, too. */
async function chosen(object: string, selection: LinkSelection): Promise<string[]> {
  const found = [...(await lockLinks(session, object, selection)).keys()];
  const { still } = selection;
  if (still !== undefined)
    expect([...(await lockLinks(session, object, still)).keys()]).toEqual(expect.arrayContaining(found));
  return found;
}

describe('children that wait', () => {
  const waits = (n: number, parent: string, field = 'AccountId') => ({
    salesforceId: child(n),
    waiting: { [field]: parent },
  });
  const family = async () => {
    await made(
      'Account',
      { salesforceId: MERGED, base: { ...base, deleted: true } },
      { salesforceId: LIVING },
      { salesforceId: ROWLESS },
    );
    await noteSurvivors(session, 'Account', [{ salesforceId: MERGED, survivor: LIVING }]);
    await made('Contact', waits(1, MERGED), waits(2, LIVING), waits(3, ROWLESS), waits(4, MERGED), {
      salesforceId: child(5),
    });
    await made('Contact', waits(6, MERGED, 'ReportsToId'), waits(7, LIVING, 'ReportsToId'));
    await made('Opportunity', { ...waits(8, MERGED), salesforceId: '006000000000001AAA' });
    await session.query(`insert into lenders (salesforce_id, name) values ($1, 'Bank')`, [LIVING]);
  };

  test.for<[WaitingChildren, number[], number[]]>([
    ['all', [1, 4], [2]],
    [{ for: [MERGED, ROWLESS] }, [1, 4], []],
    [{ for: [LIVING] }, [], [2]],
    [{ for: [] }, [], []],
    [{ of: [child(1), child(2), child(3), child(5), child(6), child(7)] }, [1], [2]],
    [{ of: [] }, [], []],
  ])('of %j: those of a merged parent, and those whose parent has landed', async ([waiting, ofMerged, landed]) => {
    await rolledBack(session, async () => {
      await family();
      expect(await chosen('Contact', childrenOfMerged(lookup, 'Account', waiting))).toEqual(ofMerged.map(child));
      expect(await chosen('Contact', parentLanded(lookup, account, waiting))).toEqual(landed.map(child));
    });
  });

  test('a parent that lives again was not merged; nor is a child read that will be read anyway', () =>
    rolledBack(session, async () => {
      await family();
      await markLinksDue(session, 'Contact', { salesforceIds: [child(1)] }, 'read again');
      expect(await chosen('Contact', childrenOfMerged(lookup, 'Account', 'all'))).toEqual([child(4)]);
      await session.query('update sfsync.link set base_deleted = false where salesforce_id = $1', [MERGED]);
      expect(await chosen('Contact', childrenOfMerged(lookup, 'Account', 'all'))).toEqual([]);
      await session.query('update sfsync.link set base_deleted = true, merged_into = null where salesforce_id = $1', [
        MERGED,
      ]);
      expect(await chosen('Contact', childrenOfMerged(lookup, 'Account', 'all'))).toEqual([]);
    }));

  test('are found under their locks only while they wait for that parent', () =>
    rolledBack(session, async () => {
      await family();
      const { still } = parentLanded(lookup, account, { for: [LIVING] });
      expect(await chosen('Contact', still ?? expect.unreachable('it is asked again'))).toEqual([child(2)]);
    }));

  test('are there, or are not, by object and lookup', () =>
    rolledBack(session, async () => {
      expect(await anyWaiting(session, 'Contact', lookup)).toBe(false);
      await made('Contact', waits(6, MERGED, 'ReportsToId'));
      await made('Opportunity', { ...waits(8, MERGED), salesforceId: '006000000000001AAA' });
      expect(await anyWaiting(session, 'Contact', lookup)).toBe(false);
      await made('Contact', waits(1, MERGED));
      expect(await anyWaiting(session, 'Contact', lookup)).toBe(true);
    }));
});

describe('parents whose delete was put off because of children', () => {
  const put = (
    salesforceId: string,
    more: { code?: string; direction?: 'to-postgres' | 'to-salesforce'; object?: string } = {},
  ) => {
    const { code = 'CHILDREN_EXIST', direction = 'to-postgres', object = 'Account' } = more;
    const reject = { salesforceId, rowKey: undefined, field: undefined, code, reason: 'test', line: undefined };
    return reportRejects(session, { object, direction, source: 'file', execution: 'one' }, [reject]);
  };
  const selection = putOffParents(contact, lookup, account);

  test('are due once none of them is left', () =>
    rolledBack(session, async () => {
      const parents = [1, 2, 3, 4, 5, 6].map(idOf);
      await made('Account', ...parents.map((salesforceId) => ({ salesforceId })));
      const [childless = '', withChild = '', otherCode = '', outbound = '', closed = '', read = ''] = parents;
      for (const id of [childless, withChild, closed, read]) await put(id);
      await put(otherCode, { code: 'OTHER' });
      await put(outbound, { direction: 'to-salesforce' });
      await session.query('update sfsync.rejected_record set resolved_at = now() where salesforce_id = $1', [closed]);
      await markLinksDue(session, 'Account', { salesforceIds: [read] }, 'read again');
      await session.query(
        `with made as (insert into lenders (salesforce_id, name) values ($1, 'Bank') returning id)
         insert into borrowers (last_name, lender_id) select 'Meyer', id from made`,
        [withChild],
      );
      await session.query(`insert into lenders (salesforce_id, name) values ($1, 'Bank')`, [childless]);
      expect(await chosen('Account', selection)).toEqual([childless]);
      await session.query('delete from borrowers');
      expect(await chosen('Account', selection)).toEqual([childless, withChild]);
    }));

  test('of another object are not meant', () =>
    rolledBack(session, async () => {
      await made('Account', { salesforceId: LIVING });
      await put(LIVING, { object: 'Contact' });
      expect(await chosen('Account', selection)).toEqual([]);
    }));
});

test('deletes that are held are chosen, and those that have passed are not', () =>
  rolledBack(session, async () => {
    await made(
      OBJECT,
      { salesforceId: idOf(1), guard: 'held' },
      { salesforceId: idOf(2), guard: 'passed' },
      { salesforceId: idOf(3) },
    );
    expect(await chosen(OBJECT, HELD)).toEqual([idOf(1)]);
  }));

test('a row without an id under the key of a deleted record was inserted again, unless a push of it is open', () =>
  rolledBack(session, async () => {
    const gone = { ...base, deleted: true };
    const push = { id: 'one', sentAt: 0, delivery: 'api', sent: {}, sentDeleted: undefined, seen: {} } as const;
    await made(
      OBJECT,
      { salesforceId: idOf(1), rowKey: 'again', base: gone },
      { salesforceId: idOf(2), rowKey: 'live' },
      { salesforceId: idOf(3), rowKey: 'pushed', base: gone, push },
      { salesforceId: idOf(4), rowKey: 'with id', base: gone },
      { salesforceId: idOf(5), rowKey: 'no row', base: gone },
      { salesforceId: idOf(6), rowKey: 'not asked for', base: gone },
    );
    await givenRows(session, [
      ...['again', 'live', 'pushed', 'not asked for'].map((id) => ({ id })),
      { id: 'with id', salesforce_id: idOf(4) },
    ]);
    const keys = ['again', 'live', 'pushed', 'with id', 'no row'];
    expect(await chosen(OBJECT, reinserted(ROWS, keys))).toEqual([idOf(1)]);
  }));

test('what is chosen becomes due as the rule says', () =>
  rolledBack(session, async () => {
    await made(OBJECT, { salesforceId: idOf(1), guard: 'held' });
    const before = [...(await lockLinks(session, OBJECT, HELD)).values()].map(({ link }) => link);
    expect(await markLinksDue(session, OBJECT, HELD, 'row changed')).toBe(1);
    const after = [...(await lockLinks(session, OBJECT, HELD)).values()].map(({ link }) => link);
    expect(after).toEqual(before.map((link) => becomesDue(link, 'row changed')));
  }));
