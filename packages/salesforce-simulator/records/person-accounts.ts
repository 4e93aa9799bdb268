/**
 * Person accounts, in an org whose describe of Account has IsPersonAccount. A new account with a last name, or of the record type PersonAccount, is
 * a person: its name is composed, and may not be sent; the fields of people may not be sent for another account. Each has a contact of its own,
 * which holds the same and is written through the account only (Person Account Record Types; which error a write of the contact gets is
 * documented for its record type only).
 */
import type { Org, Writer } from '../org.ts';
import { SalesforceError } from '../salesforce-error.ts';
import type { FieldValue, FieldValues } from '../schema/object-definition.ts';
import type { ObjectSchema } from '../schema/org-schema.ts';
import { platformFields } from './platform-fields.ts';
import { parseId } from './record-id.ts';
import type { StoredRecord } from './stored-record.ts';

const MARK = 'IsPersonAccount';
/** The account's lookup to its contact. */
export const OWN_CONTACT = 'PersonContactId';
const NAME_PARTS = ['FirstName', 'MiddleName', 'LastName', 'Suffix', 'Salutation'];

/**
 * What a write makes of an account: whether it is a person, and the id of the contact that a new person gets; nothing for other objects.
 * `before`: the record as it was, unless it is new. Throws INVALID_FIELD_FOR_INSERT_UPDATE for fields of the other kind.
 */
export function personFields(
  org: Org,
  object: ObjectSchema,
  accepted: ReadonlyMap<string, FieldValue>,
  before: FieldValues | undefined,
): FieldValues {
  if (!knowsPersons(object)) return {};
  const isPerson = before === undefined ? becomesPerson(object, accepted) : before[MARK] === true;
  const wrong = [...accepted.keys()].filter((name) => (isPerson ? name === 'Name' : isOfPerson(name)));
  if (wrong.length > 0) {
    const text = `Account: bad field names on insert/update call: ${wrong.join(', ')}`;
    throw new SalesforceError('INVALID_FIELD_FOR_INSERT_UPDATE', text, { fields: wrong });
  }
  if (isPerson && accepted.has('LastName') && accepted.get('LastName') === null) throw withoutLastName();
  if (before !== undefined) return {};
  if (isPerson && !accepted.has('LastName')) throw withoutLastName();
  const contacts = isPerson && object.field(OWN_CONTACT) !== undefined ? org.schema.find('Contact') : undefined;
  return { [MARK]: isPerson, ...(contacts === undefined ? {} : { [OWN_CONTACT]: org.records.nextId(contacts) }) };
}

function knowsPersons({ name, fields }: ObjectSchema): boolean {
  return name === 'Account' && fields.some((field) => field.name === MARK);
}

function becomesPerson({ definition }: ObjectSchema, accepted: ReadonlyMap<string, FieldValue>): boolean {
  if ((accepted.get('LastName') ?? null) !== null) return true;
  const given = accepted.get('RecordTypeId') ?? null;
  const type = definition.recordTypes?.find(({ recordTypeId }) => parseId(recordTypeId) === given);
  return type?.developerName === 'PersonAccount';
}

function isOfPerson(field: string): boolean {
  return NAME_PARTS.includes(field) || /^Person[A-Z]/.test(field) || field.endsWith('__pc');
}

function withoutLastName(): SalesforceError {
  return new SalesforceError('REQUIRED_FIELD_MISSING', 'Required fields are missing: [LastName]', {
    fields: ['LastName'],
  });
}

/** Makes the contact of a person account what the account is, or makes it. Call after the account is stored. */
export function followPerson(org: Org, writer: Writer, account: StoredRecord): void {
  const id = account.values[OWN_CONTACT] ?? null;
  const object = org.schema.find('Contact');
  if (account.object !== 'Account' || account.values[MARK] !== true || id === null || object === undefined) return;
  const known = org.records.get(String(id));
  const values: Record<string, FieldValue> = { ...(known?.values ?? blank(object, account.values)) };
  const taken = object.fields.flatMap(({ name }) => {
    const from = [NAME_PARTS.includes(name) ? name : `Person${name}`, name.replace(/__c$/, '__pc')];
    const source = from.find((each) => each in account.values && isOfPerson(each) && each !== OWN_CONTACT);
    return source === undefined ? [] : [[name, account.values[source] ?? null] as const];
  });
  const stamps = ['LastModifiedDate', 'LastModifiedById', 'SystemModstamp'].map((name) => [
    name,
    account.values[name] ?? null,
  ]);
  Object.assign(values, Object.fromEntries(taken), Object.fromEntries(stamps), { Id: id, AccountId: account.id });
  if (MARK in values) values[MARK] = true;
  Object.assign(values, platformFields(org, object, values, new Set()));
  org.records.put({ object: object.name, id: String(id), values });
  org.records.note({
    object: object.name,
    id: String(id),
    kind: known === undefined ? 'create' : 'update',
    cascade: true,
    fields: taken.map(([name]) => name),
    unchanged: false,
    client: writer.client,
  });
}

function blank({ fields }: ObjectSchema, account: FieldValues): FieldValues {
  const stored = fields.filter(({ parts }) => parts === undefined);
  const values = Object.fromEntries(stored.map(({ name, defaultValue = null }) => [name, defaultValue]));
  const shared = ['OwnerId', 'CreatedDate', 'CreatedById'].filter((name) => name in values && name in account);
  return { ...values, ...Object.fromEntries(shared.map((name) => [name, account[name] ?? null])) };
}

/** Throws INSUFFICIENT_ACCESS_OR_READONLY for the contact of a person account. */
export function checkNotOfPerson(org: Org, { object, id, values }: StoredRecord): void {
  if (object !== 'Contact' || (values.AccountId ?? null) === null) return;
  if (org.records.get(String(values.AccountId))?.values[OWN_CONTACT] !== id) return;
  throw new SalesforceError('INSUFFICIENT_ACCESS_OR_READONLY', `insufficient access rights on object id: ${id}`);
}
