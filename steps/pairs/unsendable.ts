/** What of a row cannot be sent because of what it holds. It is listed here, for no answer of Salesforce will be. */

import { missingParents } from '../../core/agreement/insertion.ts';
import type { RowVersion } from '../../core/agreement/link.ts';
import { unlinkedParent } from '../../core/agreement/references.ts';
import type { Reject } from '../../core/contracts/rejects.ts';
import { isUnlinked, UNREADABLE } from '../../core/mapping/canonical.ts';
import { mappingOf } from '../../core/mapping/configuration.ts';
import type { StepContext } from '../step.ts';

/** Why a value of the row is not sent; undefined: all are, or what one waits for comes by itself. */
export function whyUnsendable(
  { configuration, mapping }: Pick<StepContext, 'configuration' | 'mapping'>,
  row: RowVersion | undefined,
): Pick<Reject, 'code' | 'reason' | 'field'> | undefined {
  if (row === undefined || row.outside === true) return undefined;
  if (row.outside === 'unknown') {
    const reason = `The row filter of ${mapping.object} fails for this row, so whether it may go is not known. It waits until the row, or the filter, is another one.`;
    return { code: 'FILTER_FAILED', reason, field: undefined };
  }
  const fields = new Map(mapping.fields.map((each) => [each.field, each]));
  for (const field of missingParents(mapping, row)) {
    const [lookup, value] = [fields.get(field), row.fields[field]];
    const [parent] = lookup !== undefined && isUnlinked(value) ? unlinkedParent(lookup, value) : [];
    if (parent === undefined || mappingOf(configuration, parent.object).externalIdField !== undefined) continue;
    const reason = `The row that column ${lookup?.column} names has no Salesforce id, and ${parent.object} takes no inserts. This waits until it has one.`;
    return { code: 'PARENT_WITHOUT_RECORD', reason, field };
  }
  const unreadable = mapping.fields.find(({ field }) => row.fields[field] === UNREADABLE);
  if (unreadable === undefined) return undefined;
  const { unreadable: why } = unreadable.type;
  if (why !== undefined) {
    const reason = `The value of column ${unreadable.column} ${why.fault}. ${why.change}, or change the value in the row.`;
    return { code: why.code, reason, field: unreadable.field };
  }
  const reason = `Column ${unreadable.column} holds a value that Salesforce cannot store, or that PostgreSQL cannot read (as where a cast fails). It waits until that is another one.`;
  return { code: 'UNREADABLE_VALUE', reason, field: unreadable.field };
}
