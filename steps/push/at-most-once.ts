/**
 * A push is sent at most once. A call of the Lambda that dies, or whose answer is lost, is repeated by the state machine,
 * seconds or (redriven) days later: what it sent may have landed, and a person may have edited the record since. Sending
 * it again would overwrite that edit.
 */

import type { Storage } from '../../aws/storage.ts';
import { type AnyOutcome, type AnyPushLine, anyPushLine } from '../../core/contracts/insertion-tasks.ts';
import { bulkJobOf, MARKER_BYTES } from '../../core/contracts/storage-layout.ts';
import { RetryableError } from '../../core/errors.ts';
import { failpoint } from '../../core/failpoint.ts';
import { UNDER_WAY } from '../../salesforce/bulk-ingest.ts';

/** What the marker of a push holds: first the one, then the id of a Bulk job if there is one, last the other. */
const BEGUN = 'begun';
const DONE = 'done';

export interface Sending {
  /** Sends; a RetryableError means that nothing was sent, unless its code is UNDER_WAY. `keepJob` stores the id of a Bulk job. */
  send(lines: readonly AnyPushLine[], keepJob: (jobId: string) => Promise<void>): Promise<readonly AnyOutcome[]>;
  /** Goes on with a Bulk job that a call before this one has made. */
  goOn?(lines: readonly AnyPushLine[], jobId: string): Promise<readonly AnyOutcome[]>;
}

/**
 * Sends the lines of a push file, unless a call before this one has begun to: then its outcomes hold, or those of the
 * Bulk job that it has made. Where it left neither they are unknown, so that the records wait until nothing of that push
 * can land any more. Answers the key of the outcomes.
 */
export async function sendAtMostOnce(storage: Storage, pushKey: string, sending: Sending): Promise<string> {
  const begunKey = pushKey.replace(/\.jsonl$/, '-begun');
  const outcomesKey = pushKey.replace(/\.jsonl$/, '-outcomes.jsonl');
  const lines = await storage.readLines(pushKey, anyPushLine);
  const mark = (text: string) => storage.write(begunKey, text, 'text/plain');
  const done = async (outcomes: readonly AnyOutcome[]) => {
    failpoint('push:sent');
    await storage.writeLines(outcomesKey, outcomes);
    failpoint('push:outcomes-stored');
    await mark(DONE);
    return outcomesKey;
  };
  if (await storage.create(begunKey, BEGUN)) {
    failpoint('push:begun');
    try {
      return await done(await sending.send(lines, mark));
    } catch (error) {
      if (error instanceof RetryableError && error.code !== UNDER_WAY) await storage.remove(begunKey);
      throw error;
    }
  }
  const marker = (await storage.readRange(begunKey, 0, MARKER_BYTES)).toString();
  if (marker === DONE) return outcomesKey;
  const jobId = bulkJobOf(marker);
  if (jobId !== undefined && sending.goOn !== undefined) return done(await sending.goOn(lines, jobId));
  const unknownKey = pushKey.replace(/\.jsonl$/, '-unknown.jsonl');
  await storage.writeLines(unknownKey, unknownOutcomes(lines));
  return unknownKey;
}

/** The outcomes of lines whose answers are lost. */
export function unknownOutcomes(lines: readonly AnyPushLine[]): AnyOutcome[] {
  return lines.map((line) =>
    'externalId' in line ? { externalId: line.externalId, outcome: 'unknown' } : { id: line.id, outcome: 'unknown' },
  );
}
