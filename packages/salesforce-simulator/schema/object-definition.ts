/** How an org is described to the simulator: objects and their fields, with the attributes of a Salesforce describe. */

/** A stored value: datetimes as `2024-04-16T19:00:00.000+0000`, dates as `2024-04-16`, multipicklists as `a;b`. */
export type FieldValue = string | number | boolean | null;
export type FieldValues = Readonly<Record<string, FieldValue>>;

/** Types that an administrator can give a field. */
export const CUSTOM_FIELD_TYPES = [
  'reference',
  'string',
  'textarea',
  'phone',
  'email',
  'url',
  'picklist',
  'multipicklist',
  'boolean',
  'int',
  'double',
  'currency',
  'percent',
  'date',
  'datetime',
  'time',
  'combobox',
  'base64',
  'encryptedstring',
] as const;

export type FieldType = (typeof CUSTOM_FIELD_TYPES)[number] | 'id' | 'address' | 'location';

export interface FieldDefinition {
  readonly name: string;
  readonly label: string;
  readonly type: FieldType;
  /** Characters, of text-like types. */
  readonly length?: number;
  /** All digits of a number, those right of the point included. */
  readonly precision?: number;
  readonly scale?: number;
  /** Picklist values in the order of their creation; value and label are the same. */
  readonly values?: readonly string[];
  /** Only `values` are accepted. */
  readonly restricted?: boolean;
  /** Not nillable and without default: a create must give it, an update must not clear it. */
  readonly required?: boolean;
  /** Taken when a create leaves the field out. */
  readonly defaultValue?: FieldValue;
  /** The platform fills it on create (owner, stage's probability), so a create need not. */
  readonly defaultedOnCreate?: boolean;
  /** Whether null is allowed, where neither `required` nor `defaultedOnCreate` says so. */
  readonly nillable?: boolean;
  /** The platform numbers new records in this field. */
  readonly autoNumber?: boolean;
  /** Objects that the lookup may point to. */
  readonly referenceTo?: readonly string[];
  /** Name of the way from child to parent in SOQL (`Account` for `AccountId`). */
  readonly relationshipName?: string;
  /** Name of the way from parent to children (`Contacts`). */
  readonly childRelationshipName?: string;
  /** Deleting the parent deletes the child. */
  readonly cascadeDelete?: boolean;
  readonly externalId?: boolean;
  readonly unique?: boolean;
  /** Unique or external id values compare with case. */
  readonly caseSensitive?: boolean;
  /** Formula: neither createable nor updateable. */
  readonly calculated?: boolean;
  /** As the administrator wrote it; what of it is evaluated, records/formula.ts says. */
  readonly formula?: string;
  /** A rich text area: HTML, cleaned when it is saved. */
  readonly htmlFormatted?: boolean;
  /** Set by the platform only: neither createable nor updateable. */
  readonly readOnly?: boolean;
  /** Compound field: its parts by their key in JSON. Read-only, computed when read. */
  readonly parts?: Readonly<Record<string, string>>;
  /** The compound field that this one is a part of. */
  readonly compoundFieldName?: string;
  readonly nameField?: boolean;
}

/** A record type as a describe lists it; the master stands for none. */
export interface RecordTypeInfo {
  readonly recordTypeId: string;
  readonly name: string;
  readonly developerName: string;
  readonly active: boolean;
  readonly available: boolean;
  readonly defaultRecordTypeMapping: boolean;
  readonly master: boolean;
  readonly urls?: unknown;
}

export interface ObjectDefinition {
  readonly name: string;
  readonly label: string;
  readonly labelPlural: string;
  readonly keyPrefix: string;
  /** System fields (Id, IsDeleted, the audit fields) are added by the schema. */
  readonly fields: readonly FieldDefinition[];
  /** Records have an owner (field OwnerId is added). @default true */
  readonly owned?: boolean;
  /** Clients may create, change, delete and undelete. @default true */
  readonly writable?: boolean;
  /** Clients may delete. @default writable */
  readonly deletable?: boolean;
  /** `updated` and `deleted` answer for it. @default true */
  readonly replicateable?: boolean;
  /** System fields that it does not have. Without IsDeleted a deleted record is gone at once. @default none, or IsDeleted where clients may not write */
  readonly lacks?: readonly string[];
  /** @default the master record type alone */
  readonly recordTypes?: readonly RecordTypeInfo[];
  /** SOAP merge works (field MasterRecordId is added). @default false */
  readonly mergeable?: boolean;
}

