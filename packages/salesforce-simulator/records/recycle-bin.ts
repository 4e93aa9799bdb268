import type { Org, Writer } from '../org.ts';
import { SalesforceError } from '../salesforce-error.ts';
import type { FieldValue, FieldValues } from '../schema/object-definition.ts';
import type { ObjectSchema } from '../schema/org-schema.ts';
import { toDatetime } from './instant.ts';
import { checkNotOfPerson, OWN_CONTACT } from './person-accounts.ts';
import { checkRowFaults } from './row-faults.ts';
import { checkUnique, checkWritable, existing, modified } from './save.ts';
import { type ClearedLookup, isLive, type StoredRecord } from './stored-record.ts';

/**
 * Deletes one record with all that cascades from it. Lookups of other records to it are cleared and remembered.
 * Throws SalesforceError (ENTITY_IS_DELETED when it already is). Call inside a unit of work.
 */
export function deleteRecord(
  org: Org,
  writer: Writer,
  object: ObjectSchema,
  id: string,
  options: { hard?: boolean; masterRecordId?: string } = {},
): void {
  checkWritable(object, 'delete');
  const record = existing(org, object, id);
  checkNotOfPerson(org, record);
  remove(org, writer, object, record, id, options);
}

function remove(
  org: Org,
  writer: Writer,
  object: ObjectSchema,
  record: StoredRecord,
  root: string,
  options: { hard?: boolean; masterRecordId?: string },
): void {
  checkRowFaults(org, writer, object, record.id);
  const clearedLookups: ClearedLookup[] = [];
  for (const { child, field } of object.children) {
    // The contact of a person account goes with it, and stays its contact.
    if (!org.records.table(child.name).isIndexed(field.name) || field.name === OWN_CONTACT) continue;
    for (const pointing of org.records.table(child.name).findBy(field.name, record.id)) {
      const now = org.records.get(pointing.id);
      if (!isLive(now) || now.id === record.id) continue;
      if (field.cascadeDelete === true)
        remove(org, writer, child, now, root, options.hard === true ? { hard: true } : {});
      else {
        clearedLookups.push({ id: now.id, field: field.name });
        follow(org, writer, now, { [field.name]: null });
      }
    }
  }
  const hard = options.hard === true || !object.keepsDeleted;
  const master = options.masterRecordId === undefined ? {} : { MasterRecordId: options.masterRecordId };
  org.records.put({
    ...record,
    values: { ...record.values, ...deletionStamps(org, writer), ...master, IsDeleted: true },
    bin: { deletedAt: org.now(), deletedWith: root, emptied: hard, clearedLookups },
  });
  const kind = hard ? 'hardDelete' : 'delete';
  const cascade = record.id !== root || options.masterRecordId !== undefined;
  org.records.note({
    object: object.name,
    id: record.id,
    kind,
    cascade,
    fields: [],
    unchanged: false,
    client: writer.client,
  });
  const gone = object.keepsDeleted ? undefined : org.records.get(record.id);
  if (gone !== undefined) org.records.purge(gone);
}

function deletionStamps(org: Org, writer: Writer): FieldValues {
  return org.faults.isOn('keepStampOnDelete') ? {} : modified(writer, toDatetime(org.now()));
}

/** A change that follows from another record's: it moves no stamp unless this org is set to do so. */
export function follow(
  org: Org,
  writer: Writer,
  record: StoredRecord,
  change: Readonly<Record<string, FieldValue>>,
): void {
  const stamps = org.faults.isOn('stampFollowers') ? modified(writer, toDatetime(org.now())) : {};
  org.records.put({ ...record, values: { ...record.values, ...change, ...stamps } });
  org.records.note({
    object: record.object,
    id: record.id,
    kind: 'update',
    cascade: true,
    fields: Object.keys(change),
    unchanged: false,
    client: writer.client,
  });
}

