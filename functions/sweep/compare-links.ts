/** Compares a list with the links, and lays out what has to be read. Changes nothing: the read is applied like any other. */
import { z } from 'zod';
import configuration from '#sync.config';
import { Storage } from '../../aws/storage.ts';
import { missedBefore } from '../../core/agreement/sweep.ts';
import { workKey } from '../../core/contracts/storage-layout.ts';
import { compareLinksInput, compareLinksOutput, listedRecord, loggedDelete } from '../../core/contracts/sweep-tasks.ts';
import {
  compareDeleted,
  compareListed,
  compareUnlisted,
  type Found,
  rememberListed,
  type UnlistedPart,
} from '../../postgres/ledger/sweep.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { sharedSession } from '../connections.ts';
import { defineHandler, environment } from '../handler.ts';

const { BUCKET_NAME, DATABASE_SECRET_ARN } = environment({ BUCKET_NAME: z.string(), DATABASE_SECRET_ARN: z.string() });
const storage = new Storage(BUCKET_NAME);

/** Records that are read and applied at once: five calls to Salesforce, one transaction. */
const BATCH_RECORDS = 10_000;
/** Links that one call compares with what was not listed. */
const UNLISTED_LINKS = 100_000;

type Input = z.output<typeof compareLinksInput>;

export const handler = defineHandler({
  input: compareLinksInput,
  output: compareLinksOutput,
  run: async (input, { log }) => {
    const session = await sharedSession(DATABASE_SECRET_ARN);
    const polledUntil = input.polledUntil === 0 ? undefined : input.polledUntil;
    const before = missedBefore(Date.parse(input.startedAt), polledUntil, configuration.settings);
    const { compared, found, after } = await compare(session, input, before);
    log.info('compared', { with: input.with, part: input.part, compared, ...countsOf(found) });
    const batches = await layOut(input, found);
    return { compared, batches, ...(after === undefined ? {} : { after }) };
  },
});

async function compare(session: Session, input: Input, before: number): Promise<UnlistedPart> {
  const { object, execution } = input;
  switch (input.with) {
    case 'records': {
      const listed = await storage.readLines(input.listKey, listedRecord);
      const found = await compareListed(session, object, listed, before);
      if (input.full) {
        const ids = listed.map(({ id }) => id);
        await rememberListed(session, object, execution, ids);
      }
      return { compared: listed.length, found, after: undefined };
    }
    case 'deleted': {
      const entries = await storage.readLines(input.listKey, loggedDelete);
      return {
        compared: entries.length,
        found: await compareDeleted(session, object, entries, before),
        after: undefined,
      };
    }
    case 'unlisted': {
      const place = { after: input.after, limit: UNLISTED_LINKS, missedBefore: before };
      return compareUnlisted(session, object, execution, place);
    }
    default:
      return input satisfies never;
  }
}

/** Batches of their own for rejects that people know of: nobody is told again. */
async function layOut({ execution, part }: Input, found: readonly Found[]) {
  const fresh = found.filter(({ finding }) => finding !== 'rejected before');
  const again = found.filter(({ finding }) => finding === 'rejected before');
  const batches = [...batchesOf(fresh, false), ...batchesOf(again, true)];
  return Promise.all(
    batches.map(async ({ again: isAgain, records }, i) => {
      const recordsKey = workKey(execution, `missed-${part}-${i + 1}.jsonl`);
      await storage.writeLines(recordsKey, records);
      return { recordsKey, again: isAgain };
    }),
  );
}

function batchesOf(found: readonly Found[], again: boolean) {
  return Array.from({ length: Math.ceil(found.length / BATCH_RECORDS) }, (_, i) => ({
    again,
    records: found
      .slice(i * BATCH_RECORDS, (i + 1) * BATCH_RECORDS)
      .map(({ id, revision, deletedAt }) => ({ id, revision, deletedAt })),
  }));
}

function countsOf(found: readonly Found[]): Record<string, number> {
  const count = (finding: Found['finding']) => found.filter((each) => each.finding === finding).length;
  return {
    missing: count('missing'),
    different: count('different'),
    deleted: count('deleted'),
    rejectedBefore: count('rejected before'),
  };
}
