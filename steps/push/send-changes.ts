/** Sends updates, revives and inserts: by calls, or by a job of the Bulk API where there are many updates. */
import { parted } from '../../core/contracts/insertion-tasks.ts';
import type { PushLine } from '../../core/contracts/outbound-tasks.ts';
import { fitsBulk } from '../../salesforce/bulk-csv.ts';
import { goOnWithBulk, pushByBulk } from '../../salesforce/bulk-ingest.ts';
import { pushRevives, pushUpdates } from '../../salesforce/push.ts';
import { pushInserts } from '../../salesforce/push-inserts.ts';
import type { PushTarget } from '../../salesforce/record-answer.ts';
import { sendAtMostOnce, unknownOutcomes } from './at-most-once.ts';
import { type PushFile, requireOrgOf, type Sender, targetOf } from './push-file.ts';
import { withTypes } from './type-check.ts';

/** Answers the key of the outcomes. More than `bulkAboveRecords` updates go as one job. */
export function sendChanges(sender: Sender, file: PushFile, bulkAboveRecords: number): Promise<string> {
  const target = targetOf(sender, file);
  const { log } = sender;
  const { pushKey } = file;
  return sendAtMostOnce(sender.storage, pushKey, {
    async send(lines, keepJob) {
      requireOrgOf(sender, lines);
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
      const others = unknownOutcomes([...inserts, ...without(changes, byBulk)]);
      return withTypes(target, lines, [...others, ...ofJob], log);
    },
  });
}

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
