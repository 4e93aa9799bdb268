import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { becomesDue, type DueReason } from '../../../core/agreement/due.ts';
import { type Link, newLink } from '../../../core/agreement/link.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import { anyDue, dueInsertions, dueRecords } from '../../../postgres/ledger/due.ts';
import { changeInsertions } from '../../../postgres/ledger/insertions.ts';
import { dropLinks, type LinksOf, saveLinks } from '../../../postgres/ledger/links.ts';
import { addInsertions, linkRows, markInsertionsDue, markLinksDue } from '../../../postgres/ledger/mark-due.ts';
import { NEWEST_LIVE } from '../../../postgres/ledger/selections.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { takes } from '../../core/agreement/explorer/takes.ts';
import { useLenderDatabase } from '../../support/postgres/lender-database.ts';
import {
  allLinks,
  dueSince,
  given,
  idOf,
  OBJECT,
  RUNS,
  randomLinks,
  rolledBack,
} from '../../support/postgres/random-links.ts';

const lender = useLenderDatabase('file');
let session: Session;

beforeAll(async () => {
  session = await lender.session();
});

const reason = fc.constantFrom<DueReason>('row changed', 'read again', 'written by us');

/** Some of the links, by each of the ways in which they may be named. */
const selections: readonly [string, (chosen: readonly Link[]) => LinksOf][] = [
  ['by the ids of their records', (chosen) => ({ salesforceIds: chosen.map(({ salesforceId }) => salesforceId) })],
  ['by the keys of their rows', (chosen) => ({ rowKeys: chosen.flatMap(({ rowKey }) => rowKey ?? []) })],
  [
    'by a selection',
    (chosen) => ({ where: 'l.salesforce_id = any ($2)', values: [chosen.map((l) => l.salesforceId)] }),
  ],
];

test.each(selections)('links become due %s as the rule says, and nothing else of them changes', async (_, select) => {
  await fc.assert(
    fc.asyncProperty(randomLinks, fc.infiniteStream(fc.boolean()), reason, (links, picks, why) =>
      rolledBack(session, async () => {
        await given(session, links);
        const before = await dueSince(session);
        const picked = links.filter(() => picks.next().value);
        const which = select(picked);
        const chosen = 'rowKeys' in which ? picked.filter(({ rowKey }) => rowKey !== undefined) : picked;
        expect(await markLinksDue(session, OBJECT, which, why)).toBe(chosen.length);
        const expected = links.map((link) => (chosen.includes(link) ? becomesDue(link, why) : link));
        expect(await allLinks(session)).toEqual(expected);
        const since = await dueSince(session);
        expect([...since.keys()].sort()).toEqual(
          expected.filter(({ dirty, rereadDue }) => dirty || rereadDue).map(({ salesforceId }) => salesforceId),
        );
        for (const [id, moment] of before) expect(since.get(id)).toBe(moment);
      }),
    ),
    RUNS,
  );
});

test('links of another object are left alone', async () => {
  await fc.assert(
    fc.asyncProperty(randomLinks, (links) =>
      rolledBack(session, async () => {
        await given(session, links);
        const all = { where: 'true', values: [] };
        expect(await markLinksDue(session, 'Contact', all, 'row changed')).toBe(0);
        expect(await allLinks(session)).toEqual(links);
      }),
    ),
    RUNS,
  );
});

test('one live record without an open push is read again: the newest', async () => {
  await fc.assert(
    fc.asyncProperty(randomLinks, (links) =>
      rolledBack(session, async () => {
        await given(session, links);
        await markLinksDue(session, OBJECT, NEWEST_LIVE, 'read again');
        const newest = links.findLast(({ base, push }) => base?.deleted === false && push === undefined);
        expect(await allLinks(session)).toEqual(
          links.map((link) => (link === newest ? becomesDue(link, 'read again') : link)),
        );
      }),
    ),
    RUNS,
  );
});

test('rows are linked to the records whose ids they carry; a record without a link is read first', async () => {
  await fc.assert(
    fc.asyncProperty(randomLinks, (links) =>
      rolledBack(session, async () => {
        const known = links.map((link) => ({ ...link, rowKey: undefined }));
        await given(session, known);
        const carriers = [
          ...known.map(({ salesforceId: id }, n) => ({ id, key: String(n) })),
          { id: idOf(900), key: 'a' },
        ];
        await linkRows(session, OBJECT, carriers);
        const found = await allLinks(session);
        expect(found.slice(0, -1)).toEqual(known.map((link, n) => ({ ...link, rowKey: String(n) })));
        expect(found.at(-1)).toMatchObject({ rowKey: 'a', rereadDue: true, dirty: false, revision: 0 });
      }),
    ),
    RUNS,
  );
});

/** What the ledger keeps beside the links, as it follows from them. */
const BESIDE_LINKS = `
  select object, salesforce_id, state, due_at, due_after, sent_at, null as field, null as parent_id from sfsync.due
  union all select object, salesforce_id, null, null, null, null, field, parent_id from sfsync.waiting order by 1, 2, 7`;
