/** Moves records to Salesforce's recycle bin through the Salesforce API, and out of it for good. */
import { z } from 'zod';
import configuration from '#sync.config';
import { Storage } from '../../aws/storage.ts';
import { parted } from '../../core/contracts/insertion-tasks.ts';
import { pushRecordsInput, pushRecordsOutput } from '../../core/contracts/outbound-tasks.ts';
import { mappingOf } from '../../core/mapping/configuration.ts';
import { pushDeletes, pushPurges } from '../../salesforce/push.ts';
import { sharedConnection } from '../connections.ts';
import { defineHandler, environment } from '../handler.ts';
import { sendAtMostOnce } from './at-most-once.ts';

const { BUCKET_NAME, SALESFORCE_SECRET_ARN } = environment({
  BUCKET_NAME: z.string(),
  SALESFORCE_SECRET_ARN: z.string(),
});
const storage = new Storage(BUCKET_NAME);

export const handler = defineHandler({
  input: pushRecordsInput,
  output: pushRecordsOutput,
  run: async ({ object, pushKey, notAfter }, { log }) => {
    const target = {
      connection: await sharedConnection(SALESFORCE_SECRET_ARN),
      mapping: mappingOf(configuration, object),
      notAfter: Date.parse(notAfter),
      sent: { any: false },
    };
    const outcomesKey = await sendAtMostOnce(storage, pushKey, {
      async send(lines) {
        const changes = parted(lines)[1];
        const deletes = changes.filter(({ kind }) => kind === 'delete');
        const purges = changes.filter(({ kind }) => kind === 'purge');
        const outcomes = [...(await pushDeletes(target, deletes)), ...(await pushPurges(target, purges))];
        log.info('records deleted', { pushKey, records: deletes.length, purged: purges.length });
        return outcomes;
      },
    });
    return { outcomesKey };
  },
});
