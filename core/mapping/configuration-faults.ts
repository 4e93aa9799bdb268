/** What is wrong with a configuration; each fault says what to change. */
import type { z } from 'zod';
import { betweenFaults } from './between-faults.ts';
import type { ObjectMapping, SyncDefinition } from './configuration.ts';
import { keyFaults } from './key-faults.ts';
import { lookupFaults } from './lookup-faults.ts';
import { storedFields } from './lookups.ts';
import { readOnlyFaults } from './read-only-faults.ts';
import { sharedTableFaults } from './shared-tables.ts';

const SYSTEM_FIELDS = ['Id', 'IsDeleted', 'SystemModstamp', 'MasterRecordId'];

/** Every fault. `issues`: of its shape; `objects`: those whose shape is right. */
export function configurationFaults(
  definition: SyncDefinition,
  issues: readonly z.core.$ZodIssue[],
  objects: readonly ObjectMapping[],
): string[] {
  const names = Object.keys(definition.objects ?? {});
  return [
    ...issues.map(schemaFault),
    ...objects.flatMap((mapping) => objectFaults(mapping, names)),
    ...objects.flatMap((mapping) => keyFaults(mapping, objects)),
    ...objects.flatMap((mapping) => readOnlyFaults(mapping, definition.objects[mapping.object])),
    ...objects.flatMap((mapping) => betweenFaults(mapping, definition.objects[mapping.object])),
    ...objects.flatMap((mapping) => matchFaults(mapping, definition.objects[mapping.object]?.matchBy)),
    ...objects.flatMap((mapping) => insertFaults(mapping, definition.objects[mapping.object] ?? {})),
    ...objects.flatMap((mapping) => zoneFaults(mapping, definition.objects[mapping.object])),
    ...sharedTableFaults(objects),
    ...(issues.length === 0 && names.length === 0 ? ['objects: name at least one'] : []),
  ];
}

function schemaFault({ path, message, input }: z.core.$ZodIssue): string {
  const seen = typeof input === 'object' || input === undefined ? '' : ` (is ${JSON.stringify(input)})`;
  return `${path.join('.') || 'the configuration'}: ${message}${seen}`;
}

function objectFaults(mapping: ObjectMapping, objects: readonly string[]): string[] {
  const at = `objects.${mapping.object}`;
  const faults: string[] = [];
  if (mapping.fields.length === 0) faults.push(`${at}.fields: map at least one field`);
  const own = [mapping.salesforceIdColumn, mapping.deletedAtColumn ?? []].flat();
  const columns = [...own, ...storedFields(mapping).map(({ column }) => column)];
  for (const column of new Set(columns.filter((name, i) => columns.indexOf(name) !== i))) {
    faults.push(`${at}: column ${column} is used twice; give each field a column of its own`);
  }
  faults.push(...filledFaults(mapping).map((fault) => `${at}${fault}`));
  if ((mapping.deleteRow === 'soft') !== (mapping.deletedAtColumn !== undefined)) {
    faults.push(`${at}: deleteRow 'soft' goes with deletedAt, the column that it sets; name both or neither`);
  }
  const isSent = mapping.direction === 'both';
  if (
    isSent &&
    mapping.filter?.leaving === 'delete' &&
    (mapping.deleteRow === 'ignore' || mapping.deleteRecord === 'ignore')
  ) {
    faults.push(
      `${at}.filter: leaving 'delete' deletes records and brings them back, which neither deleteRow nor deleteRecord 'ignore' goes with; say leaving 'ignore', or change these`,
    );
  }
  const { deleteGuard: guard } = mapping;
  if (guard !== undefined && guard.atLeast > guard.atMost) {
    faults.push(`${at}.deleteGuard: atLeast (is ${guard.atLeast}) is more than atMost (is ${guard.atMost})`);
  }
  for (const field of mapping.fields) {
    const where = `${at}.fields.${field.field}`;
    if (field.policy === 'latest' && mapping.updatedAtColumn === undefined) {
      faults.push(`${where}: policy 'latest' needs updatedAt, the object's column that says when a row was edited`);
    }
    if (SYSTEM_FIELDS.includes(field.field))
      faults.push(`${where}: is a system field, which sfsync reads by itself; remove it`);
    faults.push(...lookupFaults(field, objects).map((fault) => `${where}: ${fault}`));
  }
  return faults;
}

