/** Moves records to Salesforce's recycle bin through the Salesforce API. */
import { z } from 'zod';
import { sharedConnection } from '../../adapters/salesforce/connection.ts';
import { pushDeletes } from '../../adapters/salesforce/push.ts';
import { Storage } from '../../adapters/storage.ts';
import { mappingOf } from '../../core/configuration.ts';
import { pushLine, pushRecordsInput, pushRecordsOutput } from '../../core/outbound-tasks.ts';
import configuration from '../../sync.config.ts';
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
    const mapping = mappingOf(configuration, object);
    const lines = await storage.readLines(pushKey, pushLine);
    const outcomes = await pushDeletes({ connection, mapping, notAfter: Date.parse(notAfter) }, lines);
    const outcomesKey = pushKey.replace(/\.jsonl$/, '-outcomes.jsonl');
    await storage.writeLines(outcomesKey, outcomes);
    log.info('records deleted', { pushKey, records: lines.length });
    return { outcomesKey };
  },
});
