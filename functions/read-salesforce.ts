/** Reads records as Salesforce holds them now: before a push, after it, and where a file left a version in doubt. */
import { z } from 'zod';
import configuration from '#sync.config';
import { Storage } from '../aws/storage.ts';
import { purgedVersion } from '../core/agreement/sweep.ts';
import { readSalesforceInput, readSalesforceOutput } from '../core/contracts/inbound-tasks.ts';
import { parted, toReadLine } from '../core/contracts/insertion-tasks.ts';
import { mappingOf } from '../core/mapping/configuration.ts';
import { changedFields } from '../core/mapping/drift.ts';
import { misfitsOf, type ReadRecord, withoutFieldsOf } from '../core/mapping/salesforce-record.ts';
import { apiUsage, keepReserve } from '../salesforce/api-usage.ts';
import { missingFields, withKnownFields } from '../salesforce/known-fields.ts';
import { readRecords } from '../salesforce/read.ts';
import { readByExternalId } from '../salesforce/read-by-external-id.ts';
import { askTypes } from '../salesforce/type-check.ts';
import { sharedConnection } from './connections.ts';
import { defineHandler, environment } from './handler.ts';
import { endJobsOf } from './push-markers.ts';

const { BUCKET_NAME, SALESFORCE_SECRET_ARN } = environment({
  BUCKET_NAME: z.string(),
  SALESFORCE_SECRET_ARN: z.string(),
});
const storage = new Storage(BUCKET_NAME);

export const handler = defineHandler({
  input: readSalesforceInput,
  output: readSalesforceOutput,
  run: async ({ object, recordsKey, keepReserve: keepsReserve }, { log }) => {
    const mapping = mappingOf(configuration, object);
    const all = await storage.readLines(recordsKey, toReadLine);
    const [newRows, wanted] = parted(all);
    const connection = await sharedConnection(SALESFORCE_SECRET_ARN);
    for (const pushId of new Set(wanted.flatMap(({ pushId }) => pushId ?? []))) {
      await endJobsOf(storage, connection, pushId);
    }
    const readAt = new Date().toISOString();
    const ids = wanted.map(({ id }) => id);
    const found = await withKnownFields(connection, mapping, async (known) => ({
      records: await readRecords(connection, known, ids),
      without: missingFields(mapping, known),
    }));
    const names = newRows.map(({ externalId }) => externalId);
    const named = await withKnownFields(connection, mapping, async (known) => ({
      records: await readByExternalId(connection, known, names),
      without: missingFields(mapping, known),
    }));
    const misfits = misfitsOf([...found.records.values(), ...named.records.values()]);
    const doubted = new Set([...misfits, ...wanted.flatMap((record) => record.doubted ?? [])]);
    const types = await askTypes(connection, mapping, doubted);
    const changed = changedFields(types);
    const usable = (record: ReadRecord | undefined) => record && withoutFieldsOf(record, changed);
    const lines = wanted.map(({ id, revision, deletedAt, isListed }) => {
      const record = usable(found.records.get(id));
      const purged =
        deletedAt === undefined ? undefined : { version: purgedVersion({ id, deletedAt }), unusable: undefined };
      const { version, unusable: rejected } = record ?? purged ?? {};
      return { id, revision, version, rejected, without: found.without, isListed };
    });
    const looks = newRows.map((row) => {
      const { version, unusable: rejected } = usable(named.records.get(row.externalId)) ?? {};
      return { ...row, version, rejected, without: named.without };
    });
    const usage = apiUsage(connection);
    if (usage !== undefined) log.info('api calls', { apiCallsUsed: usage.used, apiCallsAllowed: usage.allowed });
    if (keepsReserve === true) keepReserve(object, usage, configuration.settings.apiReservePercent);
    const versionsKey = recordsKey.replace(/\.jsonl$/, `-read-${Date.parse(readAt)}.jsonl`);
    const [first, ...others] = [...lines, ...looks];
    await storage.writeLines(versionsKey, first === undefined ? [] : [{ ...first, types }, ...others]);
    log.debug('records read', { recordsKey, wanted: all.length, found: found.records.size + named.records.size });
    return { versionsKey, readAt, records: all.length };
  },
});
