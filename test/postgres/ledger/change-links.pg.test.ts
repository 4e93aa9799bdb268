import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { becomesDue } from '../../../core/agreement/due.ts';
import { isUntouchedClaim, type Link, newLink } from '../../../core/agreement/link.ts';
import { letGo } from '../../../core/agreement/row-identity.ts';
import {
  changeAllLinks,
  changeLinks,
  claimLinks,
  dropClaims,
  insertLinks,
  noteSurvivors,
} from '../../../postgres/ledger/links.ts';
import { makeRoom } from '../../../postgres/ledger/row-keys.ts';
import { nextLinkIds } from '../../../postgres/ledger/selections.ts';
import type { Session } from '../../../postgres/session/connection.ts';
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

/** Changes every kind of column of some links, and leaves the others. */
function rule(link: Link): Link | undefined {
  if (link.wasInside) return undefined;
  if (link.purgeDue) return link;
  const base = link.base && { deleted: !link.base.deleted, fields: { ...link.base.fields, Name: 'renamed' } };
  return { ...becomesDue(link, 'read again'), base, waiting: { OwnerId: idOf(1) }, push: undefined, guard: 'passed' };
}

/** Physical places of the rows that are as they were. */
async function places(): Promise<Map<string, string>> {
  const { rows } = await session.query<{ id: string; place: string }>(
    'select salesforce_id as id, ctid::text as place from sfsync.link',
  );
  return new Map(rows.map(({ id, place }) => [id, place]));
}

test('a rule changes links, and what it leaves is not written', async () => {
  await fc.assert(
    fc.asyncProperty(randomLinks, (links) =>
      rolledBack(session, async () => {
        const stored = await given(session, links);
        const before = await places();
        const changes = await changeLinks(session, OBJECT, { where: 'l.dirty', values: [] }, rule);
        const after = links.map((link) => (link.dirty ? (rule(link) ?? link) : link));
        expect(await allLinks(session)).toEqual(after);
        const changed = links.filter((link, n) => after[n] !== link);
        expect(changes).toEqual(
          changed.map((link) => ({
            linkId: stored.get(link.salesforceId)?.linkId,
            before: link,
            after: rule(link),
          })),
        );
        const then = await places();
        for (const link of links.filter((each) => !changed.includes(each))) {
          expect(then.get(link.salesforceId)).toBe(before.get(link.salesforceId));
        }
      }),
    ),
    RUNS,
  );
});

test('a selection of any size is changed page by page', () =>
  rolledBack(session, async () => {
    const links = Array.from({ length: 4_500 }, (_, n) => ({ ...newLink(idOf(n), String(n)), dirty: n % 2 === 0 }));
    await insertLinks(session, OBJECT, links);
    const changed = await changeAllLinks(session, OBJECT, { where: 'l.dirty', values: [] }, (link) => ({
      ...link,
      dirty: false,
      revision: link.revision + 1,
    }));
    expect(changed).toBe(2_250);
    expect(await allLinks(session)).toEqual(
      links.map((link) => (link.dirty ? { ...link, dirty: false, revision: 1 } : link)),
    );
  }));

test('a walk over the links of an object, page by page, meets each of them once', () =>
  rolledBack(session, async () => {
    const links = Array.from({ length: 1_200 }, (_, n) => newLink(idOf(n), undefined));
    await insertLinks(session, OBJECT, links);
    await insertLinks(session, 'Contact', [newLink(idOf(5_000), undefined)]);
    const met: string[] = [];
    for (let after: string | undefined; ; ) {
      const { ids, last } = await nextLinkIds(session, OBJECT, after, 7);
      if (last === undefined) break;
      met.push(...ids);
      after = last;
    }
    expect(met).toEqual(links.map(({ salesforceId }) => salesforceId));
  }));