/** What is wrong with the columns that sfsync fills by itself. */
function filledFaults(mapping: ObjectMapping): string[] {
  const { keyColumns, salesforceIdColumn, deletedAtColumn, touchColumn, createdAtColumn, onInsert } = mapping;
  const { lockVersionColumn } = mapping;
  const faults: string[] = [];
  const fields = storedFields(mapping);
  const of = (column: string) => fields.find((field) => field.column === column);
  const taken = new Set([
    salesforceIdColumn,
    deletedAtColumn,
    ...fields.flatMap((each) => (each.direction === 'to-salesforce' ? [] : each.column)),
  ]);
  if (touchColumn !== undefined && (of(touchColumn) !== undefined || [...keyColumns, ...taken].includes(touchColumn))) {
    faults.push(`.touch: column ${touchColumn} is used otherwise; every write of sfsync would be an edit of it`);
  }
  if (createdAtColumn !== undefined && [...keyColumns, ...taken, touchColumn].includes(createdAtColumn)) {
    faults.push(`.createdAt: column ${createdAtColumn} is used otherwise; name a column that nothing else fills`);
  }
  const others = [...keyColumns, ...taken, touchColumn, createdAtColumn, mapping.updatedAtColumn];
  if (lockVersionColumn !== undefined && (of(lockVersionColumn) !== undefined || others.includes(lockVersionColumn))) {
    faults.push(`.lockVersion: column ${lockVersionColumn} is used otherwise; name a column that nothing else fills`);
  }
  for (const column of Object.keys(mapping.filter?.values ?? {})) {
    const isFilled = [
      touchColumn,
      createdAtColumn,
      lockVersionColumn,
      ...onInsert.map((given) => given.column),
    ].includes(column);
    if ((keyColumns.length === 1 && keyColumns.includes(column)) || taken.has(column) || isFilled) {
      faults.push(`.filter.values.${column}: is filled already; name a column that nothing else fills`);
    }
  }
  for (const given of onInsert) {
    const { column } = given;
    if (taken.has(column) || column === touchColumn || column === createdAtColumn || column === lockVersionColumn) {
      faults.push(`.onInsert.${column}: is filled already; remove it`);
    }
  }
  return faults;
}

/** A zone says nothing of a field whose column holds no points in time. */
function zoneFaults({ object, fields }: ObjectMapping, given: SyncDefinition['objects'][string] | undefined): string[] {
  return fields.flatMap(({ field: api, type: { name } }) => {
    const { zone, dayIn, convert } = given?.fields[api] ?? {};
    const at = `objects.${object}.fields.${api}`;
    return [
      ...(convert !== undefined && (zone ?? dayIn) !== undefined
        ? [`${at}.convert: reads the text of the column itself; remove ${zone === undefined ? 'dayIn' : 'zone'}`]
        : []),
      ...(dayIn !== undefined && name !== 'date' ? [`${at}.dayIn: is for dates; remove it`] : []),
      ...(zone !== undefined && name === 'date' && dayIn === undefined
        ? [`${at}.zone: a date of a column with points in time needs dayIn, too, the zone in which its day counts`]
        : []),
      ...(zone !== undefined && name !== 'date' && name !== 'datetime'
        ? [`${at}.zone: is for datetimes, and for dates with dayIn; remove it`]
        : []),
    ];
  });
}

function matchFaults({ object, matchBy }: ObjectMapping, named: string | undefined): string[] {
  if (named === undefined) return [];
  const at = `objects.${object}.matchBy (is ${JSON.stringify(named)})`;
  if (matchBy === undefined) return [`${at}: is not one of the mapped fields; name one of them, or map it`];
  const { matching, meaning } = matchBy.type;
  if (matching !== undefined) return [];
  if (meaning !== undefined) {
    const option = Object.keys(meaning).join(', ');
    return [
      `${at}: has ${option}, which the database does not know, so it finds no row by a value; name a field without`,
    ];
  }
  return [
    `${at}: is a ${matchBy.type.name}, which cannot distinguish records; name a field whose value is one record's own`,
  ];
}

/** By the external id a record is recognised whose Salesforce id never came back, so nothing else may write it. */
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
