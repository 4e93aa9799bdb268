/** Sends updates and revives through the Salesforce API. */
import { z } from 'zod';
import { sharedConnection } from '../../adapters/salesforce/connection.ts';
import { pushRevives, pushUpdates } from '../../adapters/salesforce/push.ts';
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
    const lines = await storage.readLines(pushKey, pushLine);
    const target = {
      connection: await sharedConnection(SALESFORCE_SECRET_ARN),
      mapping: mappingOf(configuration, object),
      notAfter: Date.parse(notAfter),
    };
    const updated = await pushUpdates(
      target,
      lines.filter(({ kind }) => kind === 'update'),
    );
    const revived = await pushRevives(
      target,
      lines.filter(({ kind }) => kind === 'revive'),
    );
    const outcomesKey = pushKey.replace(/\.jsonl$/, '-outcomes.jsonl');
    await storage.writeLines(outcomesKey, [...updated, ...revived]);
    log.info('records pushed', { pushKey, updated: updated.length, revived: revived.length });
    return { outcomesKey };
  },
});
