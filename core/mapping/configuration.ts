/**
 * `sync.config.ts`: what is kept in step with what. Parsed once into one frozen value; every fault is reported together.
 */
import { z } from 'zod';
import type { DeleteGuard } from '../agreement/delete-guard.ts';
import { ConfigurationError } from '../errors.ts';
import type { FieldType } from './canonical.ts';

/** Which way a field travels. `to-postgres`: Salesforce owns it. `to-salesforce`: Postgres owns it. */
export type Direction = 'both' | 'to-postgres' | 'to-salesforce';

/** Which side wins when both edited the same field since they last agreed; `latest`: whoever edited last. */
export type ConflictPolicy = 'salesforce' | 'postgres' | 'latest';

/** What a delete in Salesforce does to the row. `soft`: sets the column `deletedAt`, and such a row counts as gone. */
export type DeleteRow = 'delete' | 'soft' | 'ignore';

/**
 * What a delete of the row does to the record. `hard`: it goes to the recycle bin, and out of it once the read-back has shown
 * that the delete has buried no edit. A record whose row has left the filter stays in the bin: the row may come back.
 */
export type DeleteRecord = 'recycle-bin' | 'hard' | 'ignore';

/** How updates reach Salesforce: one CSV through AppFlow, or changed fields only through the Salesforce API. */
export type Delivery = 'appflow' | 'api';

/** What AppFlow does with an empty cell. */
export type BlankCells = 'keep' | 'clear';

/** Which rows go to Salesforce. It concerns that way only: what comes from Salesforce is applied to every row. */
export interface RowFilter {
  /** An SQL expression over the table's columns, by their plain names; a row for which it is not true is outside. */
  readonly where: string;
  /**
   * What becomes of the record when its row leaves the filter. `delete`: it is deleted, as if the row were, and comes back
   * with the row. `ignore`: it stays as it is until the row comes back.
   */
  readonly leaving: 'delete' | 'ignore';
}

export interface FieldMapping {
  /** API name of the Salesforce field. */
  readonly field: string;
  readonly column: string;
  readonly type: FieldType;
  readonly direction: Direction;
  readonly policy: ConflictPolicy;
  /** The sobject that a lookup points to; set for references only. */
  readonly references: string | undefined;
}

export interface ObjectMapping {
  /** API name of the sobject. */
  readonly object: string;
  readonly schema: string;
  readonly table: string;
  /** The primary key column; its text output is the row key. */
  readonly keyColumn: string;
  readonly salesforceIdColumn: string;
  /** Tells when the row was edited, for the policy `latest`. */
  readonly updatedAtColumn: string | undefined;
  readonly deleteRow: DeleteRow;
  readonly deleteRecord: DeleteRecord;
  /** A row in which it is not null counts as gone; set for `soft` only. */
  readonly deletedAtColumn: string | undefined;
  readonly delivery: Delivery;
  readonly blankCells: BlankCells;
  /** undefined: all rows go to Salesforce. */
  readonly filter: RowFilter | undefined;
  /** undefined: every delete is sent. */
  readonly deleteGuard: DeleteGuard | undefined;
  /** By whose value records that are new to us are matched with rows that carry no Salesforce id yet. */
  readonly matchBy: FieldMapping | undefined;
  /** The external id that holds the row key; set where new rows become records (`insert: true`). */
  readonly externalIdField: string | undefined;
  /** In the order of the configuration. */
  readonly fields: readonly FieldMapping[];
}

export interface SyncConfiguration {
  /** In the order of the configuration, which should name parents before children. */
  readonly objects: readonly ObjectMapping[];
  readonly settings: Settings;
}

const identifier = z
  .string()
  .regex(/^[a-z_][a-z0-9_$]{0,62}$/, 'must be a plain lower-case PostgreSQL identifier of at most 63 characters');
const apiName = z.string().regex(/^[A-Za-z]\w*$/, 'must be the API name of a Salesforce object or field');

const fieldSchema = z.strictObject({
  column: identifier,
  type: z.enum(['text', 'number', 'boolean', 'date', 'datetime', 'time', 'multipicklist', 'reference']),
  direction: z.enum(['both', 'to-postgres', 'to-salesforce']).default('both'),
  policy: z.enum(['salesforce', 'postgres', 'latest']).default('salesforce'),
  references: apiName.optional(),
});

const objectSchema = z.strictObject({
  table: z.string().regex(/^[a-z_][a-z0-9_$]*(\.[a-z_][a-z0-9_$]*)?$/, 'must be a table name such as public.lenders'),
  key: identifier.default('id'),
  salesforceId: identifier.default('salesforce_id'),
  updatedAt: identifier.optional(),
  deleteRow: z.enum(['delete', 'soft', 'ignore']).default('delete'),
  deleteRecord: z.enum(['recycle-bin', 'hard', 'ignore']).default('recycle-bin'),
  deletedAt: identifier.optional(),
  delivery: z.enum(['appflow', 'api']).default('appflow'),
  filter: z
    .strictObject({ where: z.string().trim().min(1), leaving: z.enum(['delete', 'ignore']).default('ignore') })
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
  /** A record that is this old and not here was missed, whatever is known of the inbound flow; in minutes. */
  sweepGraceMinutes: z.int().min(1).max(1440).default(15),
  /** How often all records are compared with all links, in hours; 0: only when somebody asks for it. */
  fullSweepEveryHours: z.int().min(0).max(8760).default(168),
});

