/** The shape of sync.config.ts, as it is written, and the values of what it leaves out. */
import { z } from 'zod';
import type { AnyConversion } from './field-types/converted.ts';
import { FIELD_TYPE_NAMES } from './field-types/field-type.ts';
import { nameFault, tableNameFault } from './identifiers.ts';
import { isZone, UTC } from './local-time.ts';
import { STAMP_FIELDS } from './object-ways.ts';

/** A name as the catalogs have it: `firstName` is the column that SQL calls `"firstName"`. */
const identifier = z.string().check(({ value, issues }) => {
  const fault = nameFault(value);
  if (fault !== undefined) issues.push({ code: 'custom', input: value, message: fault });
});

const NO_KEY = "must be a column, or several of them that identify a row together: ['tenant_id', 'id']";
const key = z.union([z.string(), z.array(z.string())], { error: NO_KEY }).check(({ value, issues }) => {
  if (value.length === 0) issues.push({ code: 'custom', input: value, message: NO_KEY });
  for (const column of [value].flat()) {
    const fault = nameFault(column);
    if (fault !== undefined) issues.push({ code: 'custom', input: column, message: fault });
  }
});

const apiName = z.string().regex(/^[A-Za-z]\w*$/, 'must be the API name of a Salesforce object or field');

const zone = z.string().refine(isZone, 'must be a time zone of the IANA database, such as Europe/Berlin');
const functionOf = <Of extends keyof AnyConversion>() =>
  z.custom<AnyConversion[Of]>((given) => typeof given === 'function', 'must be a function');

export const fieldSchema = z.strictObject({
  column: identifier,
  /** Of a lookup to a parent whose key is of several columns: the row's columns for all of them but the last. */
  shared: z.array(identifier).min(1).optional(),
  type: z.enum(FIELD_TYPE_NAMES),
  /** The API name that the field had before it was renamed in Salesforce. */
  formerly: apiName.optional(),
  direction: z.enum(['both', 'to-postgres', 'to-salesforce']).default('both'),
  policy: z.enum(['salesforce', 'postgres', 'latest']).default('salesforce'),
  /**
   * What becomes of a value of Salesforce that the column rounds, cuts or folds. `accept`: the row holds what the column makes of
   * it, which counts as equal, and it is notified once. `reject`: the record is rejected.
   */
  onLoss: z.enum(['accept', 'reject']).default('accept'),
  references: apiName.optional(),
  /** Of a lookup to several objects, by object: its value in `typeColumn`, or, without that, the column that holds keys of the object. */
  targets: z.record(apiName, z.string().min(1)).optional(),
  typeColumn: identifier.optional(),
  /** Of a lookup: the mapped field of the parent by whose value the column names it, in place of the parent's key. */
  by: apiName.optional(),
  /** Of a `timestamp` column: the zone of its local times. Left out: the object's. */
  zone: zone.optional(),
  /** Of a date: its column holds points in time, and the date is the day that it was then in this zone. */
  dayIn: zone.optional(),
  /** Of a text: it is HTML, which Salesforce spells otherwise than it was given. */
  html: z.boolean().optional(),
  /** What the column holds for each value of Salesforce; without it, the values themselves. */
  values: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  /** Two functions between a value of Salesforce and the text of its column. */
  convert: z
    .strictObject({
      toPostgres: functionOf<'toPostgres'>(),
      toSalesforce: functionOf<'toSalesforce'>(),
      samples: z.record(z.string(), z.string()),
    })
    .optional(),
});

/** What a column of a new row gets: a value, or what an SQL expression gives. */
const columnValue = z.union(
  [z.string(), z.number(), z.boolean(), z.null(), z.strictObject({ sql: z.string().trim().min(1) })],
  { error: "must be a text, a number, a boolean, null, or { sql: '<expression>' }" },
);

const filterValue = z.union([z.string(), z.number(), z.boolean(), z.null()]);

