import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { LINK_COLUMNS } from '../../../postgres/ledger/link-columns.ts';
import { saveLinks } from '../../../postgres/ledger/links.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { useLenderDatabase } from '../../support/postgres/lender-database.ts';
import { allLinks, dueSince, given, RUNS, randomLinks, rolledBack } from '../../support/postgres/random-links.ts';

const lender = useLenderDatabase('file');
let session: Session;

beforeAll(async () => {
  session = await lender.session();
});

test('every column of the table is listed once', async () => {
  const columns = await lender.rows(
    `select column_name as name from information_schema.columns where table_schema = 'sfsync' and table_name = 'link'`,
  );
  const beside = ['id', 'object', 'salesforce_id', 'dirty_since', 'merged_into'];
  const listed = [...beside, ...LINK_COLUMNS.map(({ name }) => name)];
  expect(listed.sort()).toEqual(columns.map(({ name }) => name).sort());
});

test('a new link is read as it was written', async () => {
  await fc.assert(
    fc.asyncProperty(randomLinks, (links) =>
      rolledBack(session, async () => {
        await given(session, links);
        expect(await allLinks(session)).toEqual(links);
      }),
    ),
    RUNS,
  );
});

test.each([
  ['and what it was is known', true],
  ['and what it was is not known', false],
])('a link that is changed is read as it was written, %s', async (_, known) => {
  await fc.assert(
    fc.asyncProperty(randomLinks, randomLinks, (before, changes) =>
      rolledBack(session, async () => {
        const stored = await given(session, before);
        const after = before.map((link, n) => ({
          ...(changes[n] ?? { ...link, rowKey: undefined }),
          salesforceId: link.salesforceId,
        }));
        // A key that another link of the table has until then is made free before, by makeRoom.
        await session.query('update sfsync.link set row_key = null');
        await saveLinks(
          session,
          [...stored.values()].map(({ linkId, link }, n) => {
            const was = { ...link, rowKey: undefined };
            return { linkId, link: after[n] ?? link, ...(known && { stored: was }) };
          }),
        );
        expect(await allLinks(session)).toEqual(after);
      }),
    ),
    RUNS,
  );
});

test('the moment since when a link is due is kept while it is, and goes with it', async () => {
  await fc.assert(
    fc.asyncProperty(randomLinks, randomLinks, (before, changes) =>
      rolledBack(session, async () => {
        const isDue = ({ dirty, rereadDue }: { dirty: boolean; rereadDue: boolean }) => dirty || rereadDue;
        const idsDue = (links: typeof before) => links.filter(isDue).map(({ salesforceId }) => salesforceId);
        const stored = await given(session, before);
        const first = await dueSince(session);
        expect([...first.keys()].sort()).toEqual(idsDue(before));
        const after = before.map((link, n) => ({
          ...link,
          dirty: changes[n]?.dirty === true,
          rereadDue: changes[n]?.rereadDue === true,
        }));
        await saveLinks(
          session,
          [...stored.values()].map(({ linkId, link }, n) => ({ linkId, stored: link, link: after[n] ?? link })),
        );
        const then = await dueSince(session);
        expect([...then.keys()].sort()).toEqual(idsDue(after));
        for (const [id, since] of then) if (first.has(id)) expect(since).toBe(first.get(id));
      }),
    ),
    RUNS,
  );
});
