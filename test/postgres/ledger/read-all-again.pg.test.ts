import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { becomesDue } from '../../../core/agreement/due.ts';
import type { Link } from '../../../core/agreement/link.ts';
import type { FieldValues } from '../../../core/mapping/canonical.ts';
import { markAllToRead } from '../../../postgres/ledger/mark-due.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { useLenderDatabase } from '../../support/postgres/lender-database.ts';
import { allLinks, given, OBJECT, RUNS, randomLinks, rolledBack } from '../../support/postgres/random-links.ts';

const lender = useLenderDatabase('file');
let session: Session;

beforeAll(async () => {
  session = await lender.session();
});

/** Of fields that are back nothing was agreed, unless they are known. */
function readAgain(link: Link, blank: FieldValues): Link {
  const { base } = link;
  if (base === undefined || base.deleted) return link;
  return { ...becomesDue(link, 'read again'), base: { ...base, fields: { ...blank, ...base.fields } } };
}

test('all live records are read again, and their bases get the fields that they lack', async () => {
  const blanks = fc.subarray(['Name', 'Phone', 'Website'], { minLength: 1 });
  await fc.assert(
    fc.asyncProperty(randomLinks, blanks, (links, fields) =>
      rolledBack(session, async () => {
        const blank = Object.fromEntries(fields.map((field) => [field, field === 'Phone' ? false : null]));
        await given(session, links);
        await markAllToRead(session, OBJECT, blank);
        expect(await allLinks(session)).toEqual(links.map((link) => readAgain(link, blank)));
      }),
    ),
    RUNS,
  );
});
