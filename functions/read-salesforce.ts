/** Reads records as Salesforce holds them now: before a push, after it, and where a file left a version in doubt. */
import { z } from 'zod';
import { sharedConnection } from '../adapters/salesforce/connection.ts';
import { readRecords } from '../adapters/salesforce/read.ts';
import { Storage } from '../adapters/storage.ts';
import { mappingOf } from '../core/configuration.ts';
import { readSalesforceInput, readSalesforceOutput, recordToRead } from '../core/inbound-tasks.ts';
import { purgedVersion } from '../core/sweep.ts';
import configuration from '../sync.config.ts';
import { defineHandler, environment } from './handler.ts';

const { BUCKET_NAME, SALESFORCE_SECRET_ARN } = environment({
  BUCKET_NAME: z.string(),
  SALESFORCE_SECRET_ARN: z.string(),
});
const storage = new Storage(BUCKET_NAME);

export const handler = defineHandler({
  input: readSalesforceInput,
  output: readSalesforceOutput,
  run: async ({ object, recordsKey }, { log }) => {
    const mapping = mappingOf(configuration, object);
    const wanted = await storage.readLines(recordsKey, recordToRead);
    const connection = await sharedConnection(SALESFORCE_SECRET_ARN);
    const readAt = new Date().toISOString();
    const found = await readRecords(
      connection,
      mapping,
      wanted.map(({ id }) => id),
    );
    const lines = wanted.map(({ id, revision, deletedAt }) => {
      const record = found.get(id);
      const purged =
        deletedAt === undefined ? undefined : { version: purgedVersion({ id, deletedAt }), unusable: undefined };
      const { version, unusable: rejected } = record ?? purged ?? {};
      return { id, revision, version, rejected };
    });
    const versionsKey = recordsKey.replace(/\.jsonl$/, `-read-${Date.parse(readAt)}.jsonl`);
    await storage.writeLines(versionsKey, lines);
    log.debug('records read', { recordsKey, wanted: wanted.length, found: found.size });
    return { versionsKey, readAt, records: wanted.length };
  },
});
