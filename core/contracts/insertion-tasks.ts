/** Lines about new rows, in the files that the steps of `postgres-to-salesforce` hand on; beside those of linked records. */
import { z } from 'zod';
import { readLine, recordToRead, rejectedLine, salesforceVersion } from './inbound-tasks.ts';
import { outcomeLine, pushLine } from './outbound-tasks.ts';

/** A new row whose record Read Salesforce shall look for. */
const insertionToRead = z.strictObject({
  /** The row key. */
  externalId: z.string(),
  /** Distinguishes this insertion from a later one of the same row key. */
  insertion: z.string(),
  /** Of the insertion, before the read. */
  revision: z.int().min(0),
});
export type InsertionToRead = Readonly<z.output<typeof insertionToRead>>;

/** What a look found; no version: no record names the row. */
const insertionLook = insertionToRead.extend({
  version: salesforceVersion.optional(),
  rejected: rejectedLine.optional(),
  without: readLine.shape.without,
  types: readLine.shape.types,
  org: readLine.shape.org,
  asked: readLine.shape.asked,
});
export type InsertionLook = Readonly<z.output<typeof insertionLook>>;

/** A record to be made of a new row. */
const insertLine = z.strictObject({
  kind: z.literal('insert'),
  externalId: z.string(),
  fields: z.record(z.string(), z.union([z.string(), z.boolean()])),
  org: pushLine.shape.org,
});
export type InsertLine = Readonly<z.output<typeof insertLine>>;

const insertOutcome = outcomeLine.omit({ id: true }).extend({
  externalId: z.string(),
  /** Of the record, where the upsert was accepted. */
  id: z.string().optional(),
});
export type InsertOutcome = Readonly<z.output<typeof insertOutcome>>;

/** Lines of the files in which both kinds lie. */
export const toReadLine = z.union([recordToRead, insertionToRead]);
export const lookLine = z.union([readLine, insertionLook]);
export const anyPushLine = z.union([pushLine, insertLine]);
export type AnyPushLine = Readonly<z.output<typeof anyPushLine>>;
export const anyOutcome = z.union([outcomeLine, insertOutcome]);
export type AnyOutcome = Readonly<z.output<typeof anyOutcome>>;

/** Lines about new rows, and the others. */
export function parted<Line extends object>(
  lines: readonly Line[],
): [Extract<Line, { readonly externalId: string }>[], Exclude<Line, { readonly externalId: string }>[]] {
  const isNew = (line: Line): line is Extract<Line, { readonly externalId: string }> => 'externalId' in line;
  const isOther = (line: Line): line is Exclude<Line, { readonly externalId: string }> => !isNew(line);
  return [lines.filter(isNew), lines.filter(isOther)];
}
