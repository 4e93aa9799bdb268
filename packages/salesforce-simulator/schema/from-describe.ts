import { z } from 'zod';
import { parseFormula } from '../records/formula.ts';
import {
  CUSTOM_FIELD_TYPES,
  type FieldDefinition,
  type FieldType,
  type ObjectDefinition,
} from './object-definition.ts';
import { isSystemField, lackingIn } from './system-fields.ts';

/** Objects and fields as the simulator takes them, made from what `sobjects/<Object>/describe` answers. */

const describedField = z.looseObject({
  name: z.string(),
  label: z.string().default(''),
  type: z.string(),
  length: z.number().default(0),
  precision: z.number().default(0),
  digits: z.number().default(0),
  scale: z.number().default(0),
  nillable: z.boolean().default(true),
  createable: z.boolean().default(false),
  updateable: z.boolean().default(false),
  defaultValue: z.union([z.string(), z.number(), z.boolean(), z.null()]).default(null),
  defaultedOnCreate: z.boolean().default(false),
  picklistValues: z
    .array(z.looseObject({ value: z.string(), active: z.boolean().default(true), defaultValue: z.boolean().nullish() }))
    .nullish(),
  restrictedPicklist: z.boolean().default(false),
  referenceTo: z.array(z.string()).nullish(),
  relationshipName: z.string().nullish(),
  cascadeDelete: z.boolean().default(false),
  externalId: z.boolean().default(false),
  unique: z.boolean().default(false),
  caseSensitive: z.boolean().default(false),
  calculated: z.boolean().default(false),
  calculatedFormula: z.string().nullish(),
  htmlFormatted: z.boolean().default(false),
  autoNumber: z.boolean().default(false),
  compoundFieldName: z.string().nullish(),
  nameField: z.boolean().default(false),
});

const recordTypeInfo = z.looseObject({
  recordTypeId: z.string(),
  name: z.string(),
  developerName: z.string().default('Master'),
  active: z.boolean().default(true),
  available: z.boolean().default(true),
  defaultRecordTypeMapping: z.boolean().default(false),
  master: z.boolean().default(false),
});

const describedObject = z.looseObject({
  name: z.string(),
  label: z.string().optional(),
  labelPlural: z.string().optional(),
  keyPrefix: z.string().length(3, 'is missing: records of this object have no ids of their own').catch(''),
  createable: z.boolean().default(true),
  updateable: z.boolean().default(true),
  deletable: z.boolean().default(true),
  replicateable: z.boolean().default(true),
  mergeable: z.boolean().default(false),
  childRelationships: z
    .array(
      z.looseObject({
        childSObject: z.string(),
        field: z.string().nullish(),
        relationshipName: z.string().nullish(),
        cascadeDelete: z.boolean().default(false),
      }),
    )
    .default([]),
  recordTypeInfos: z.array(recordTypeInfo).default([]),
  fields: z.array(describedField),
});

type DescribedField = z.output<typeof describedField>;
type DescribedObject = z.output<typeof describedObject>;

export interface DescribedOrg {
  readonly objects: readonly ObjectDefinition[];
  /** What the simulator cannot hold as it was described, one sentence each. */
  readonly notes: readonly string[];
}

/** What was given is no describe result, or no query result, of Salesforce; the message says where. */
export class DescribeFault extends Error {
  override readonly name = 'DescribeFault' as const;
}

/**
 * Objects from describe results, exactly as Salesforce returns them. What a field refers to outside of these objects, and
 * types that the simulator does not know, become text; `notes` lists them. Throws DescribeFault for what is no describe.
 */
export function objectsFromDescribes(describes: readonly unknown[]): DescribedOrg {
  const read = describes.map(readDescribe);
  const names = new Set([...read.map(({ name }) => name), 'User', 'Organization', 'RecordType']);
  const unknown = new Map<string, string[]>();
  const note = (text: string, field: string) => unknown.set(text, [...(unknown.get(text) ?? []), field]);
  const objects = read.map((object) => {
    const children = (field: string) =>
      read.flatMap(({ childRelationships }) =>
        childRelationships.filter((child) => child.childSObject === object.name && child.field === field),
      );
    const fields = object.fields
      .filter(({ name }) => !isSystemField(name))
      .map((field) => fieldOf(field, object, { names, children: children(field.name), note }));
    return objectOf(object, fields);
  });
  return { objects, notes: [...unknown].map(([text, fields]) => `${text}: ${fields.join(', ')}`) };
}

function readDescribe(content: unknown): DescribedObject {
  const { success, data, error } = describedObject.safeParse(content);
  if (!success) throw new DescribeFault(`This is no describe result of Salesforce. ${z.prettifyError(error)}`);
  if (data.keyPrefix !== '') return data;
  throw new DescribeFault(`${data.name} has no keyPrefix: its records have no ids, so the simulator cannot hold them.`);
}

function objectOf(object: DescribedObject, fields: readonly FieldDefinition[]): ObjectDefinition {
  const { name, label = name, labelPlural = label, keyPrefix, mergeable } = object;
  const owned = object.fields.some((field) => field.name === 'OwnerId');
  const writable = object.createable || object.updateable;
  const lacks = lackingIn(object.fields.map((field) => field.name));
  const recordTypes = object.recordTypeInfos;
  return {
    ...{ name, label, labelPlural, keyPrefix },
    ...(mergeable ? { mergeable } : {}),
    ...(owned ? {} : { owned }),
    ...(writable ? {} : { writable }),
    ...(object.deletable === writable ? {} : { deletable: object.deletable }),
    ...(object.replicateable ? {} : { replicateable: false }),
    ...(lacks === undefined ? {} : { lacks }),
    ...(recordTypes.some(({ master }) => !master) ? { recordTypes } : {}),
    fields,
  };
}