const objectMembers = z.strictObject({
  /** `to-postgres`: a read-only object, such as User. Its rows follow the records, and nothing of them goes to Salesforce. */
  direction: z.enum(['both', 'to-postgres']).default('both'),
  /** Whether deleted records go to the recycle bin, and so have IsDeleted; absent: as the standard object of that name. */
  recycleBin: z.boolean().optional(),
  /** Which field says when a record was changed, of a read-only object without SystemModstamp. */
  stamp: z.enum(STAMP_FIELDS).default('SystemModstamp'),
  /**
   * Each sweep lists all records of the object: a formula over another record changes without a stamp. A call lists up to 2,000
   * records; `settings.sweepEveryMinutes` says how often.
   */
  refreshFormulas: z.boolean().default(false),
  /**
   * `lenders` is in schema public; with the schema in the same text: `crm.lenders`, `"App"."Loan"`. Names are as the catalogs have
   * them, and are not folded. Where `schema` is given, this is the name of the table alone, whatever is in it.
   */
  table: z.string(),
  schema: identifier.optional(),
  /** The columns of the primary key, or of a unique index that is the replica identity. */
  key: key.default('id'),
  salesforceId: identifier.default('salesforce_id'),
  /** When the application has edited the row; for the policy `latest`. */
  updatedAt: identifier.optional(),
  /** Set to the time of each write of sfsync. */
  touch: identifier.optional(),
  /** Raised by each write of sfsync. What was written with an older one does not know of that. */
  lockVersion: identifier.optional(),
  /** Set to the time when sfsync makes the row. */
  createdAt: identifier.optional(),
  /** What else a row that sfsync makes gets, by column. */
  onInsert: z.record(identifier, columnValue).default({}),
  /** The zone of the local times in `timestamp` columns. */
  zone: zone.default(UTC),
  deleteRow: z.enum(['delete', 'soft', 'ignore']).default('delete'),
  deleteRecord: z.enum(['recycle-bin', 'hard', 'ignore']).default('recycle-bin'),
  deletedAt: identifier.optional(),
  delivery: z.enum(['appflow', 'api']).default('appflow'),
  filter: z
    .strictObject({
      where: z.string().trim().min(1).optional(),
      leaving: z.enum(['delete', 'ignore']).default('ignore'),
      /** What the rows of the object have in these columns: a row with another value is no row of the object, and a new one gets the first. */
      values: z
        .record(
          identifier,
          z.union([filterValue, z.array(filterValue).min(1).readonly()], {
            error: 'must be a text, a number, a boolean, null, or a list of them',
          }),
        )
        .optional(),
    })
    .refine(({ where, values }) => where !== undefined || Object.keys(values ?? {}).length > 0, {
      error: 'says which rows are meant: name where, values, or both',
    })
    .optional(),
  deleteGuard: z
    .union(
      [
        z.literal(false),
        z.strictObject({
          percent: z.number().min(0).max(100).default(10),
          atLeast: z.int().min(0).default(20),
          atMost: z.int().min(0).default(500),
          windowMinutes: z.int().min(1).max(10_080).default(60),
        }),
      ],
      {
        error:
          'must be false, or { percent (0 to 100), atLeast, atMost, windowMinutes (1 to 10080) }, whole numbers but for the share',
      },
    )
    .prefault({}),
  /** A mapped Salesforce field, such as an external id. */
  matchBy: apiName.optional(),
  /** Rows without a Salesforce id become records, by upsert on `externalId`. */
  insert: z.boolean().default(false),
  /** A unique external id of the object that holds the row key, and nothing else. */
  externalId: apiName.optional(),
  fields: z.record(apiName, fieldSchema),
});

export const objectSchema = objectMembers.check(({ value: { table, schema }, issues }) => {
  const fault = tableNameFault(table, schema);
  if (fault !== undefined) issues.push({ code: 'custom', input: table, path: ['table'], message: fault });
});