/** What writes the stream, on the server. */
export type OutputPlugin = Settings['plugin'];

export type Settings = Readonly<z.output<typeof settingsSchema>>;

const appflowSchema = z.strictObject({
  /**
   * What AppFlow does in this org with an empty cell of its file, which nobody documents: leaves the field alone, or clears
   * it. `keep`: a field that becomes null goes through the API. docs/runbook.md says how to find out.
   */
  blankCells: z.enum(['keep', 'clear']).default('keep'),
});

const syncSchema = z.strictObject({
  objects: z.record(apiName, objectSchema),
  appflow: appflowSchema.prefault({}),
  settings: settingsSchema.prefault({}),
});

export type SyncDefinition = z.input<typeof syncSchema>;
type FieldDefinition = z.input<typeof fieldSchema>;
type FieldOptions = Partial<Pick<FieldDefinition, 'direction' | 'policy'>>;

const field =
  (type: FieldType) =>
  (column: string, options: FieldOptions = {}): FieldDefinition => ({
    column,
    type,
    ...options,
  });
export const text = field('text');
export const number = field('number');
export const boolean = field('boolean');
export const date = field('date');
export const datetime = field('datetime');
export const time = field('time');
export const multipicklist = field('multipicklist');

/** A lookup: the parent's id in Salesforce, the parent's key in Postgres. */
export function reference(column: string, references: string, options: FieldOptions = {}): FieldDefinition {
  return { column, type: 'reference', references, ...options };
}

/** Checks the definition and freezes it. Throws one ConfigurationError that lists every fault. */
export function defineSync(definition: SyncDefinition): SyncConfiguration {
  const parsed = syncSchema.safeParse(definition, { reportInput: true });
  const names = Object.keys(definition.objects ?? {});
  const blankCells = parsed.data?.appflow.blankCells ?? 'keep';
  // Objects that can be read by themselves are looked at further, also when something else is at fault.
  const objects = Object.entries(definition.objects ?? {}).flatMap(([object, each]) => {
    const readable = objectSchema.safeParse(each);
    return readable.success ? [mappingFrom(object, readable.data, blankCells)] : [];
  });
  const faults = [
    ...(parsed.error?.issues ?? []).map(schemaFault),
    ...objects.flatMap((mapping) => objectFaults(mapping, names)),
    ...objects.flatMap((mapping) => matchFaults(mapping, definition.objects[mapping.object]?.matchBy)),
    ...objects.flatMap((mapping) => insertFaults(mapping, definition.objects[mapping.object] ?? {})),
    ...sharedTables(objects),
    ...(parsed.success && names.length === 0 ? ['objects: name at least one'] : []),
  ];
  if (!parsed.success || faults.length > 0) throw faulty(faults);
  return Object.freeze({ objects: Object.freeze(objects), settings: Object.freeze(parsed.data.settings) });
}

function schemaFault({ path, message, input }: z.core.$ZodIssue): string {
  const seen = typeof input === 'object' || input === undefined ? '' : ` (is ${JSON.stringify(input)})`;
  return `${path.join('.') || 'the configuration'}: ${message}${seen}`;
}

function mappingFrom(object: string, definition: z.output<typeof objectSchema>, blankCells: BlankCells): ObjectMapping {
  const { table, key, salesforceId, updatedAt, deleteRow, deleteRecord, deletedAt, delivery } = definition;
  const { filter, deleteGuard, insert, externalId } = definition;
  const [schema, name] = table.includes('.') ? (table.split('.') as [string, string]) : ['public', table];
  const fields = Object.entries(definition.fields).map(([api, mapping]) =>
    Object.freeze({ field: api, ...mapping, references: mapping.references ?? undefined }),
  );
  return Object.freeze({
    object,
    schema,
    table: name,
    keyColumn: key,
    salesforceIdColumn: salesforceId,
    updatedAtColumn: updatedAt,
    deleteRow,
    deleteRecord,
    deletedAtColumn: deletedAt,
    delivery,
    blankCells,
    filter: filter && Object.freeze(filter),
    deleteGuard: deleteGuard === false ? undefined : Object.freeze(deleteGuard),
    matchBy: fields.find(({ field: api }) => api === definition.matchBy),
    externalIdField: insert ? externalId : undefined,
    fields: Object.freeze(fields),
  });
}

const SYSTEM_FIELDS = ['Id', 'IsDeleted', 'SystemModstamp', 'MasterRecordId'];

