/** Publishes notices; those that repeat themselves are counted in the bucket. */
import { createHash } from 'node:crypto';
import type { Storage } from '../aws/storage.ts';
import type { Message } from '../core/contracts/message.ts';
import { messageOf } from '../core/contracts/notice.ts';
import type { Notice } from '../core/contracts/outbound-tasks.ts';
import { repeatedCause, series, tell } from '../core/contracts/repeated-notices.ts';
import { noticesKey } from '../core/contracts/storage-layout.ts';
import type { Instant } from '../core/mapping/instant.ts';

/** Two at the same moment may both be told: better than none. Answers whether it was told. */
export async function notify(
  storage: Storage,
  notice: Notice,
  now: Instant,
  publish: (message: Message) => Promise<void>,
): Promise<boolean> {
  const cause = repeatedCause(notice);
  if (cause === undefined) {
    await publish(messageOf(notice));
    return true;
  }
  const key = noticesKey(createHash('sha256').update(JSON.stringify(cause)).digest('hex').slice(0, 32));
  const [before] = (await storage.describe(key)) === undefined ? [] : await storage.readLines(key, series);
  const telling = tell(before, now);
  if (telling.isTold) await publish(messageOf(notice, telling.repeats));
  await storage.writeLines(key, [telling.series]);
  return telling.isTold;
}