const settingsSchema = z.strictObject({
  /**
   * The output plugin of the replication slot: pgoutput is part of every server; wal2json has to be installed there, and
   * knows no publications. A slot keeps the plugin that it was made with: after a change, `sfsync recover-slot`.
   */
  plugin: z.enum(['pgoutput', 'wal2json']).default('pgoutput'),
  /** How often AppFlow looks for changed records, in minutes. One minute is the shortest that AppFlow offers. */
  pollEveryMinutes: z.int().min(1).max(1440).default(1),
  /** How often the outbound pipeline looks for work that no event announced, in minutes. */
  safetyNetMinutes: z.int().min(1).max(60).default(5),
  /** The least time between two `Changes available` events of one object, in seconds. */
  announceEverySeconds: z.int().min(0).max(300).default(5),
  /** Records in one outbound batch; through AppFlow at most 2,000. One call reads up to 2,000 records of Salesforce. */
  batchRecords: z.int().min(1).max(10_000).default(10_000),
  /** More updates than that in one batch go by a job of the Bulk API instead of calls of 200 (`delivery: 'api'`). */
  bulkAboveRecords: z.int().min(0).max(10_000).default(2000),
  /** After how many batches an execution hands over to a new one (a history ends at 25,000 events). */
  batchesPerExecution: z.int().min(1).max(100).default(50),
  /**
   * How much of an inbound file is mapped and applied at once, in one transaction, in MiB: 8 are some ten thousand records,
   * well inside a Lambda's memory.
   */
  rangeMegabytes: z.number().min(0.0625).max(32).default(8),
  /** How many Lambdas may write to Postgres at once, each under a replication origin of its own. */
  origins: z.int().min(1).max(64).default(8),
  /** The share of the org's API calls of a day that pushes leave to others; at 0 they go on until Salesforce refuses. */
  apiReservePercent: z.int().min(0).max(90).default(10),
  /** For how long after `sent_at` a push may still send a request, in seconds: less than the 15 minutes of a Lambda. */
  pushDeadlineSeconds: z.int().min(10).max(780).default(300),
  /** The longest life of one request in Salesforce, in seconds (a call may run 10 minutes: app limits cheat sheet). */
  requestLifeSeconds: z.int().min(1).max(3600).default(600),
  /** The longest run of an inbound flow, in minutes: a file may hold what was true that long before it was put. */
  longestRunMinutes: z.int().min(0).max(2880).default(60),
  /** How far the clocks of AWS and of the database may be apart, in seconds. */
  clockSkewSeconds: z.int().min(0).max(300).default(30),
  /** How often the sweep looks for what polling has missed, in minutes. */
  sweepEveryMinutes: z.int().min(1).max(1440).default(60),
  /**
   * How far back a sweep looks, in minutes. A transaction in Salesforce may run 10 minutes (app limits cheat sheet), and
   * its delete log reaches back 15 days (REST API Developer Guide, getDeleted).
   */
  sweepWindowMinutes: z.int().min(10).max(20_160).default(1440),
  /** A transaction in Salesforce may commit this long after it has stamped its records, in minutes: until then no stamp is final. */
  lateCommitMinutes: z.int().min(1).max(1440).default(15),
  /** A record that is this old and not here was missed, whatever is known of the inbound flow; in minutes. */
  sweepGraceMinutes: z.int().min(1).max(1440).default(15),
  /** How often all records are compared with all links, in hours; 0: only at a request. */
  fullSweepEveryHours: z.int().min(0).max(8760).default(168),
  /** How often executions that failed because the database or AWS was away are redriven, in minutes; 0: only by an operator. */
  redriveEveryMinutes: z.int().min(0).max(1440).default(10),
});

const appflowSchema = z.strictObject({
  /**
   * What AppFlow does in this org with an empty cell of its file, which is not documented: leaves the field alone, or clears
   * it. `keep`: a field that becomes null goes through the API. docs/runbook.md says how to find out.
   */
  blankCells: z.enum(['keep', 'clear']).default('keep'),
});

export const syncSchema = z.strictObject({
  objects: z.record(apiName, objectSchema),
  appflow: appflowSchema.prefault({}),
  settings: settingsSchema.prefault({}),
});
