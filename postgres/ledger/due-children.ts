/** Children whose parent row had no Salesforce id: what they would send names nobody, so they wait until it has one. */
import pg from 'pg';
import type { RowVersion } from '../../core/agreement/link.ts';
import { lookupsToWake, unlinkedParents } from '../../core/agreement/references.ts';
import type { ObjectMapping, SyncConfiguration } from '../../core/mapping/configuration.ts';
import { mappingOf } from '../../core/mapping/configuration.ts';
import type { Session } from '../session/connection.ts';
import { query } from '../session/connection.ts';
import { tableOf } from '../tables/rows.ts';
import { markInsertionsDue, markLinksDue } from './mark-due.ts';

const name = pg.escapeIdentifier;

/**
 * Makes the children of rows that have got their Salesforce id due; in the transaction that has written the id. All that is
 * locked of one object is locked at once and in order, as by those who take it in hand.
 */
export async function wakeChildren(
  session: Session,
  configuration: SyncConfiguration,
  parent: ObjectMapping,
  parentKeys: readonly string[],
): Promise<void> {
  if (parentKeys.length === 0) return;
  const keys = JSON.stringify(parentKeys.map((key) => ({ [parent.keyColumn]: key })));
  const lookups = Map.groupBy(lookupsToWake(configuration, parent.object), ({ child }) => child);
  for (const [child, found] of lookups) {
    const woken = new Set<string>();
    for (const { lookup } of found) {
      const { rows } = await query<{ key: string }>(
        session,
        `select c.${name(child.keyColumn)}::text as key
           from jsonb_populate_recordset(null::${tableOf(parent)}, $1::jsonb) p
           join ${tableOf(child)} c on c.${name(lookup.column)} = p.${name(parent.keyColumn)}`,
        [keys],
      );
      for (const { key } of rows) woken.add(key);
    }
    const rowKeys = [...woken];
    await markLinksDue(session, child.object, { rowKeys }, 'row changed');
    await markInsertionsDue(session, child.object, { rowKeys });
  }
}

/**
 * How the parents stand of a row that names one without a Salesforce id. `linked`: one has got its id since the row was
 * read. `in hand`: somebody holds the row of one, and may be writing its id; he wakes the children that he sees, and this
 * one may have come a moment later, so it stays due.
 */
export type Parents = 'as read' | 'linked' | 'in hand';

/**
 * How the parents of each of the rows stand. Never waits for who has a parent in hand: he is about to wake its children, and
 * would wait for us.
 */
export async function parentsOf(
  session: Session,
  configuration: SyncConfiguration,
  mapping: ObjectMapping,
  rows: readonly (RowVersion | undefined)[],
): Promise<Parents[]> {
  const named = rows.map((row) => unlinkedParents(mapping, row));
  const found = new Map<string, Map<string, Parents>>();
  for (const [object, parents] of Map.groupBy(named.flat(), (parent) => parent.object)) {
    const keys = new Set(parents.map(({ key }) => key));
    found.set(object, await lockParents(session, mappingOf(configuration, object), [...keys]));
  }
  return named.map((parents) => {
    const stand = parents.map(({ object, key }) => found.get(object)?.get(key));
    return stand.find((each) => each === 'linked') ?? stand.find((each) => each === 'in hand') ?? 'as read';
  });
}

/** By row key; those that have no id, and that nobody is giving one, are left out. */
async function lockParents(
  session: Session,
  parent: ObjectMapping,
  keys: readonly string[],
): Promise<Map<string, Parents>> {
  if (keys.length === 0) return new Map();
  const key = name(parent.keyColumn);
  const wanted = `jsonb_populate_recordset(null::${tableOf(parent)}, $1::jsonb) x join ${tableOf(parent)} p on p.${key} = x.${key}`;
  const { rows } = await query<{ key: string; linked: boolean | null }>(
    session,
    `with free as (select p.${key} as key, p.${name(parent.salesforceIdColumn)} is not null as linked
                     from ${wanted} for share of p skip locked)
     select p.${key}::text as key, free.linked from ${wanted} left join free on free.key = p.${key}
      where free.linked is distinct from false`,
    [JSON.stringify(keys.map((each) => ({ [parent.keyColumn]: each })))],
  );
  return new Map(rows.map((row) => [row.key, row.linked === true ? 'linked' : 'in hand']));
}