type Options = Omit<FieldDefinition, 'name' | 'label' | 'type'>;

function field(type: FieldType, name: string, label: string, options: Options): FieldDefinition {
  return { name, label, type, ...options };
}

export const text = (name: string, label: string, length: number, options: Options = {}): FieldDefinition =>
  field('string', name, label, { length, ...options });
export const textarea = (name: string, label: string, length: number, options: Options = {}): FieldDefinition =>
  field('textarea', name, label, { length, ...options });
export const phone = (name: string, label: string, options: Options = {}): FieldDefinition =>
  field('phone', name, label, { length: 40, ...options });
export const email = (name: string, label: string, options: Options = {}): FieldDefinition =>
  field('email', name, label, { length: 80, ...options });
export const url = (name: string, label: string, options: Options = {}): FieldDefinition =>
  field('url', name, label, { length: 255, ...options });
export const checkbox = (name: string, label: string, options: Options = {}): FieldDefinition =>
  field('boolean', name, label, { defaultValue: false, ...options });
export const date = (name: string, label: string, options: Options = {}): FieldDefinition =>
  field('date', name, label, options);
export const datetime = (name: string, label: string, options: Options = {}): FieldDefinition =>
  field('datetime', name, label, options);
export const int = (name: string, label: string, digits: number, options: Options = {}): FieldDefinition =>
  field('int', name, label, { precision: digits, scale: 0, ...options });
export const picklist = (
  name: string,
  label: string,
  values: readonly string[],
  options: Options = {},
): FieldDefinition => field('picklist', name, label, { length: 255, values, ...options });
export const multipicklist = (
  name: string,
  label: string,
  values: readonly string[],
  options: Options = {},
): FieldDefinition => field('multipicklist', name, label, { length: 4099, values, ...options });

/** A number with `precision` digits in all, `scale` of them right of the point. */
export const decimal = (
  type: 'double' | 'currency' | 'percent',
  name: string,
  label: string,
  precision: number,
  scale: number,
  options: Options = {},
): FieldDefinition => field(type, name, label, { precision, scale, ...options });

/** A lookup; `options.cascadeDelete` makes the child go with its parent. */
export const lookup = (
  name: string,
  label: string,
  referenceTo: string,
  relationshipName: string,
  options: Options = {},
): FieldDefinition =>
  field('reference', name, label, { length: 18, referenceTo: [referenceTo], relationshipName, ...options });

/** A read-only compound address over the parts `<prefix>Street`, `<prefix>City`, ... and those parts themselves. */
export function address(prefix: string, label: string): readonly FieldDefinition[] {
  const compoundFieldName = `${prefix}Address`;
  const part = { compoundFieldName };
  const parts: Record<string, string> = {};
  for (const key of ['street', 'city', 'state', 'postalCode', 'country', 'latitude', 'longitude'])
    parts[key] = prefix + key.charAt(0).toUpperCase() + key.slice(1);
  return [
    textarea(`${prefix}Street`, `${label} Street`, 255, part),
    text(`${prefix}City`, `${label} City`, 40, part),
    text(`${prefix}State`, `${label} State/Province`, 80, part),
    text(`${prefix}PostalCode`, `${label} Zip/Postal Code`, 20, part),
    text(`${prefix}Country`, `${label} Country`, 80, part),
    decimal('double', `${prefix}Latitude`, `${label} Latitude`, 18, 15, part),
    decimal('double', `${prefix}Longitude`, `${label} Longitude`, 18, 15, part),
    field('address', compoundFieldName, `${label} Address`, { parts, readOnly: true }),
  ];
}
