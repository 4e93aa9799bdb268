/** Children whose parent row had no Salesforce id: what they would send names no record, so they wait until it has one. */
import type { RowVersion } from '../../core/agreement/link.ts';
import { lookupsToWake, type Parents, unlinkedParents } from '../../core/agreement/references.ts';
import type { ObjectMapping, SyncConfiguration } from '../../core/mapping/configuration.ts';
import { mappingOf } from '../../core/mapping/configuration.ts';
import { markInsertionsDue, markLinksDue } from '../../postgres/ledger/mark-due.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { childKeysOf, type ParentState, parentStates } from '../../postgres/tables/lookups.ts';

/**
 * Makes the children of rows that have got their Salesforce id due; in the transaction that has written the id. All that is
 * locked of one object is locked at once and in order, as by the steps that work on it.
 */
export async function wakeChildren(
  session: Session,
  configuration: SyncConfiguration,
  parent: ObjectMapping,
  parentKeys: readonly string[],
): Promise<void> {
  if (parentKeys.length === 0) return;
  const lookups = Map.groupBy(lookupsToWake(configuration, parent.object), ({ child }) => child);
  for (const [child, found] of lookups) {
    const woken = new Set<string>();
    for (const { lookup } of found) {
      for (const key of await childKeysOf(session, child, lookup, parent, parentKeys)) woken.add(key);
    }
    const rowKeys = [...woken];
    await markLinksDue(session, child.object, { rowKeys }, 'row changed');
    await markInsertionsDue(session, child.object, { rowKeys });
  }
}

/** How the parents of each of the rows stand. Never waits for another transaction (see `parentStates`). */
export async function parentsOf(
  session: Session,
  configuration: SyncConfiguration,
  mapping: ObjectMapping,
  rows: readonly (RowVersion | undefined)[],
): Promise<Parents[]> {
  const named = rows.map((row) => unlinkedParents(mapping, row));
  const found = new Map<string, Map<string, ParentState>>();
  for (const [object, parents] of Map.groupBy(named.flat(), (parent) => parent.object)) {
    const keys = new Set(parents.map(({ key }) => key));
    found.set(object, await parentStates(session, mappingOf(configuration, object), [...keys]));
  }
  return named.map((parents) => {
    const stand = parents.map(({ object, key }) => found.get(object)?.get(key));
    return stand.find((each) => each === 'linked') ?? stand.find((each) => each === 'locked') ?? 'as read';
  });
}
