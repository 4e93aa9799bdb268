/** Sends updates, revives and inserts through the Salesforce API. */
import { z } from 'zod';
import configuration from '#sync.config';
import { Storage } from '../../aws/storage.ts';
import { parted } from '../../core/contracts/insertion-tasks.ts';
import { type PushLine, pushRecordsInput, pushRecordsOutput } from '../../core/contracts/outbound-tasks.ts';
import { mappingOf } from '../../core/mapping/configuration.ts';
import { fitsBulk } from '../../salesforce/bulk-csv.ts';
import { goOnWithBulk, pushByBulk } from '../../salesforce/bulk-ingest.ts';
import { pushRevives, pushUpdates } from '../../salesforce/push.ts';
import { pushInserts } from '../../salesforce/push-inserts.ts';
import type { PushTarget } from '../../salesforce/record-answer.ts';
import { sharedConnection } from '../connections.ts';
import { defineHandler, environment } from '../handler.ts';
import { sendAtMostOnce, unknown } from './at-most-once.ts';
import { withTypes } from './type-check.ts';

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
    const { bulkAboveRecords } = configuration.settings;
    const outcomesKey = await sendAtMostOnce(storage, pushKey, {
      async send(lines, keepJob) {
        const [inserts, changes] = parted(lines);
        const byBulk = bulkLines(changes, bulkAboveRecords);
        const pushed = await pushLines(target, without(changes, byBulk));
        const inserted = await pushInserts(target, inserts);
        const ofJob = byBulk.length === 0 ? [] : await pushByBulk(target, byBulk, keepJob);
        const counts = { updatesAndRevives: changes.length, byBulk: byBulk.length, inserted: inserted.length };
        log.info('records pushed', { pushKey, ...counts });
        return withTypes(target, lines, [...pushed, ...inserted, ...ofJob], log);
      },
      async goOn(lines, jobId) {
        const [inserts, changes] = parted(lines);
        const byBulk = bulkLines(changes, bulkAboveRecords);
        const ofJob = await goOnWithBulk(target, byBulk, jobId);
        log.info('push went on with its job', { pushKey, jobId, byBulk: byBulk.length });
        // The others went before the job, and their answers with the call that had them.
        return withTypes(target, lines, [...unknown([...inserts, ...without(changes, byBulk)]), ...ofJob], log);
      },
    });
    return { outcomesKey };
  },
});

async function pushLines(target: PushTarget, lines: readonly PushLine[]) {
  const of = (wanted: PushLine['kind']) => lines.filter(({ kind }) => kind === wanted);
  return [...(await pushUpdates(target, of('update'))), ...(await pushRevives(target, of('revive')))];
}

/** Many updates go as one job of the Bulk API, which costs the same few calls whatever their number. */
function bulkLines(lines: readonly PushLine[], bulkAboveRecords: number): readonly PushLine[] {
  const fitting = lines.filter(fitsBulk);
  return fitting.length > bulkAboveRecords ? fitting : [];
}

function without(lines: readonly PushLine[], others: readonly PushLine[]): readonly PushLine[] {
  const taken = new Set(others);
  return lines.filter((line) => !taken.has(line));
}
