import { type Answer, type Call, ok, param, type Route } from '../call.ts';
import type { Org } from '../org.ts';
import { toHttpDate } from '../records/instant.ts';
import { isWritable } from '../records/sent-fields.ts';
import type { FieldDefinition, FieldType, RecordTypeInfo } from '../schema/object-definition.ts';
import type { ObjectSchema } from '../schema/org-schema.ts';
import { isFilterable } from '../soql/field-path.ts';

/** `/sobjects` and `/sobjects/X/describe`. */
export const describeRoutes: readonly Route[] = [
  { pattern: 'sobjects', kind: 'describe', methods: { GET: describeGlobal } },
  { pattern: 'sobjects/:object/describe', kind: 'describe', methods: { GET: describe } },
];

function describeGlobal(org: Org, call: Call): Answer {
  return unlessUnchanged(org, call, () => ({
    encoding: 'UTF-8',
    maxBatchSize: 200,
    sobjects: org.schema.objects.map((object) => abilities(object, call.version)),
  }));
}

function describe(org: Org, call: Call): Answer {
  const object = org.schema.object(param(call, 'object'));
  return unlessUnchanged(org, call, () => ({
    ...abilities(object, call.version),
    actionOverrides: [],
    childRelationships: object.children.map(({ child, field }) => ({
      cascadeDelete: field.cascadeDelete === true,
      childSObject: child.name,
      deprecatedAndHidden: false,
      field: field.name,
      junctionIdListNames: [],
      junctionReferenceTo: [],
      relationshipName: field.childRelationshipName ?? null,
      restrictedDelete: false,
    })),
    fields: object.visibleFields.map((field) => describeField(object, field)),
    recordTypeInfos: (object.definition.recordTypes ?? [MASTER]).map((type) => ({ ...type, urls: type.urls ?? {} })),
    supportedScopes: [{ label: 'All', name: 'everything' }],
  }));
}

const MASTER: RecordTypeInfo = {
  active: true,
  available: true,
  defaultRecordTypeMapping: true,
  developerName: 'Master',
  master: true,
  name: 'Master',
  recordTypeId: '012000000000000AAA',
};

function pointsToSeveral({ referenceTo = [] }: FieldDefinition): boolean {
  return referenceTo.length > 1;
}

/** 304 without a body when nothing changed since `If-Modified-Since`. */
function unlessUnchanged(org: Org, call: Call, body: () => object): Answer {
  const changedAt = Math.floor(org.schemaChangedAt() / 1000) * 1000;
  const headers = { 'Last-Modified': toHttpDate(changedAt) };
  const since = Date.parse(call.headers['if-modified-since'] ?? '');
  if (!Number.isNaN(since) && changedAt <= since) return { status: 304, headers };
  return { ...ok(body()), headers };
}

function abilities(object: ObjectSchema, version: string): object {
  const { name, definition } = object;
  const { writable = true, deletable = writable } = definition;
  const base = `/services/data/v${version}/sobjects/${name}`;
  return {
    activateable: false,
    associateEntityType: null,
    associateParentEntity: null,
    createable: writable,
    custom: name.endsWith('__c'),
    customSetting: false,
    deepCloneable: false,
    deletable,
    deprecatedAndHidden: false,
    feedEnabled: false,
    hasSubtypes: false,
    isInterface: false,
    isSubtype: false,
    keyPrefix: definition.keyPrefix,
    label: definition.label,
    labelPlural: definition.labelPlural,
    layoutable: true,
    mergeable: definition.mergeable === true,
    mruEnabled: true,
    name,
    queryable: true,
    replicateable: definition.replicateable !== false,
    retrieveable: true,
    searchable: true,
    triggerable: writable,
    undeletable: deletable && object.keepsDeleted,
    updateable: writable,
    urls: { sobject: base, describe: `${base}/describe`, rowTemplate: `${base}/{ID}` },
  };
}

