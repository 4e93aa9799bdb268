import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { becomesDue } from '../../../core/agreement/due.ts';
import type { Link } from '../../../core/agreement/link.ts';
import { beginJoin, type Joining, joinPart } from '../../../postgres/ledger/joining-fields.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { useLenderDatabase } from '../../support/postgres/lender-database.ts';
import { allLinks, given, OBJECT, RUNS, randomLinks, rolledBack } from '../../support/postgres/random-links.ts';

const lender = useLenderDatabase('file');
let session: Session;

beforeAll(async () => {
  session = await lender.session();
});

/** What a part makes of a link. */
function after(link: Link, joining: Joining, fields: readonly string[]): Link {
  const { base, rereadDue, revision } = link;
  if (base === undefined) return link;
  if (joining === 'forgetting') {
    const kept = Object.entries(base.fields).filter(([field]) => !fields.includes(field));
    return { ...link, base: { ...base, fields: Object.fromEntries(kept) }, revision: revision + 1 };
  }
  const isWanted = joining === 'all' || fields.some((field) => base.fields[field] === undefined);
  return base.deleted || rereadDue || !isWanted ? link : becomesDue(link, 'read again');
}

test('a part of a join does with each link what its kind says', async () => {
  const joinings = fc.constantFrom<Joining>('forgetting', 'lacking', 'all');
  const some = fc.subarray(['Name', 'Phone', 'Website'], { minLength: 1 });
  await fc.assert(
    fc.asyncProperty(randomLinks, joinings, some, (links, joining, fields) =>
      rolledBack(session, async () => {
        await given(session, links);
        await session.query(
          'insert into sfsync.mapped_column (object, field, table_oid) select $1, unnest($2::text[]), 1',
          [OBJECT, fields],
        );
        await beginJoin(session, OBJECT, fields, joining);
        await joinPart(session, OBJECT, fields);
        expect(await allLinks(session)).toEqual(links.map((link) => after(link, joining, fields)));
      }),
    ),
    RUNS,
  );
});
