/** Reads records as Salesforce holds them now: before a push, after it, where a file left a version in doubt, at the first load. */
import type { Storage } from '../aws/storage.ts';
import { purgedVersion } from '../core/agreement/sweep.ts';
import { parted, toReadLine } from '../core/contracts/insertion-tasks.ts';
import type { ObjectMapping } from '../core/mapping/configuration.ts';
import { misfitsOf, type ReadRecord, withoutFieldsOf } from '../core/mapping/salesforce-record.ts';
import { changedFields, type TypeCheck } from '../core/mapping/type-check.ts';
import { apiUsage, keepReserve } from '../salesforce/api-usage.ts';
import type { SalesforceConnection } from '../salesforce/connection.ts';
import { missingFields, withKnownFields } from '../salesforce/known-fields.ts';
import { readRecords } from '../salesforce/read.ts';
import { readByExternalId } from '../salesforce/read-by-external-id.ts';
import { checkTypes } from '../salesforce/type-check.ts';
import type { Log } from './log.ts';
import { endJobsOf } from './push/end-jobs.ts';

interface Wanted {
  readonly ids: readonly string[];
  readonly externalIds?: readonly string[];
  /** Fields whose types are asked for in any case, beside those whose values do not fit. */
  readonly inDoubt?: Iterable<string>;
}

interface Found {
  /** By id, or by external id; without the fields whose type has changed. What is found nowhere is missing. */
  readonly records: ReadonlyMap<string, ReadRecord>;
  /** Mapped fields that the read did without; undefined: none. */
  readonly without: string[] | undefined;
}

export interface FreshRead {
  readonly byId: Found;
  readonly byExternalId: Found;
  /** What Salesforce has for the types of fields in doubt; undefined: none was in doubt. */
  readonly types: TypeCheck | undefined;
}

/** Reads with the fields that our user can see, and asks for the types of those whose values do not fit. */
export async function readFresh(
  connection: SalesforceConnection,
  mapping: ObjectMapping,
  { ids, externalIds = [], inDoubt = [] }: Wanted,
): Promise<FreshRead> {
  const read = (records: (known: ObjectMapping) => Promise<Map<string, ReadRecord>>): Promise<Found> =>
    withKnownFields(connection, mapping, async (known) => ({
      records: await records(known),
      without: missingFields(mapping, known),
    }));
  const byId = await read((known) => readRecords(connection, known, ids));
  const byExternalId = await read((known) => readByExternalId(connection, known, externalIds));
  const misfits = misfitsOf([...byId.records.values(), ...byExternalId.records.values()]);
  const types = await checkTypes(connection, mapping, new Set([...misfits, ...inDoubt]));
  const changed = changedFields(types);
  const usable = ({ records, without }: Found): Found => ({
    records: new Map(Array.from(records, ([key, record]) => [key, withoutFieldsOf(record, changed)])),
    without,
  });
  return { byId: usable(byId), byExternalId: usable(byExternalId), types };
}

interface Reader {
  readonly storage: Storage;
  readonly connection: SalesforceConnection;
  readonly log: Log;
}

interface ReadRequest {
  readonly mapping: ObjectMapping;
  /** JSON lines of `toReadLine`. */
  readonly recordsKey: string;
  /** The share of the day's API calls that must be left, in percent; undefined: what follows cannot wait. */
  readonly reservePercent: number | undefined;
}

interface ReadFile {
  /** JSON lines of `lookLine`. */
  readonly versionsKey: string;
  /** The moment before the read. */
  readonly readAt: string;
  readonly records: number;
}

/** Reads the records of a file and stores a line for each. Throws RetryableError when less than the reserve is left after it. */
export async function readRecordsOfFile(
  { storage, connection, log }: Reader,
  { mapping, recordsKey, reservePercent }: ReadRequest,
): Promise<ReadFile> {
  const all = await storage.readLines(recordsKey, toReadLine);
  const [newRows, wanted] = parted(all);
  for (const pushId of new Set(wanted.flatMap(({ pushId }) => pushId ?? []))) {
    await endJobsOf(storage, connection, pushId);
  }
  const readAt = new Date().toISOString();
  const { byId, byExternalId, types } = await readFresh(connection, mapping, {
    ids: wanted.map(({ id }) => id),
    externalIds: newRows.map(({ externalId }) => externalId),
    inDoubt: wanted.flatMap(({ doubted }) => doubted ?? []),
  });
  const lines = wanted.map(({ id, revision, deletedAt, isListed }) => {
    const purged = deletedAt === undefined ? {} : { version: purgedVersion({ id, deletedAt }) };
    const { version, unusable: rejected }: Partial<ReadRecord> = byId.records.get(id) ?? purged;
    return { id, revision, version, rejected, without: byId.without, isListed };
  });
  const looks = newRows.map((row) => {
    const { version, unusable: rejected }: Partial<ReadRecord> = byExternalId.records.get(row.externalId) ?? {};
    return { ...row, version, rejected, without: byExternalId.without };
  });
  const usage = apiUsage(connection);
  if (usage !== undefined) log.info('api calls', { apiCallsUsed: usage.used, apiCallsAllowed: usage.allowed });
  if (reservePercent !== undefined) keepReserve(mapping.object, usage, reservePercent);
  const versionsKey = recordsKey.replace(/\.jsonl$/, `-read-${Date.parse(readAt)}.jsonl`);
  const [first, ...others] = [...lines, ...looks];
  await storage.writeLines(
    versionsKey,
    first === undefined
      ? []
      : [
          { ...first, types, org: connection.organizationId, asked: mapping.fields.map(({ field }) => field) },
          ...others,
        ],
  );
  const found = byId.records.size + byExternalId.records.size;
  log.debug('records read', { recordsKey, wanted: all.length, found });
  return { versionsKey, readAt, records: all.length };
}
