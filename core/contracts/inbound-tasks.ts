/** Inputs and outputs of the Lambdas of `salesforce-to-postgres`. Data travels by S3 key, never in the state payload. */
import { z } from 'zod';

const count = z.int().min(0);

/** Records that a notification names for each reason. */
export const MAX_NAMED_RECORDS = 5;

/** Codes of conflicts among the reasons of a report, by the side whose value stands. */
export const CONFLICT_CODES = {
  salesforce: 'CONFLICT_SALESFORCE_STANDS',
  postgres: 'CONFLICT_POSTGRES_STANDS',
} as const;

/** Why records were rejected or in conflict, counted: what a notification may say without naming a value. */
export const reasonCount = z.strictObject({
  code: z.string(),
  field: z.string().optional(),
  /** Of the database, by name. */
  constraint: z.string().optional(),
  count,
  /** Some of the records, by Salesforce id: an id says nothing about a person. */
  ids: z.array(z.string()).max(MAX_NAMED_RECORDS).optional(),
  /** Of a field whose type has changed: what is, and the change to make. */
  change: z.string().optional(),
});
export type ReasonCount = z.output<typeof reasonCount>;

/** A line-aligned part of a file; `end` is exclusive. `firstLine`: of the file, from 1, so that rejects name the file's lines. */
const byteRange = z.strictObject({ start: count, end: count, firstLine: z.int().min(1).default(1) });

/** What starts the machine: a file that a flow has written. `putAt`: when S3 had it, for how old its records may be. */
const inboundInput = z.strictObject({
  bucket: z.string(),
  key: z.string(),
  size: count,
  putAt: z.iso.datetime(),
});
export type InboundInput = Readonly<z.output<typeof inboundInput>>;

export const validateFileInput = z.strictObject({ bucket: z.string(), key: z.string(), size: count });
export const validateFileOutput = z.strictObject({
  object: z.string(),
  /** Empty for what a run without records leaves: no bytes, a marker object, a header. */
  ranges: z.array(byteRange),
});

export const mapRecordsInput = z.strictObject({
  bucket: z.string(),
  key: z.string(),
  object: z.string(),
  range: byteRange,
  /** Name of the execution: scratch space is kept apart by it. */
  execution: z.string(),
});
export const mapRecordsOutput = z.strictObject({
  /** JSON lines of `mappedLine`. */
  mappedKey: z.string(),
  records: count,
  rejected: count,
});

/** Checked as it is: a schema of a record would copy each of its values into an object that grows key by key. */
const fieldValues = z.custom<Record<string, string | boolean | null>>(
  isFieldValues,
  'must be canonical values by field',
);

function isFieldValues(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((each) => each === null || typeof each === 'string' || typeof each === 'boolean');
}

export const salesforceVersion = z.strictObject({
  id: z.string(),
  deleted: z.boolean(),
  mergedInto: z.string().optional(),
  stamp: z.int(),
  externalId: z.string().optional(),
  fields: fieldValues,
});

export const rejectedLine = z.strictObject({
  code: z.string(),
  reason: z.string(),
  field: z.string().optional(),
  id: z.string().optional(),
});

/**
 * One line of a mapped file: what the line of the file (from 1; in an array, the place) became. `readable`: a rejected record
 * without the fields whose values do not fit, in case their type in Salesforce is another one now.
 */
export const mappedLine = z.union([
  z.strictObject({ line: count, version: salesforceVersion }),
  z.strictObject({
    line: count,
    rejected: rejectedLine,
    readable: z.strictObject({ version: salesforceVersion, misfits: z.array(z.string()) }).optional(),
  }),
]);
export type MappedLine = z.output<typeof mappedLine>;

export const applyRecordsInput = z.discriminatedUnion('from', [
  z.strictObject({
    from: z.literal('file'),
    object: z.string(),
    mappedKey: z.string(),
    /** The source, for rejects. */
    source: z.string(),
    /** When the file was put, ISO 8601: nothing in it was read later, or earlier than the longest run before. */
    putAt: z.iso.datetime({ offset: true }),
    execution: z.string(),
    /** How many calls in a row found the table locked. */
    waits: count.default(0),
  }),
  z.strictObject({
    from: z.literal('reread'),
    object: z.string(),
    /** The answer of Read Salesforce. */
    versionsKey: z.string(),
    readAt: z.iso.datetime(),
    source: z.string(),
    execution: z.string(),
    /** 1, 2, 3: after the third the rest stays due for the outbound pipeline. */
    attempt: count,
  }),
]);
export const applyRecordsOutput = z.strictObject({
  object: z.string(),
  inserted: count,
  updated: count,
  deleted: count,
  unchanged: count,
  rejected: count,
  conflicts: count,
  reasons: z.array(reasonCount),
  /** Links of the object are due towards Salesforce now. */
  due: z.boolean(),
  /** Other objects with due records: their parents have landed or got a Salesforce id, or children that held them have gone. */
  alsoDue: z.array(z.string()).optional(),
  /** JSON lines of `recordToRead`; absent: nothing has to be read again. */
  rereadKey: z.string().optional(),
  /** JSON lines of `mappedLine` for the next call; absent: all were worked on. */
  restKey: z.string().optional(),
  /** How many calls in a row found the table locked, this one included; 0: the next one need not wait. */
  waits: count.optional(),
  attempt: count,
});

/** One record that Read Salesforce shall read, with the link's revision before the read. */
export const recordToRead = z.strictObject({
  id: z.string(),
  revision: count,
  /** When it was deleted by Salesforce's log, milliseconds since 1970: found in neither place, it was purged. */
  deletedAt: z.int().optional(),
  /** The open push of the record: over by now, but for a job of the Bulk API that may still be at work. */
  pushId: z.string().optional(),
  /** Fields whose type in Salesforce is in doubt: they are left out, their values do not fit, or they point to strange records. */
  doubted: z.array(z.string()).optional(),
  /** It is rejected already, with its line: the read is only to show what became of the fields in doubt. */
  isListed: z.boolean().optional(),
});

export const readSalesforceInput = z.strictObject({
  object: z.string(),
  /** JSON lines of `recordToRead`. */
  recordsKey: z.string(),
  execution: z.string(),
  /** Fails when less than the reserve of the day's API calls is left: what follows may wait. */
  keepReserve: z.boolean().optional(),
});
export const readSalesforceOutput = z.strictObject({
  /** JSON lines of `readLine`. */
  versionsKey: z.string(),
  /** The moment before the read. */
  readAt: z.iso.datetime(),
  records: count,
});

/** What Salesforce answered about the types of fields in doubt; the first line holds it for all of them. See core/mapping/drift.ts. */
export const typeCheck = z.record(z.string(), z.string().nullable()).optional();

/** The org that was read, its id in 15 characters; the first line holds it for all of them. */
export const orgOfRead = z.string().optional();

/** The mapped fields that the read knew of; the first line holds them for all of them. In a deployment another configuration may go on with it. */
export const fieldsOfRead = z.array(z.string()).optional();

/** One line of a read: the version, or nothing when the record is neither live nor in the recycle bin, or not visible. */
export const readLine = z.strictObject({
  id: z.string(),
  revision: count,
  version: salesforceVersion.optional(),
  /** Why the version cannot be used, where a value did not fit its type. */
  rejected: rejectedLine.optional(),
  /** Mapped fields that Salesforce does not have for our user, so that the read did without them. */
  without: z.array(z.string()).optional(),
  types: typeCheck,
  org: orgOfRead,
  asked: fieldsOfRead,
  isListed: z.boolean().optional(),
});
