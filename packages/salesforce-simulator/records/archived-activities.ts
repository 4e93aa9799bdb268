import type { Org } from '../org.ts';
import { toDatetime } from './instant.ts';
import { isLive } from './stored-record.ts';

/**
 * What Salesforce's background process does to tasks and events that are over a year old: they stay, may be updated and deleted, and only
 * queryAll finds them. SystemModstamp moves, LastModifiedDate does not. Answers how many were archived.
 */
export function archive(org: Org, ids: readonly string[]): number {
  const records = [...new Set(ids)].flatMap((id) => org.records.get(id) ?? []);
  const activities = records.filter((record) => isLive(record) && record.values.IsArchived === false);
  const SystemModstamp = toDatetime(org.now());
  if (activities.length > 0)
    org.records.unitOfWork(() => {
      for (const record of activities)
        org.records.put({ ...record, values: { ...record.values, IsArchived: true, SystemModstamp } });
    });
  return activities.length;
}
