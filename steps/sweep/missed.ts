/** Finds what a sweep has missed, and lays out what has to be read. Changes no link: the read is applied like any other. */
import type { z } from 'zod';
import type { Storage } from '../../aws/storage.ts';
import { missedBefore } from '../../core/agreement/sweep.ts';
import { workKey } from '../../core/contracts/storage-layout.ts';
import { type compareLinksInput, listedRecord, loggedDelete } from '../../core/contracts/sweep-tasks.ts';
import type { Instant } from '../../core/mapping/instant.ts';
import { rememberListed } from '../../postgres/ledger/sweep.ts';
import { withMappingInForce } from '../mapping-in-force/columns.ts';
import type { StepContext } from '../step.ts';
import { compareDeleted, compareListed, compareUnlisted, type Found, type UnlistedPart } from './compare.ts';

/** Records that are read and applied at once: five calls to Salesforce, one transaction. */
const BATCH_RECORDS = 10_000;
/** Links that one call compares with what was not listed. */
const UNLISTED_LINKS = 100_000;

type Input = z.output<typeof compareLinksInput>;

/** Compares one part of a list, or of the links that no list had, and stores the records to read in batches. */
export async function findMissed(context: StepContext, storage: Storage, input: Input) {
  const polledUntil = input.polledUntil === 0 ? undefined : input.polledUntil;
  const before = missedBefore(Date.parse(input.startedAt), polledUntil, context.configuration.settings);
  const { compared, found, after } = await comparePart(context, storage, input, before);
  const batches = await layOut(storage, input, found);
  return { compared, counts: countsOf(found), batches, ...(after !== undefined && { after }) };
}

async function comparePart(
  context: StepContext,
  storage: Storage,
  input: Input,
  before: Instant,
): Promise<UnlistedPart> {
  const { session } = context;
  const { object, execution } = input;
  switch (input.with) {
    case 'records': {
      const lines = await storage.readLines(input.listKey, listedRecord);
      const listed = lines.map(({ fields, ...line }) => ({ ...line, fields }));
      // A column that is gone keeps its field as it was: to be read again is of no use to it.
      const found = await withMappingInForce(context, undefined, ({ mapping }) =>
        compareListed(session, mapping, listed, before),
      );
      if (input.full) {
        const ids = listed.map(({ id }) => id);
        await rememberListed(session, object, execution, ids);
      }
      return { compared: listed.length, found, after: undefined };
    }
    case 'deleted': {
      const entries = await storage.readLines(input.listKey, loggedDelete);
      const found = await compareDeleted(session, object, entries, before);
      return { compared: entries.length, found, after: undefined };
    }
    case 'unlisted': {
      const place = { after: input.after, limit: UNLISTED_LINKS, missedBefore: before };
      return compareUnlisted(session, object, execution, place);
    }
    default:
      return input satisfies never;
  }
}

/** Rejects that were notified before are read in batches of their own, and are not notified again. */
async function layOut(storage: Storage, { execution, part }: Input, found: readonly Found[]) {
  const fresh = found.filter(({ finding }) => finding !== 'rejected before');
  const before = found.filter(({ finding }) => finding === 'rejected before');
  const batches = [...batchesOf(fresh, false), ...batchesOf(before, true)];
  return Promise.all(
    batches.map(async ({ again, records }, i) => {
      const recordsKey = workKey(execution, `missed-${part}-${i + 1}.jsonl`);
      await storage.writeLines(recordsKey, records);
      return { recordsKey, again };
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
