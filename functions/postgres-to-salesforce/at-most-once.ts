/**
 * A push is sent at most once. A call of the Lambda that dies, or whose answer is lost, is repeated by the state machine,
 * seconds or (redriven) days later: what it sent may have landed, and a person may have edited the record since. Sending
 * it again would overwrite that edit unseen.
 */
import type { Storage } from '../../adapters/storage.ts';
import { RetryableError } from '../../core/errors.ts';
import { type AnyOutcome, type AnyPushLine, anyPushLine } from '../../core/insertion-tasks.ts';

/** What the marker of a push holds: first the one, and the other once its outcomes are written. */
const BEGUN = 'begun';
const DONE = 'done';

/**
 * Sends the lines of a push file, unless a call before this one has begun to: then its outcomes hold, and where it left
 * none they are unknown, so that the records wait until nothing of that push can land any more. A RetryableError of
 * `send` means that nothing was sent. Answers the key of the outcomes.
 */
export async function sendAtMostOnce(
  storage: Storage,
  pushKey: string,
  send: (lines: readonly AnyPushLine[]) => Promise<readonly AnyOutcome[]>,
): Promise<string> {
  const begunKey = pushKey.replace(/\.jsonl$/, '-begun');
  const outcomesKey = pushKey.replace(/\.jsonl$/, '-outcomes.jsonl');
  const lines = await storage.readLines(pushKey, anyPushLine);
  if (await storage.create(begunKey, BEGUN)) {
    try {
      await storage.writeLines(outcomesKey, await send(lines));
      await storage.write(begunKey, DONE, 'text/plain');
    } catch (error) {
      if (error instanceof RetryableError) await storage.remove(begunKey);
      throw error;
    }
    return outcomesKey;
  }
  if ((await storage.readRange(begunKey, 0, DONE.length)).toString() === DONE) return outcomesKey;
  const unknownKey = pushKey.replace(/\.jsonl$/, '-unknown.jsonl');
  await storage.writeLines(
    unknownKey,
    lines.map((line) =>
      'externalId' in line ? { externalId: line.externalId, outcome: 'unknown' } : { id: line.id, outcome: 'unknown' },
    ),
  );
  return unknownKey;
}