/** Restores one record and what was deleted with it. Throws UNDELETE_FAILED when it is not in the bin by itself. */
export function undeleteRecord(org: Org, writer: Writer, id: string): void {
  const record = org.records.get(id);
  if (record?.bin === undefined || record.bin.emptied || record.bin.deletedWith !== id)
    throw new SalesforceError('UNDELETE_FAILED', 'Entity is not in the recycle bin');
  const together = deletedTogether(org, record, id);
  for (const deleted of together) restore(org, writer, deleted, id);
  for (const { bin, id: restored } of together)
    for (const cleared of bin?.clearedLookups ?? []) {
      const pointing = org.records.get(cleared.id);
      if (isLive(pointing) && pointing.values[cleared.field] === null)
        follow(org, writer, pointing, { [cleared.field]: restored });
    }
}

function restore(org: Org, writer: Writer, record: StoredRecord, root: string): void {
  const object = org.schema.object(record.object);
  checkRowFaults(org, writer, object, record.id);
  const values: Record<string, FieldValue> = { ...record.values, ...deletionStamps(org, writer), IsDeleted: false };
  if ('MasterRecordId' in values) values.MasterRecordId = null;
  for (const field of object.fields) {
    if (field.type !== 'reference' || (values[field.name] ?? null) === null) continue;
    const target = org.records.get(String(values[field.name]));
    const stays = target !== undefined && (target.bin === undefined || target.bin.deletedWith === root);
    if (!stays) values[field.name] = null;
  }
  checkUnique(org, object, record.id, values);
  org.records.put({ object: record.object, id: record.id, values });
  const cascade = record.id !== root;
  org.records.note({
    object: object.name,
    id: record.id,
    kind: 'undelete',
    cascade,
    fields: [],
    unchanged: false,
    client: writer.client,
  });
}

/** What was deleted together with a record, itself first, parents before their children. */
function deletedTogether(org: Org, record: StoredRecord, root: string): StoredRecord[] {
  const children = org.schema
    .object(record.object)
    .children.filter(({ field }) => field.cascadeDelete === true)
    .flatMap(({ child, field }) => org.records.table(child.name).findBy(field.name, record.id))
    .filter((r) => r.bin !== undefined && r.bin.deletedWith === root && r.id !== root);
  return [record, ...children.flatMap((child) => deletedTogether(org, child, root))];
}

/**
 * Takes a record, and what was deleted with it, out of the bin: gone for clients except queryAll. What was deleted with
 * another record has no place there of its own, and may not be named (SOAP API Developer Guide, emptyRecycleBin).
 */
export function emptyFromBin(org: Org, writer: Writer, id: string): void {
  const record = org.records.get(id);
  if (record !== undefined) checkRowFaults(org, writer, org.schema.object(record.object), id);
  if (record?.bin === undefined || record.bin.emptied || record.bin.deletedWith !== id)
    throw new SalesforceError('INVALID_ID_FIELD', `entity is not in the recycle bin: ${id}`);
  for (const deleted of deletedTogether(org, record, record.bin.deletedWith)) markEmptied(org, deleted);
  org.records.note({
    object: record.object,
    id,
    kind: 'hardDelete',
    cascade: false,
    fields: [],
    unchanged: false,
    client: writer.client,
  });
}

function markEmptied(org: Org, record: StoredRecord): void {
  if (record.bin !== undefined) org.records.put({ ...record, bin: { ...record.bin, emptied: true } });
}

/** Removes deleted records for good: not even queryAll shows them any more. Answers how many. */
export function purge(
  org: Org,
  which: { object?: string | undefined; ids?: readonly string[] | undefined; deletedBefore: number },
): number {
  const object = which.object?.toLowerCase();
  const doomed = org.schema.objects
    .filter(({ name }) => object === undefined || name.toLowerCase() === object)
    .flatMap(({ name }) => org.records.table(name).all())
    .filter((r) => r.bin !== undefined && r.bin.deletedAt <= which.deletedBefore)
    .filter((r) => which.ids === undefined || which.ids.includes(r.id) || which.ids.includes(r.id.slice(0, 15)));
  if (doomed.length > 0)
    org.records.unitOfWork(() => {
      for (const record of doomed) org.records.purge(record);
    });
  return doomed.length;
}