const FROM_LINKS = `
  select object, salesforce_id,
         case when push_id is not null then push_delivery when due_after is not null then 'put off' else 'due' end as state,
         coalesce(due_after, dirty_since, sent_at) as due_at, due_after, sent_at, null as field, null as parent_id
    from sfsync.link where dirty or reread_due or push_id is not null
  union all select object, salesforce_id, null, null, null, null, x.key, x.value
    from sfsync.link, jsonb_each_text(waiting) x order by 1, 2, 7`;

test('what is due and what waits is kept beside the links, whatever becomes of them', async () => {
  const expectSame = async () => {
    const beside = (await session.query(BESIDE_LINKS)).rows;
    expect(beside).toEqual((await session.query(FROM_LINKS)).rows);
  };
  await fc.assert(
    fc.asyncProperty(randomLinks, randomLinks, fc.infiniteStream(fc.boolean()), reason, (links, others, picks, why) =>
      rolledBack(session, async () => {
        const stored = await given(session, links);
        await expectSame();
        await saveLinks(
          session,
          others.flatMap(({ rowKey: _, ...other }) => {
            const before = stored.get(other.salesforceId);
            return before === undefined ? [] : { ...before, stored: before.link, link: { ...before.link, ...other } };
          }),
        );
        await expectSame();
        const picked = links.filter(() => picks.next().value).map(({ salesforceId }) => salesforceId);
        await markLinksDue(session, OBJECT, { salesforceIds: picked }, why);
        await expectSame();
        await dropLinks(
          session,
          [...stored.values()].flatMap(({ linkId }) => (picks.next().value ? linkId : [])),
        );
        await expectSame();
      }),
    ),
    RUNS,
  );
});

/** Pushes of the API that are older than this are over. */
const { pushDeadlineSeconds, requestLifeSeconds } = configuration.settings;
const FENCE_MS = (pushDeadlineSeconds + requestLifeSeconds) * 1000;

test('Collect takes what the rule takes, oldest first, once its pause is over and its push is fenced', async () => {
  await fc.assert(
    fc.asyncProperty(randomLinks, fc.infiniteStream(fc.boolean()), fc.boolean(), (links, recent, flowFenced) =>
      rolledBack(session, async () => {
        const now = Date.now();
        const timed = links.map((link) => {
          const sentAt = now - (recent.next().value ? FENCE_MS / 2 : FENCE_MS * 2);
          return link.push === undefined ? link : { ...link, push: { ...link.push, sentAt } };
        });
        await given(session, timed);
        const isFenced = ({ push }: Link) => {
          if (push === undefined) return true;
          return push.delivery === 'appflow' ? flowFenced : now - push.sentAt > FENCE_MS;
        };
        const isTime = ({ dueAfter = 0 }: Link) => dueAfter <= now;
        const expected = timed.filter((link) => takes(link) && isTime(link) && isFenced(link));
        const { settings } = configuration;
        const chosen = await dueRecords(session, OBJECT, { limit: 1000, flowFenced, settings });
        expect([...chosen].sort()).toEqual(expected.map(({ salesforceId }) => salesforceId));
        const half = Math.ceil(chosen.length / 2);
        expect(await dueRecords(session, OBJECT, { limit: half, flowFenced, settings })).toEqual(chosen.slice(0, half));
        const waiting = timed.filter((link) => takes(link, { collectsOpen: false }) && link.push === undefined);
        expect(await anyDue(session, OBJECT)).toBe(waiting.some(isTime));
        const later = waiting.map(({ dueAfter = 0 }) => dueAfter);
        expect(await anyDue(session, OBJECT, Math.max(...later, now) - now + 1000)).toBe(waiting.length > 0);
      }),
    ),
    RUNS,
  );
});