function objectFaults(mapping: ObjectMapping, objects: readonly string[]): string[] {
  const at = `objects.${mapping.object}`;
  const faults: string[] = [];
  if (mapping.fields.length === 0) faults.push(`${at}.fields: map at least one field`);
  const own = [mapping.keyColumn, mapping.salesforceIdColumn, mapping.deletedAtColumn ?? []].flat();
  const columns = [...own, ...mapping.fields.map(({ column }) => column)];
  for (const column of new Set(columns.filter((name, i) => columns.indexOf(name) !== i))) {
    faults.push(`${at}: column ${column} is used twice; give each field a column of its own`);
  }
  if ((mapping.deleteRow === 'soft') !== (mapping.deletedAtColumn !== undefined)) {
    faults.push(`${at}: deleteRow 'soft' goes with deletedAt, the column that it sets; name both or neither`);
  }
  if (mapping.filter?.leaving === 'delete' && (mapping.deleteRow === 'ignore' || mapping.deleteRecord === 'ignore')) {
    faults.push(
      `${at}.filter: leaving 'delete' deletes records and brings them back, which neither deleteRow nor deleteRecord 'ignore' goes with; say leaving 'ignore', or change these`,
    );
  }
  const { deleteGuard: guard } = mapping;
  if (guard !== undefined && guard.atLeast > guard.atMost) {
    faults.push(`${at}.deleteGuard: atLeast (is ${guard.atLeast}) is more than atMost (is ${guard.atMost})`);
  }
  for (const { field: api, type, policy, references } of mapping.fields) {
    const where = `${at}.fields.${api}`;
    if (policy === 'latest' && mapping.updatedAtColumn === undefined) {
      faults.push(`${where}: policy 'latest' needs updatedAt, the object's column that tells when a row was edited`);
    }
    if (SYSTEM_FIELDS.includes(api))
      faults.push(`${where}: is a system field, which sfsync reads by itself; remove it`);
    if (type === 'reference' && references === undefined)
      faults.push(`${where}: a reference names the object it points to`);
    if (type !== 'reference' && references !== undefined) faults.push(`${where}: only a reference has \`references\``);
    if (references !== undefined && !objects.includes(references)) {
      faults.push(
        `${where}: points to ${references}, which is not one of the objects; map it, or map the lookup as text`,
      );
    }
  }
  return faults;
}

/** A reference would be matched before its parents are, and a checkbox or a set tells nobody from anybody else. */
function matchFaults({ object, matchBy }: ObjectMapping, named: string | undefined): string[] {
  if (named === undefined) return [];
  const at = `objects.${object}.matchBy (is ${JSON.stringify(named)})`;
  if (matchBy === undefined) return [`${at}: is not one of the mapped fields; name one of them, or map it`];
  const { type } = matchBy;
  if (type !== 'reference' && type !== 'boolean' && type !== 'multipicklist') return [];
  return [`${at}: is a ${type}, which cannot tell records apart; name a field whose value is one record's own`];
}

/** The external id is how a record is recognised whose Salesforce id never came back, so it is nobody else's to write. */
function insertFaults(
  { object, fields }: ObjectMapping,
  given: { insert?: boolean | undefined; externalId?: string | undefined },
): string[] {
  const { insert = false, externalId } = given;
  const faults: string[] = [];
  if (insert !== (externalId !== undefined)) {
    faults.push(
      `objects.${object}: insert goes with externalId, the field that holds the row key; name both or neither`,
    );
  }
  if (externalId === undefined) return faults;
  const at = `objects.${object}.externalId (is ${JSON.stringify(externalId)})`;
  if (SYSTEM_FIELDS.includes(externalId)) faults.push(`${at}: is a system field; name an external id of your own`);
  if (fields.some(({ field: api }) => api === externalId))
    faults.push(
      `${at}: is one of the mapped fields, and holds the row key; remove it from fields, or name another one`,
    );
  return faults;
}

function sharedTables(objects: readonly ObjectMapping[]): string[] {
  const names = objects.map(({ schema, table }) => `${schema}.${table}`);
  return [...new Set(names.filter((name, i) => names.indexOf(name) !== i))].map(
    (name) => `objects: table ${name} is mapped by two objects; a table belongs to one object`,
  );
}

function faulty(faults: readonly string[]): ConfigurationError {
  const list = faults.map((fault) => `  - ${fault}`).join('\n');
  return new ConfigurationError('FAULTY_CONFIGURATION', `sync.config.ts has ${faults.length} fault(s):\n${list}`);
}

/** The mapping of an object. Throws ConfigurationError for one that is not mapped. */
export function mappingOf(configuration: SyncConfiguration, object: string): ObjectMapping {
  const mapping = configuration.objects.find((candidate) => candidate.object === object);
  if (mapping !== undefined) return mapping;
  const known = configuration.objects.map((candidate) => candidate.object).join(', ');
  throw new ConfigurationError('UNKNOWN_OBJECT', `${object} is not in sync.config.ts, which maps ${known}.`);
}

/** The fields that may be written to Salesforce. */
export function outgoingFields(mapping: ObjectMapping): readonly FieldMapping[] {
  const known = outgoing.get(mapping) ?? mapping.fields.filter(({ direction }) => direction !== 'to-postgres');
  outgoing.set(mapping, known);
  return known;
}

/** Asked for with every record. */
const outgoing = new WeakMap<ObjectMapping, readonly FieldMapping[]>();
