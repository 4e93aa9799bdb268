/**
 * Finds what did not come through the queue: by comparing links with their rows, and rows with their links. What differs is marked
 * due, as if its key had come through. In pages, each a transaction of its own.
 */
import { collect } from '../../core/agreement/collect.ts';
import { becomesDue } from '../../core/agreement/due.ts';
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import type { ComparedPage } from '../../postgres/ledger/comparison.ts';
import { saveLinks } from '../../postgres/ledger/links.ts';
import { nextLinkIds } from '../../postgres/ledger/selections.ts';
import { inTransaction, query, type Session } from '../../postgres/session/connection.ts';
import { afterKey, keyColumnsOf, keyOf } from '../../postgres/tables/key-columns.ts';
import { isOfObject } from '../../postgres/tables/row-filter.ts';
import { rowsOf } from '../../postgres/tables/rows.ts';
import { tableColumns } from '../../postgres/tables/table-columns.ts';
import { outdated } from '../pairs/column-values.ts';
import { lockPairs } from '../pairs/pairs.ts';
import { receiveKeys } from '../receive.ts';
import type { StepContext } from '../step.ts';

/** Links or rows in one page: steps that work on the same records wait for no longer than that. */
const PAGE = 2_000;

/**
 * Compares links with their rows by the rules of COLLECT: rows that differ from base, and rows that are gone. Rows that only hold
 * what a column's type has made of the base do not differ. The links keep that, for the type may change again, and where the column
 * can hold more by now, the records are read again: nobody has missed these.
 */
export async function compareLinks(context: StepContext, after: string | undefined): Promise<ComparedPage> {
  const { session, mapping } = context;
  const { keys, ...page } = await inTransaction(session, async () => {
    const { ids, last } = await nextLinkIds(session, mapping.object, after, PAGE);
    const pairs = [...(await lockPairs(context, ids, 'read')).values()];
    const stale = await outdated(context, pairs);
    await saveLinks(
      session,
      pairs.flatMap((pair) => {
        const { linkId, stored, link } = pair;
        const seen = { ...stored, inexact: link.inexact };
        if (stale.has(pair)) return { linkId, stored, link: becomesDue(seen, 'read again') };
        return link.inexact === stored.inexact ? [] : { linkId, stored, link: seen };
      }),
    );
    const different = pairs.flatMap((pair) => {
      const { link, stored } = pair;
      const due = !link.dirty && collect(mapping, pair).dirty;
      return due ? (stored.rowKey ?? link.rowKey ?? []) : [];
    });
    return { looked: ids.length, keys: different, after: ids.length < PAGE ? undefined : last };
  });
  return { ...page, marked: await mark(context, keys) };
}

/** By itself: RECEIVE takes its locks in an order of its own. */
async function mark({ session, configuration, mapping }: StepContext, keys: readonly string[]): Promise<number> {
  if (keys.length === 0) return 0;
  const { marked, inserts } = await inTransaction(session, () =>
    receiveKeys({ session, configuration, mapping }, keys),
  );
  return marked + inserts;
}

/** Finds rows that no link knows by their key: new ones, and those whose key was changed. */
export async function compareRows(context: StepContext, after: string | undefined): Promise<ComparedPage> {
  const { session, mapping } = context;
  const key = keyOf(mapping, 't');
  const { types } = await tableColumns(session, mapping);
  const further = after === undefined ? '' : `and ${afterKey(mapping, types, 't', '$3')}`;
  // A look for each row, by the index; `exists` might read all links for a page.
  const { rows } = await query<{ key: string; linked: boolean }>(
    session,
    `select ${key} as key,
            coalesce((select true from sfsync.link l where l.object = $1 and l.row_key = ${key} limit 1), false) as linked
       from ${rowsOf(mapping)} t where ${isOfObject(mapping, 't')} ${further} order by ${keyColumnsOf(mapping, 't')} limit $2`,
    [mapping.object, PAGE, ...(after === undefined ? [] : [after])],
  );
  const keys = rows.flatMap(({ key: rowKey, linked }) => (linked ? [] : [rowKey]));
  const marked = await mark(context, keys);
  return { looked: rows.length, marked, after: rows.length < PAGE ? undefined : rows.at(-1)?.key };
}

/** How many links and rows there are to look at. */
export async function countCompared(session: Session, mappings: readonly ObjectMapping[]): Promise<number> {
  let all = 0;
  for (const mapping of mappings) {
    const { rows } = await query<{ all: string }>(
      session,
      `select (select count(*) from sfsync.link where object = $1) + (select count(*) from ${rowsOf(mapping)}) as all`,
      [mapping.object],
    );
    all += Number(rows[0]?.all ?? 0);
  }
  return all;
}
