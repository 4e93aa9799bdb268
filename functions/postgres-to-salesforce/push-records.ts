/** Sends updates, revives and inserts through the Salesforce API. */
import { z } from 'zod';
import { sharedConnection } from '../../adapters/salesforce/connection.ts';
import { pushRevives, pushUpdates } from '../../adapters/salesforce/push.ts';
import { pushInserts } from '../../adapters/salesforce/push-inserts.ts';
import { Storage } from '../../adapters/storage.ts';
import { mappingOf } from '../../core/configuration.ts';
import { parted } from '../../core/insertion-tasks.ts';
import { type PushLine, pushRecordsInput, pushRecordsOutput } from '../../core/outbound-tasks.ts';
import configuration from '../../sync.config.ts';
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
    const outcomesKey = await sendAtMostOnce(storage, pushKey, async (lines) => {
      const [inserts, changes] = parted(lines);
      const of = (wanted: PushLine['kind']) => changes.filter(({ kind }) => kind === wanted);
      const updated = await pushUpdates(target, of('update'));
      const revived = await pushRevives(target, of('revive'));
      const inserted = await pushInserts(target, inserts);
      const counts = { updated: updated.length, revived: revived.length, inserted: inserted.length };
      log.info('records pushed', { pushKey, ...counts });
      return [...updated, ...revived, ...inserted];
    });
    return { outcomesKey };
  },
});
