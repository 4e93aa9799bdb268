/** Inputs and outputs of the Lambdas of `sweep`. Data travels by S3 key, never in the state payload. */
import { z } from 'zod';
import { comparisonReport } from './comparison.ts';

const count = z.int().min(0);
const instant = z.int().min(0);

/** The comparison of links and rows that may be due of the object. */
export const compareRowsInput = z.strictObject({ object: z.string(), execution: z.string() });
export const compareRowsOutput = z.strictObject({
  /** Links and new rows that are due now. */
  marked: count,
  /** `no table`: there is none of the mapped name, or we may not read it, and nothing to compare with. */
  left: z.enum(['nothing', 'more', 'older transactions', 'no table']),
  /** The records in Salesforce are to be compared, too. */
  records: z.boolean(),
  /** What the operator is notified of; absent: of nothing. */
  report: comparisonReport.optional(),
});

/** `full`: all records against all links, where a scheduled sweep looks at a window. */
export const openSweepInput = z.strictObject({ object: z.string(), full: z.boolean(), execution: z.string() });
export const openSweepOutput = z.strictObject({
  startedAt: z.iso.datetime(),
  /** As asked for, or because a comparison is due that covers the records. */
  full: z.boolean(),
  /** Where the window begins; absent: everything is listed. */
  from: z.iso.datetime().optional(),
});

const place = { object: z.string(), execution: z.string(), part: count, from: z.iso.datetime().optional() };

/** One call lists a part of the records; `locator` is where the part before ended. */
export const listRecordsInput = z.discriminatedUnion('what', [
  z.strictObject({ what: z.literal('records'), ...place, locator: z.string().optional() }),
  z.strictObject({ what: z.literal('deleted'), ...place }),
]);
export const listRecordsOutput = z.strictObject({
  listed: count,
  /** JSON lines of `listedRecord`, or of `loggedDelete`; absent: there is none. */
  listKey: z.string().optional(),
  /** Absent: that was all. */
  locator: z.string().optional(),
});

export const listedRecord = z.strictObject({
  id: z.string(),
  stamp: instant,
  deleted: z.boolean(),
  /** Canonical values of the mapped fields that our user may see; absent: one of them cannot be read. */
  fields: z.record(z.string(), z.union([z.string(), z.boolean(), z.null()])).optional(),
});
export const loggedDelete = z.strictObject({ id: z.string(), deletedAt: instant });

const comparison = {
  object: z.string(),
  execution: z.string(),
  part: count,
  startedAt: z.iso.datetime(),
  /** Milliseconds since 1970: up to where the inbound flow has looked; 0: it is not known. */
  polledUntil: instant,
};
export const compareLinksInput = z.discriminatedUnion('with', [
  z.strictObject({ with: z.literal('records'), ...comparison, full: z.boolean(), listKey: z.string() }),
  z.strictObject({ with: z.literal('deleted'), ...comparison, listKey: z.string() }),
  /** Links whose record was not listed; only after everything was listed. */
  z.strictObject({ with: z.literal('unlisted'), ...comparison, after: z.string().optional() }),
]);
export const compareLinksOutput = z.strictObject({
  compared: count,
  /** What has to be read: JSON lines of `recordToRead` each. `again`: these rejects are reported already. */
  batches: z.array(z.strictObject({ recordsKey: z.string(), again: z.boolean() })),
  /** The last link that was compared with what is unlisted; absent: that was all. */
  after: z.string().optional(),
});

/** What became of the records that had been missed. */
const outcome = {
  inserted: count,
  updated: count,
  deleted: count,
  unchanged: count,
  rejected: count,
  conflicts: count,
};

export const closeSweepInput = z.strictObject({
  object: z.string(),
  full: z.boolean(),
  execution: z.string(),
  startedAt: z.iso.datetime(),
  /** false: Salesforce became unavailable, or there was too much for one execution; the next sweep begins where this one did. */
  complete: z.boolean(),
  compared: count,
  ...outcome,
});
