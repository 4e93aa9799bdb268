import type { Org, Writer } from '../org.ts';
import { SalesforceError } from '../salesforce-error.ts';
import type { ObjectSchema } from '../schema/org-schema.ts';
import { deleteRecord, follow } from './recycle-bin.ts';
import { existing, updateRecord } from './save.ts';
import type { SentFields } from './sent-fields.ts';
import { isLive } from './stored-record.ts';

export interface MergeOutcome {
  readonly mergedRecordIds: readonly string[];
  /** Children that now belong to the winner. */
  readonly updatedRelatedIds: readonly string[];
}

/**
 * Merges up to two losers into the winner: their children move to it, they are deleted with MasterRecordId set, and the
 * winner takes the given fields. Throws SalesforceError. Call inside a unit of work.
 */
export function mergeRecords(
  org: Org,
  writer: Writer,
  object: ObjectSchema,
  winner: string,
  losers: readonly string[],
  fields: SentFields,
): MergeOutcome {
  if (object.definition.mergeable !== true)
    throw new SalesforceError('INVALID_TYPE_FOR_OPERATION', `entity type ${object.name} does not support merge`);
  if (losers.length < 1 || losers.length > 2 || losers.includes(winner))
    throw new SalesforceError('NUMBER_OUTSIDE_VALID_RANGE', 'merge needs one or two records besides the master record');
  existing(org, object, winner);
  const moved: string[] = [];
  for (const loser of losers) {
    existing(org, object, loser);
    for (const { child, field } of object.children) {
      if (!org.records.table(child.name).isIndexed(field.name) || field.name === 'MasterRecordId') continue;
      for (const record of org.records.table(child.name).findBy(field.name, loser).filter(isLive)) {
        follow(org, writer, record, { [field.name]: record.id === winner ? null : winner });
        moved.push(record.id);
      }
    }
    deleteRecord(org, writer, object, loser, { masterRecordId: winner });
  }
  updateRecord(org, writer, object, winner, fields);
  return { mergedRecordIds: losers, updatedRelatedIds: moved };
}
