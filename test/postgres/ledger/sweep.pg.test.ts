/** The sweep reads links without their bases: what it sees of each is compared with the whole link. */
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import type { Link } from '../../../core/agreement/link.ts';
import type { Known } from '../../../core/agreement/sweep.ts';
import { reportRejects } from '../../../postgres/ledger/rejects.ts';
import { knownRecords, rememberListed, unlistedRecords } from '../../../postgres/ledger/sweep.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { useLenderDatabase } from '../../support/postgres/lender-database.ts';
import { given, idOf, OBJECT, RUNS, randomLinks, rolledBack } from '../../support/postgres/random-links.ts';

const lender = useLenderDatabase('file');
let session: Session;

beforeAll(async () => {
  session = await lender.session();
});

const EXECUTION = 'sweep';
const picks = fc.infiniteStream(fc.boolean());

function seen({ revision, highWater, base, push, rereadDue }: Link, rejected = false): Known {
  const busy = push !== undefined || rereadDue;
  return { link: { revision, highWater, deleted: base?.deleted, base: base?.fields, busy }, rejected };
}

test('of a record is known what its link says, and whether it is rejected on its way to PostgreSQL', async () => {
  await fc.assert(
    fc.asyncProperty(randomLinks, picks, (links, isRejected) =>
      rolledBack(session, async () => {
        await given(session, links);
        const rejected = new Set(links.filter(() => isRejected.next().value).map(({ salesforceId }) => salesforceId));
        const context = { object: OBJECT, direction: 'to-postgres', source: 'file', execution: EXECUTION } as const;
        const reject = { rowKey: undefined, field: undefined, code: 'CODE', reason: 'a reason', line: undefined };
        const rejects = [...rejected].map((salesforceId) => ({ ...reject, salesforceId }));
        await reportRejects(session, context, rejects);
        const stranger = idOf(9_999);
        const known = await knownRecords(session, OBJECT, [...links.map(({ salesforceId }) => salesforceId), stranger]);
        const expected = links.map((link) => [link.salesforceId, seen(link, rejected.has(link.salesforceId))] as const);
        expect(known).toEqual(new Map([...expected, [stranger, { link: undefined, rejected: false }]]));
      }),
    ),
    RUNS,
  );
});

test('live records that a full sweep was not shown are found page by page', async () => {
  await fc.assert(
    fc.asyncProperty(randomLinks, picks, fc.integer({ min: 1, max: 20 }), (links, isListed, limit) =>
      rolledBack(session, async () => {
        await given(session, links);
        const listed = new Set(links.filter(() => isListed.next().value).map(({ salesforceId }) => salesforceId));
        await rememberListed(session, OBJECT, EXECUTION, [...listed]);
        await rememberListed(session, OBJECT, 'another sweep', [idOf(0)]);
        const found: [string, Known][] = [];
        for (let after: string | undefined; ; ) {
          const page = await unlistedRecords(session, OBJECT, EXECUTION, { after, limit });
          expect(page.looked).toBeLessThanOrEqual(limit);
          found.push(...page.unlisted);
          if (page.last === undefined) break;
          after = page.last;
        }
        const missing = links.filter(({ salesforceId, base }) => base?.deleted === false && !listed.has(salesforceId));
        // Nothing is shown of these, so their values are compared with nothing.
        const unseen = (link: Link) => ({ rejected: false, link: { ...seen(link).link, base: undefined } });
        expect(found).toEqual(missing.map((link) => [link.salesforceId, unseen(link)]));
      }),
    ),
    RUNS,
  );
});
