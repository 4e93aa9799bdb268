import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { afterLook } from '../../../core/agreement/link.ts';
import { noteAllInside, noteInside } from '../../../postgres/ledger/inside-filter.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { useLenderDatabase } from '../../support/postgres/lender-database.ts';
import {
  allLinks,
  given,
  givenRows,
  makeTable,
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

test.each([
  ['of some links', true],
  ['of all', false],
])('%s it is noted that their row is inside the filter, as a look at it would', async (_, some) => {
  const kinds = fc.infiniteStream(fc.constantFrom('shown', 'hidden', null));
  await fc.assert(
    fc.asyncProperty(randomLinks, kinds, fc.infiniteStream(fc.boolean()), (links, kind, picks) =>
      rolledBack(session, async () => {
        await given(session, links);
        const rows = links.flatMap(({ rowKey }) =>
          rowKey === undefined ? [] : [{ id: rowKey, kind: kind.next().value }],
        );
        await givenRows(session, rows);
        const chosen = links.filter(() => !some || picks.next().value);
        const ids = chosen.map(({ salesforceId }) => salesforceId);
        const noted = some ? await noteInside(session, ROWS, ids) : await noteAllInside(session, ROWS);
        const outside = new Map(rows.map((row) => [row.id, row.kind !== 'shown']));
        const after = links.map((link) => {
          const out = outside.get(link.rowKey ?? '');
          if (!chosen.includes(link) || out !== false) return link;
          const { wasInside } = afterLook(ROWS, link, { fields: {}, outside: out });
          return { ...link, wasInside };
        });
        expect(await allLinks(session)).toEqual(after);
        expect(noted).toBe(after.filter((link, n) => link.wasInside !== links[n]?.wasInside).length);
      }),
    ),
    RUNS,
  );
});
