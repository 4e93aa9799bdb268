/**
 * Deletes of parents towards Salesforce. An application that frees or deletes the children of a row and then the row itself does so
 * in one transaction, but each object has its own queue: the parent's delete must not overtake what is on its way of the children.
 */
import { childLookups, isInTheWay } from '../../core/agreement/references.ts';
import { rejectOf } from '../../core/contracts/rejects.ts';
import { childrenOf } from '../../postgres/ledger/children.ts';
import type { StepContext } from '../step.ts';

/** A record that is to be deleted; its row is gone. */
export interface DoomedRecord {
  readonly id: string;
  readonly rowKey: string | undefined;
}

/**
 * Of these records, those whose children have to be freed or deleted first. Children that go with them, in one set, are not waited
 * for: two rows may have named each other.
 */
export async function waitingForChildren(
  { session, configuration, mapping }: StepContext,
  doomed: readonly DoomedRecord[],
): Promise<Set<string>> {
  const keys = new Map(doomed.map(({ id, rowKey }) => [id, rowKey]));
  const waiting = new Set<string>();
  if (doomed.length === 0) return waiting;
  for (const { child, lookup } of childLookups(configuration, mapping.object)) {
    for (const found of await childrenOf(session, child, lookup, [...keys.keys()])) {
      const goesAlong = child.object === mapping.object && keys.has(found.salesforceId);
      if (!goesAlong && isInTheWay(child, lookup, found, keys.get(found.parent))) waiting.add(found.parent);
    }
  }
  return waiting;
}

/** The delete of a parent that has waited in vain. */
export function childrenLeft(id: string) {
  return rejectOf({
    id,
    code: 'CHILDREN_LEFT_BEHIND',
    reason:
      'Its row was deleted, and records that name it in Salesforce were to be freed or deleted first. That has not happened within five minutes, so its delete is sent. Salesforce may delete them along: `sfsync rejects` and `sfsync check` show what keeps them.',
  });
}
