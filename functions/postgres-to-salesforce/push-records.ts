/** Sends updates, revives and inserts through the Salesforce API. */
import { z } from 'zod';
import configuration from '#sync.config';
import { Storage } from '../../aws/storage.ts';
import { pushRecordsInput, pushRecordsOutput } from '../../core/contracts/outbound-tasks.ts';
import { mappingOf } from '../../core/mapping/configuration.ts';
import { sendChanges } from '../../steps/push/send-changes.ts';
import { sharedConnection } from '../connections.ts';
import { defineHandler, environment } from '../handler.ts';

const { BUCKET_NAME, SALESFORCE_SECRET_ARN } = environment({
  BUCKET_NAME: z.string(),
  SALESFORCE_SECRET_ARN: z.string(),
});
const storage = new Storage(BUCKET_NAME);
const { bulkAboveRecords } = configuration.settings;

export const handler = defineHandler({
  input: pushRecordsInput,
  output: pushRecordsOutput,
  run: async ({ object, pushKey, notAfter }, { log }) => {
    const connection = await sharedConnection(SALESFORCE_SECRET_ARN);
    const file = { mapping: mappingOf(configuration, object), pushKey, notAfter: Date.parse(notAfter) };
    return { outcomesKey: await sendChanges({ storage, connection, log }, file, bulkAboveRecords) };
  },
});