interface Surroundings {
  /** Objects that the org has. */
  readonly names: ReadonlySet<string>;
  /** The field's relationships, as its parents describe them. */
  readonly children: DescribedObject['childRelationships'];
  readonly note: (text: string, field: string) => void;
}

function fieldOf(field: DescribedField, object: DescribedObject, surroundings: Surroundings): FieldDefinition {
  const {
    name,
    label,
    nillable,
    calculated,
    calculatedFormula,
    htmlFormatted,
    autoNumber,
    externalId,
    unique,
    caseSensitive,
    nameField,
  } = field;
  const compoundFieldName = field.compoundFieldName ?? undefined;
  const type = typeOf(field, object, surroundings);
  const readOnly = !field.createable && !field.updateable;
  const defaultValue = defaultOf(field);
  if (calculated && (calculatedFormula == null || parseFormula(calculatedFormula) === undefined)) {
    surroundings.note('formulas and roll-ups that are not evaluated are empty', `${object.name}.${name}`);
  }
  const defaultedOnCreate = field.defaultedOnCreate && defaultValue === undefined;
  const required = !nillable && !field.defaultedOnCreate && !readOnly && type !== 'boolean';
  const definition: FieldDefinition = {
    ...{ name, label: label || name, type },
    ...sizeOf(field, type),
    ...choicesOf(field, type),
    ...(type === 'reference' ? relationshipOf(field, surroundings) : {}),
    ...(COMPOUND.has(type) ? { parts: partsOf(name, object.fields) } : {}),
    ...flags({
      required,
      defaultedOnCreate,
      externalId,
      unique,
      caseSensitive,
      calculated,
      autoNumber,
      nameField,
      htmlFormatted,
    }),
    ...(calculated && calculatedFormula ? { formula: calculatedFormula } : {}),
    ...(readOnly && !calculated ? { readOnly } : {}),
    ...(defaultValue === undefined ? {} : { defaultValue }),
    ...(compoundFieldName === undefined ? {} : { compoundFieldName }),
  };
  const expected = type !== 'boolean' && !required && !defaultedOnCreate;
  return nillable === expected ? definition : { ...definition, nillable };
}

/** Put together of their parts, which are fields of their own. */
const COMPOUND: ReadonlySet<string> = new Set(['address', 'location']);

function typeOf(field: DescribedField, object: DescribedObject, { names, note }: Surroundings): FieldType {
  const full = `${object.name}.${field.name}`;
  const hasParts = COMPOUND.has(field.type) && Object.keys(partsOf(field.name, object.fields)).length > 0;
  if (hasParts) return field.type as 'address' | 'location';
  if (field.type === 'reference' && !(field.referenceTo ?? []).some((target) => names.has(target))) {
    note('fields that refer to objects without a describe are text', full);
    return 'string';
  }
  const known = CUSTOM_FIELD_TYPES.find((type) => type === field.type);
  if (known === undefined) note(`fields of type ${field.type} are text`, full);
  return known ?? 'string';
}

const NUMBERS: ReadonlySet<FieldType> = new Set(['double', 'currency', 'percent']);

function sizeOf({ length, precision, digits, scale }: DescribedField, type: FieldType): Partial<FieldDefinition> {
  // Long integers have no digits in a describe.
  if (type === 'int') return { precision: digits || 18, scale: 0 };
  if (NUMBERS.has(type)) return { precision: precision || 18, scale };
  if (type === 'reference') return { length: 18 };
  return length > 0 ? { length } : {};
}

function choicesOf({ picklistValues, restrictedPicklist }: DescribedField, type: FieldType): Partial<FieldDefinition> {
  if (type !== 'picklist' && type !== 'multipicklist') return {};
  const values = (picklistValues ?? []).filter(({ active }) => active).map(({ value }) => value);
  return { values, ...flags({ restricted: restrictedPicklist }) };
}

function relationshipOf(field: DescribedField, { names, children }: Surroundings): Partial<FieldDefinition> {
  const relationshipName = field.relationshipName ?? undefined;
  const childRelationshipName = children.find((child) => child.relationshipName != null)?.relationshipName ?? undefined;
  return {
    referenceTo: (field.referenceTo ?? []).filter((target) => names.has(target)),
    ...(relationshipName === undefined ? {} : { relationshipName }),
    ...(childRelationshipName === undefined ? {} : { childRelationshipName }),
    ...flags({ cascadeDelete: field.cascadeDelete || children.some(({ cascadeDelete }) => cascadeDelete) }),
  };
}

/** `BillingStreet` of `BillingAddress` is its `street`; of a custom address `Home__c` it is `Home__Street__s`. */
function partsOf(compound: string, fields: readonly DescribedField[]): Readonly<Record<string, string>> {
  const prefix = compound.replace(/(Address|__c)$/, '');
  return Object.fromEntries(
    fields
      .filter(({ compoundFieldName, name }) => compoundFieldName === compound && name.startsWith(prefix))
      .map(({ name }) => name)
      .map((name) => [lowerFirst(name.slice(prefix.length).replace(/^__|__s$/g, '')), name]),
  );
}

function defaultOf({ type, defaultValue, picklistValues }: DescribedField): FieldDefinition['defaultValue'] {
  if (defaultValue !== null) return type === 'boolean' ? String(defaultValue) === 'true' : defaultValue;
  return (picklistValues ?? []).find((choice) => choice.active && choice.defaultValue === true)?.value;
}

/** Only what is so: a definition leaves out the rest. */
function flags<Name extends string>(values: Readonly<Record<Name, boolean>>): Partial<Record<Name, true>> {
  return Object.fromEntries(Object.entries(values).filter(([, on]) => on)) as Partial<Record<Name, true>>;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
