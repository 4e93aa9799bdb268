import { type Answer, type Call, ok, param, type Route } from '../call.ts';
import type { Org } from '../org.ts';
import { parseDatetime, toDatetime } from '../records/instant.ts';
import { isLive } from '../records/stored-record.ts';
import { SalesforceError } from '../salesforce-error.ts';
import type { ObjectSchema } from '../schema/org-schema.ts';

/** `/sobjects/X/updated` and `/sobjects/X/deleted`: ids by the minute. */
export const replicationRoutes: readonly Route[] = [
  { pattern: 'sobjects/:object/updated', kind: 'updated', methods: { GET: updated } },
  { pattern: 'sobjects/:object/deleted', kind: 'deleted', methods: { GET: deleted } },
];

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const UPDATED_DAYS = 30;
const DELETED_DAYS = 15;
const MAX_IDS = 600_000;

interface Window {
  readonly object: ObjectSchema;
  readonly start: number;
  /** Inclusive. */
  readonly end: number;
}

/** The window asked for, seconds cut off. Throws INVALID_REPLICATION_DATE. */
function windowOf(org: Org, call: Call, reachDays: number): Window {
  const object = org.schema.object(param(call, 'object'));
  if (object.definition.replicateable === false)
    throw new SalesforceError('INVALID_TYPE_FOR_OPERATION', `sObject type ${object.name} is not replicable`);
  const bound = (name: string) => {
    const given = call.query.get(name) ?? '';
    // An offset's "+" arrives as a space when the client did not encode it.
    const ms = parseDatetime(given.replace(' ', '+'));
    if (ms === undefined) throw new SalesforceError('INVALID_REPLICATION_DATE', `${name} is no dateTime: ${given}`);
    return Math.floor(ms / MINUTE_MS) * MINUTE_MS;
  };
  const [start, end] = [bound('start'), bound('end')];
  if (end - start < MINUTE_MS)
    throw new SalesforceError(
      'INVALID_REPLICATION_DATE',
      'startDate before endDate by more than one minute is required',
    );
  if (start < org.now() - reachDays * DAY_MS)
    throw new SalesforceError('INVALID_REPLICATION_DATE', `startDate cannot be more than ${reachDays} days ago`);
  return { object, start, end };
}

function latestCovered(org: Org, end: number): string {
  return toDatetime(Math.min(end, Math.floor(org.now() / MINUTE_MS) * MINUTE_MS));
}

function checkCount(count: number): void {
  if (count > MAX_IDS)
    throw new SalesforceError('EXCEEDED_ID_LIMIT', `more than ${MAX_IDS} ids: ask for a shorter time`);
}

function updated(org: Org, call: Call): Answer {
  const { object, start, end } = windowOf(org, call, UPDATED_DAYS);
  const [from, to] = [toDatetime(start), toDatetime(end)];
  const ids = org.records
    .table(object.name)
    .findByStamp(from, to)
    .filter((r) => isLive(r) && String(r.values.SystemModstamp) >= from && String(r.values.SystemModstamp) <= to)
    .map((record) => record.id);
  checkCount(ids.length);
  return ok({ ids, latestDateCovered: latestCovered(org, end) });
}

function deleted(org: Org, call: Call): Answer {
  const { object, start, end } = windowOf(org, call, DELETED_DAYS);
  const inBin = org.records
    .table(object.name)
    .all()
    .flatMap(({ id, bin }) => (bin === undefined ? [] : [{ id, deletedAt: bin.deletedAt }]));
  const gone = [...inBin, ...org.records.purged(object.name)]
    .filter(({ deletedAt }) => deletedAt >= start && deletedAt <= end)
    .sort((a, b) => a.deletedAt - b.deletedAt);
  checkCount(gone.length);
  return ok({
    deletedRecords: gone.map(({ id, deletedAt }) => ({ id, deletedDate: toDatetime(deletedAt) })),
    earliestDateAvailable: toDatetime(org.now() - DELETED_DAYS * DAY_MS),
    latestDateCovered: latestCovered(org, end),
  });
}
