import type { Org, Writer } from '../org.ts';
import { parseId } from '../records/record-id.ts';
import { deleteRecord } from '../records/recycle-bin.ts';
import { type RowResult, type RowWork, runRows } from '../records/row-batch.ts';
import { createRecord, idOf, updateRecord } from '../records/save.ts';
import { upsertRecord } from '../records/upsert.ts';
import type { ObjectSchema } from '../schema/org-schema.ts';
import { CsvError, readCell } from './bulk-csv.ts';
import type { Job, JobResult } from './job-store.ts';

/** What a job does with its rows, checked against the header. */
export interface IngestPlan {
  readonly object: ObjectSchema;
  readonly run: (org: Org, writer: Writer, rows: readonly (readonly string[])[], firstRow: number) => JobResult[];
}

type Fields = Record<string, unknown>;

/** Reads the header. Throws CsvError when a column is unknown or missing: then no row is worked on. */
export function ingestPlan(org: Org, job: Job, header: readonly string[]): IngestPlan {
  const object = org.schema.object(job.object);
  const lower = header.map((name) => name.toLowerCase());
  const unknown = header.find((name) => !isColumn(object, name));
  if (unknown !== undefined) throw new CsvError(`InvalidBatch : Field name not found : ${unknown}`);
  if (new Set(lower).size < lower.length) throw new CsvError('InvalidBatch : a field name occurs twice');
  const deletes = job.operation === 'delete' || job.operation === 'hardDelete';
  if (deletes && (header.length !== 1 || lower[0] !== 'id'))
    throw new CsvError(`InvalidBatch : '${job.operation}' batch must contain only ids`);
  if (job.operation === 'update' && !lower.includes('id'))
    throw new CsvError('InvalidBatch : Field name not found : Id');
  const run: IngestPlan['run'] = (org_, writer, rows, firstRow) => {
    const batch = rows.map((row) => fieldsOf(object, header, row));
    const work = batch.map(
      (fields): RowWork => ({ object: object.name, run: () => carryOut(org_, writer, job, object, fields, batch) }),
    );
    const results = runRows(org_, writer, work, false, { parserErrorsPerRow: true });
    return results.map((result, i) => jobResult(result, object, batch[i] ?? {}, firstRow + i));
  };
  return { object, run };
}

function isColumn(object: ObjectSchema, name: string): boolean {
  const [relationship, ...rest] = name.split('.');
  return rest.length > 0 ? object.relationship(relationship ?? '') !== undefined : object.field(name) !== undefined;
}

function fieldsOf(object: ObjectSchema, header: readonly string[], row: readonly string[]): Fields {
  const fields: Fields = {};
  header.forEach((name, i) => {
    const value = readCell(row[i] ?? '', object.field(name));
    const [relationship = '', external] = name.split('.');
    if (value === undefined) return;
    if (external === undefined) fields[name] = value;
    else fields[relationship] = { [external]: value };
  });
  return fields;
}

function carryOut(
  org: Org,
  writer: Writer,
  job: Job,
  object: ObjectSchema,
  fields: Fields,
  batch: readonly Fields[],
): { readonly id: string; readonly created?: boolean } {
  const { id: given, rest } = splitId(fields);
  if (job.operation === 'insert') return { id: createRecord(org, writer, object, fields), created: true };
  if (job.operation === 'upsert' && job.externalIdFieldName?.toLowerCase() !== 'id') {
    const external = object.field(job.externalIdFieldName ?? '');
    if (external === undefined) throw new Error(`job ${job.id} lost its external id field`);
    return upsertRecord(org, writer, object, external, fields, batch);
  }
  if (job.operation === 'upsert' && given === undefined)
    return { id: createRecord(org, writer, object, rest), created: true };
  const id = idOf(object, given);
  if (job.operation === 'delete' || job.operation === 'hardDelete')
    deleteRecord(org, writer, object, id, { hard: job.operation === 'hardDelete' });
  else updateRecord(org, writer, object, id, rest);
  return { id, created: false };
}

function splitId(fields: Fields): { readonly id: unknown; readonly rest: Fields } {
  const entries = Object.entries(fields);
  const isId = ([name]: [string, unknown]) => name.toLowerCase() === 'id';
  return { id: entries.find(isId)?.[1], rest: Object.fromEntries(entries.filter((entry) => !isId(entry))) };
}

function jobResult(result: RowResult, object: ObjectSchema, fields: Fields, row: number): JobResult {
  const [error] = result.errors;
  const id = result.id ?? parseId(String(splitId(fields).id ?? '')) ?? '';
  if (error === undefined) return { row, id, created: result.created === true, error: undefined };
  // Bulk has its own word for a cell that does not fit its column.
  const badCell = error.statusCode === 'JSON_PARSER_ERROR';
  const code = badCell ? 'INVALID_TYPE_ON_FIELD_IN_RECORD' : error.statusCode;
  const message = badCell ? `${object.name}: value not of required type: ${error.message}` : error.message;
  return { row, id, created: false, error: `${code}:${message}:${error.fields.join(',')}--` };
}