const SOAP_TYPES: Readonly<Record<FieldType, string>> = {
  id: 'tns:ID',
  reference: 'tns:ID',
  string: 'xsd:string',
  textarea: 'xsd:string',
  phone: 'xsd:string',
  email: 'xsd:string',
  url: 'xsd:string',
  encryptedstring: 'xsd:string',
  picklist: 'xsd:string',
  multipicklist: 'xsd:string',
  boolean: 'xsd:boolean',
  int: 'xsd:int',
  double: 'xsd:double',
  currency: 'xsd:double',
  percent: 'xsd:double',
  date: 'xsd:date',
  datetime: 'xsd:dateTime',
  time: 'xsd:time',
  combobox: 'xsd:string',
  base64: 'xsd:base64Binary',
  location: 'urn:location',
  address: 'urn:address',
};

/** What a describe says about null: of itself, only a field that the platform does not fill may be empty. */
export function isNillable({ type, nillable, required, defaultedOnCreate }: FieldDefinition): boolean {
  return nillable ?? (type !== 'boolean' && required !== true && defaultedOnCreate !== true);
}

function describeField(object: ObjectSchema, field: FieldDefinition): object {
  const writable = isWritable(field) && (object.definition.writable ?? true);
  const defaulted = field.defaultedOnCreate === true || field.defaultValue !== undefined;
  const length = field.length ?? 0;
  return {
    aggregatable: isFilterable(field),
    aiPredictionField: false,
    autoNumber: field.autoNumber === true,
    byteLength: length * 3,
    calculated: field.calculated === true,
    calculatedFormula: field.formula ?? null,
    cascadeDelete: field.cascadeDelete === true,
    caseSensitive: field.caseSensitive === true,
    compoundFieldName: field.compoundFieldName ?? null,
    controllerName: null,
    createable: writable,
    custom: field.name.endsWith('__c'),
    defaultValue: field.defaultValue ?? null,
    defaultValueFormula: null,
    defaultedOnCreate: defaulted,
    dependentPicklist: false,
    deprecatedAndHidden: false,
    digits: field.type === 'int' ? (field.precision ?? 0) : 0,
    displayLocationInDecimal: false,
    encrypted: field.type === 'encryptedstring',
    externalId: field.externalId === true,
    extraTypeInfo: field.type === 'textarea' ? (field.htmlFormatted === true ? 'richtextarea' : 'plaintextarea') : null,
    filterable: isFilterable(field),
    filteredLookupInfo: null,
    formulaTreatNullNumberAsZero: false,
    groupable:
      isFilterable(field) && !['datetime', 'multipicklist', 'double', 'currency', 'percent'].includes(field.type),
    highScaleNumber: false,
    htmlFormatted: field.htmlFormatted === true,
    idLookup: field.type === 'id' || field.externalId === true,
    inlineHelpText: null,
    label: field.label,
    length,
    mask: field.type === 'encryptedstring' ? '*' : null,
    maskType: field.type === 'encryptedstring' ? 'lastFour' : null,
    name: field.name,
    nameField: field.nameField === true,
    namePointing: pointsToSeveral(field),
    nillable: isNillable(field),
    permissionable: writable && field.required !== true,
    picklistValues: (field.values ?? []).map((value) => ({
      active: true,
      defaultValue: value === field.defaultValue,
      label: value,
      validFor: null,
      value,
    })),
    polymorphicForeignKey: pointsToSeveral(field),
    precision: field.type === 'int' ? 0 : (field.precision ?? 0),
    queryByDistance: false,
    referenceTargetField: null,
    referenceTo: field.referenceTo ?? [],
    relationshipName: field.relationshipName ?? null,
    relationshipOrder: null,
    restrictedDelete: false,
    restrictedPicklist: field.restricted === true,
    scale: field.scale ?? 0,
    searchPrefilterable: false,
    soapType: SOAP_TYPES[field.type],
    sortable: isFilterable(field) && field.type !== 'multipicklist',
    type: field.type,
    unique: field.unique === true,
    updateable: writable,
    writeRequiresMasterRead: false,
  };
}
