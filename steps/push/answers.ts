/** What the steps after a push have stored: the read-back, and the answers of the Salesforce API. */
import type { Storage } from '../../aws/storage.ts';
import { anyOutcome, lookLine, parted } from '../../core/contracts/insertion-tasks.ts';

/** The lines of a read-back, and the answers by id or by row key. */
export async function readAnswers(storage: Storage, versionsKey: string, outcomesKeys: readonly string[]) {
  const [newRows, readBacks] = parted(await storage.readLines(versionsKey, lookLine));
  const lines = (await Promise.all(outcomesKeys.map((key) => storage.readLines(key, anyOutcome)))).flat();
  const [inserted, changed] = parted(lines);
  return {
    readBacks,
    answers: {
      newRows,
      outcomes: new Map(changed.map((line) => [line.id, line])),
      insertOutcomes: new Map(inserted.map((line) => [line.externalId, line])),
    },
  };
}