describe('of what is due the oldest goes first', () => {
  const { settings } = configuration;
  /** The higher the number, the older. */
  const numbers = Array.from({ length: 12 }, (_, n) => n);
  const oldest = [...numbers].reverse();
  const age = (n: number) => `clock_timestamp() - interval '1 day' - ${n} * interval '1 minute'`;
  /** All states in which a record can be chosen, one after the other. */
  const state = (n: number) =>
    [
      `dirty = true, dirty_since = ${age(n)}`,
      `dirty = true, dirty_since = clock_timestamp(), due_after = ${age(n)}`,
      `push_id = 'one', push_delivery = 'api', sent_at = ${age(n)}`,
      `push_id = 'one', push_delivery = 'appflow', sent_at = ${age(n)}`,
    ][n % 4];

  test('records, in whichever state they wait, and as few as are asked for', () =>
    rolledBack(session, async () => {
      await given(
        session,
        numbers.map((n) => newLink(idOf(n), undefined)),
      );
      for (const n of numbers) {
        await session.query(`update sfsync.link set ${state(n)} where salesforce_id = $1`, [idOf(n)]);
      }
      for (const limit of [1, 2, 3, 5, 8, 12, 100]) {
        const chosen = await dueRecords(session, OBJECT, { limit, flowFenced: true, settings });
        expect(chosen).toEqual(oldest.slice(0, limit).map(idOf));
      }
      expect(await dueRecords(session, 'Contact', { limit: 100, flowFenced: true, settings })).toEqual([]);
    }));

  test('records that became due at the same moment, in the order of their ids', () =>
    rolledBack(session, async () => {
      await given(
        session,
        oldest.map((n) => newLink(idOf(n), undefined)),
      );
      await session.query('update sfsync.link set dirty = true, dirty_since = now()');
      const chosen = await dueRecords(session, OBJECT, { limit: 5, flowFenced: false, settings });
      expect(chosen).toEqual(numbers.slice(0, 5).map(idOf));
    }));

  test('new rows, also those whose upsert is open', () =>
    rolledBack(session, async () => {
      const key = (n: number) => `key ${String(n).padStart(2, '0')}`;
      await addInsertions(session, OBJECT, { rowKeys: numbers.map(key) }, { known: 'left' });
      for (const n of numbers) {
        const open = `push_id = 'one', sent_at = ${age(n)}, dirty = false, dirty_since = null`;
        const now = [`dirty_since = ${age(n)}`, `due_after = ${age(n)}`, open][n % 3];
        await session.query(`update sfsync.insertion set ${now} where row_key = $1`, [key(n)]);
      }
      for (const limit of [1, 2, 3, 5, 8, 12, 100]) {
        expect(await dueInsertions(session, OBJECT, { limit, settings })).toEqual(oldest.slice(0, limit).map(key));
      }
      expect(await dueInsertions(session, 'Contact', { limit: 100, settings })).toEqual([]);
    }));

  test('a new row that becomes due again keeps its place', () =>
    rolledBack(session, async () => {
      const since = async () =>
        (await session.query('select dirty_since from sfsync.insertion order by row_key')).rows.map(
          (row) => row.dirty_since,
        );
      await addInsertions(session, OBJECT, { rowKeys: ['a', 'b'] }, { known: 'left' });
      await session.query(`update sfsync.insertion set dirty_since = ${age(1)}`);
      const before = await since();
      await markInsertionsDue(session, OBJECT, { rowKeys: ['a', 'b'] });
      await addInsertions(session, OBJECT, { rowKeys: ['a', 'b'] }, { known: 'due' });
      await changeInsertions(session, OBJECT, ['a', 'b'], (insertion) => ({ ...insertion, revision: 1 }));
      expect(await since()).toEqual(before);
    }));
});

describe('new rows', () => {
  const insertions = async () =>
    (
      await session.query<{ row_key: string; dirty: boolean; since: boolean }>(
        'select row_key, dirty, dirty_since is not null as since from sfsync.insertion order by row_key',
      )
    ).rows;
  const rest = () => session.query('update sfsync.insertion set dirty = false, dirty_since = null');
  const due = (row_key: string) => ({ row_key, dirty: true, since: true });
  const left = (row_key: string) => ({ row_key, dirty: false, since: false });

  test('are due when they are added; what is known of them stays, or is due again', () =>
    rolledBack(session, async () => {
      expect(await addInsertions(session, OBJECT, { rowKeys: ['b', 'a', 'a'] }, { known: 'due' })).toBe(2);
      expect(await insertions()).toEqual([due('a'), due('b')]);
      await rest();
      const select = { select: 'select unnest($2::text[])', values: [['b', 'c']] };
      expect(await addInsertions(session, OBJECT, select, { known: 'left' })).toBe(1);
      expect(await insertions()).toEqual([left('a'), left('b'), due('c')]);
      expect(await addInsertions(session, OBJECT, { rowKeys: ['a'] }, { known: 'due' })).toBe(1);
      expect(await insertions()).toEqual([due('a'), left('b'), due('c')]);
    }));

  test('become due by their keys, when Salesforce has refused them, or all', () =>
    rolledBack(session, async () => {
      await addInsertions(session, OBJECT, { rowKeys: ['a', 'b', 'c'] }, { known: 'left' });
      await rest();
      expect(await markInsertionsDue(session, OBJECT, { rowKeys: ['b', 'x'] })).toBe(1);
      expect(await insertions()).toEqual([left('a'), due('b'), left('c')]);
      await session.query(`update sfsync.insertion set refused = '{}' where row_key in ('b', 'c')`);
      expect(await markInsertionsDue(session, OBJECT, 'refused')).toBe(1);
      expect(await insertions()).toEqual([left('a'), due('b'), due('c')]);
      expect(await markInsertionsDue(session, OBJECT, 'all')).toBe(1);
      expect(await insertions()).toEqual([due('a'), due('b'), due('c')]);
      expect(await markInsertionsDue(session, 'Contact', 'all')).toBe(0);
    }));
});
