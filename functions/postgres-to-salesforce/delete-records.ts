/** Moves records to Salesforce's recycle bin through the Salesforce API, and out of it for good. */
import { z } from 'zod';
import configuration from '#sync.config';
import { Storage } from '../../aws/storage.ts';
import { pushRecordsInput, pushRecordsOutput } from '../../core/contracts/outbound-tasks.ts';
import { mappingOf } from '../../core/mapping/configuration.ts';
import { sendDeletes } from '../../steps/push/send-deletes.ts';
import { sharedConnection } from '../connections.ts';
import { defineHandler, environment } from '../handler.ts';

const { BUCKET_NAME, SALESFORCE_SECRET_ARN } = environment({
  BUCKET_NAME: z.string(),
  SALESFORCE_SECRET_ARN: z.string(),
});
const storage = new Storage(BUCKET_NAME);

export const handler = defineHandler({
  input: pushRecordsInput,
  output: pushRecordsOutput,
  run: async ({ object, pushKey, notAfter }, { log }) => {
    const connection = await sharedConnection(SALESFORCE_SECRET_ARN);
    const file = { mapping: mappingOf(configuration, object), pushKey, notAfter: Date.parse(notAfter) };
    return { outcomesKey: await sendDeletes({ storage, connection, log }, file) };
  },
});
