import type { FieldDefinition, ObjectDefinition } from './object-definition.ts';
import { datetime, lookup } from './object-definition.ts';

const readOnly = { readOnly: true, defaultedOnCreate: true } as const;

const ID: FieldDefinition = { name: 'Id', label: 'Record ID', type: 'id', length: 18, ...readOnly };
const IS_DELETED: FieldDefinition = {
  name: 'IsDeleted',
  label: 'Deleted',
  type: 'boolean',
  defaultValue: false,
  ...readOnly,
};

const AUDIT: readonly FieldDefinition[] = [
  datetime('CreatedDate', 'Created Date', readOnly),
  lookup('CreatedById', 'Created By ID', 'User', 'CreatedBy', readOnly),
  datetime('LastModifiedDate', 'Last Modified Date', readOnly),
  lookup('LastModifiedById', 'Last Modified By ID', 'User', 'LastModifiedBy', readOnly),
  datetime('SystemModstamp', 'System Modstamp', readOnly),
];

/** Whether the schema adds the field by itself. */
export function isSystemField(name: string): boolean {
  const added = [ID, IS_DELETED, ...AUDIT].map((field) => field.name);
  return [...added, 'MasterRecordId', 'OwnerId'].includes(name);
}

/** All fields of an object in the order of a describe: id first, then its own, then what the platform keeps. */
export function withSystemFields(object: ObjectDefinition): readonly FieldDefinition[] {
  const master = lookup('MasterRecordId', 'Master Record ID', object.name, 'MasterRecord', { readOnly: true });
  const owner = lookup('OwnerId', 'Owner ID', 'User', 'Owner', { required: true, defaultedOnCreate: true });
  const lacks = object.lacks ?? (object.writable === false ? ['IsDeleted'] : []);
  return [
    ID,
    IS_DELETED,
    ...(object.mergeable === true ? [master] : []),
    ...object.fields,
    ...((object.owned ?? true) ? [owner] : []),
    ...AUDIT,
  ].filter(({ name }) => !lacks.includes(name));
}

/** System fields that a describe shows the object not to have. undefined: it shows none at all, and so is no whole one. */
export function lackingIn(names: readonly string[]): readonly string[] | undefined {
  const kept = [IS_DELETED, ...AUDIT].map(({ name }) => name);
  return kept.some((name) => names.includes(name)) ? kept.filter((name) => !names.includes(name)) : undefined;
}