test('claims that came to nothing are given back; no other link is', async () => {
  const claims = fc.tuple(randomLinks, fc.infiniteStream(fc.nat({ max: 5 })));
  await fc.assert(
    fc.asyncProperty(claims, ([links, kinds]) =>
      rolledBack(session, async () => {
        // Most random links are no claims: these have one thing, or nothing, that keeps them.
        const claimed = links.map((link) => {
          const claim = newLink(link.salesforceId, undefined);
          const kept: Partial<Link>[] = [{ base: link.base }, { rowKey: link.rowKey }, { push: link.push }];
          const due: Partial<Link>[] = [{ dirty: true }, { rereadDue: true }, { revision: 7 }];
          return { ...claim, ...[...kept, ...due][kinds.next().value ?? 0] };
        });
        await given(session, claimed);
        await dropClaims(
          session,
          OBJECT,
          claimed.map(({ salesforceId }) => salesforceId),
        );
        expect(await allLinks(session)).toEqual(claimed.filter((link) => !isUntouchedClaim(link)));
      }),
    ),
    RUNS,
  );
});

test('a claim is made where there is no link', () =>
  rolledBack(session, async () => {
    await given(session, [{ ...newLink(idOf(1), 'a'), revision: 5 }]);
    await claimLinks(session, OBJECT, [idOf(2), idOf(1)]);
    await claimLinks(session, OBJECT, [idOf(3)], 1);
    expect(await allLinks(session)).toEqual([
      { ...newLink(idOf(1), 'a'), revision: 5 },
      newLink(idOf(2), undefined),
      { ...newLink(idOf(3), undefined), revision: 1 },
    ]);
  }));

test('the survivor of a merge is remembered beside the link', () =>
  rolledBack(session, async () => {
    await given(session, [newLink(idOf(1), 'a'), newLink(idOf(2), 'b')]);
    await noteSurvivors(session, OBJECT, [
      { salesforceId: idOf(1), survivor: idOf(2) },
      { salesforceId: idOf(2), survivor: undefined },
    ]);
    const { rows } = await session.query('select merged_into as into from sfsync.link order by salesforce_id');
    expect(rows).toEqual([{ into: idOf(2) }, { into: null }]);
  }));

test('links let go of the keys that others get, as the rule says', async () => {
  await fc.assert(
    fc.asyncProperty(randomLinks, fc.infiniteStream(fc.nat({ max: 2 })), (links, kinds) =>
      rolledBack(session, async () => {
        await given(session, links);
        const withKey = links.filter(({ rowKey }) => rowKey !== undefined);
        // Some rows carry the id of the record whose link names another key, or none.
        const carriers = withKey
          .filter(() => kinds.next().value === 0)
          .map(({ rowKey: key = '' }, n) => ({ key, id: idOf(500 + n) }));
        const carried = links.filter(() => kinds.next().value === 0).map(({ salesforceId }) => salesforceId);
        await givenRows(
          session,
          carried.map((id, n) => ({ id: `other ${n}`, salesforce_id: id })),
        );
        const gone = new Set(carriers.map(({ key }) => key));
        const changes = await makeRoom(session, ROWS, carriers);
        const losing = links.filter(({ rowKey }) => rowKey !== undefined && gone.has(rowKey));
        const lost = (link: Link) => letGo(ROWS, link, carried.includes(link.salesforceId));
        expect(await allLinks(session)).toEqual(links.map((link) => (losing.includes(link) ? lost(link) : link)));
        expect(changes.map(({ before, after }) => [before, after])).toEqual(losing.map((link) => [link, lost(link)]));
      }),
    ),
    RUNS,
  );
});

test('links that exchange their keys give them up first, and nothing else of them changes', () =>
  rolledBack(session, async () => {
    const links = [newLink(idOf(1), 'a'), newLink(idOf(2), 'b')];
    await given(session, links);
    const exchanged = [
      { key: 'b', id: idOf(1) },
      { key: 'a', id: idOf(2) },
    ];
    expect(await makeRoom(session, ROWS, exchanged)).toEqual([]);
    expect(await allLinks(session)).toEqual(links.map((link) => ({ ...link, rowKey: undefined })));
  }));
