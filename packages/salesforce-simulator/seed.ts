import type { Org } from './org.ts';
import { acceptValue } from './records/field-values.ts';
import { toDatetime } from './records/instant.ts';
import { platformFields } from './records/platform-fields.ts';
import { nthId, parseId } from './records/record-id.ts';
import type { FieldValue } from './schema/object-definition.ts';
import type { ObjectSchema } from './schema/org-schema.ts';

/** A record that the org starts with. */
export interface SeedRecord {
  readonly object: string;
  /** A name by which later records of the seed refer to this one. */
  readonly key?: string;
  readonly values: Readonly<Record<string, FieldValue>>;
  /** Lookups, by the `key` of their record. */
  readonly lookups?: Readonly<Record<string, string>>;
  /** Created at this moment and not touched since; milliseconds since 1970. */
  readonly createdAt: number;
}

/** Puts seed records into the org. Throws when one does not fit its object. */
export function loadSeed(org: Org, seed: readonly SeedRecord[]): void {
  const ids = new Map<string, string>();
  org.records.unitOfWork(() => {
    for (const record of seed) {
      const object = org.schema.object(record.object);
      const id = org.records.nextId(object);
      const lookups = Object.entries(record.lookups ?? {}).map(([field, key]) => {
        const target = ids.get(key);
        if (target === undefined) throw new Error(`seed of ${record.object}: no earlier record has the key "${key}"`);
        return [field, target] as const;
      });
      put(org, object, id, { ...record.values, ...Object.fromEntries(lookups) }, record.createdAt);
      if (record.key !== undefined) ids.set(record.key, id);
    }
  });
}

function put(
  org: Org,
  object: ObjectSchema,
  id: string,
  given: Readonly<Record<string, FieldValue>>,
  createdAt: number,
): void {
  const unknown = Object.keys(given).find((name) => object.field(name) === undefined);
  if (unknown !== undefined) throw new Error(`seed of ${object.name}: there is no field ${unknown}`);
  const values: Record<string, FieldValue> = {};
  for (const field of object.fields) {
    if (field.parts !== undefined) continue;
    const value = given[field.name] ?? field.defaultValue ?? null;
    values[field.name] = acceptValue(field, value, { sortMultipicklists: true });
  }
  const stamp = toDatetime(createdAt);
  const user = org.identity.userId;
  if ('OwnerId' in values) values.OwnerId = user;
  const audit = { CreatedDate: stamp, CreatedById: user, LastModifiedDate: stamp, LastModifiedById: user };
  Object.assign(values, { Id: id, ...audit, SystemModstamp: stamp });
  org.records.put({
    object: object.name,
    id,
    values: { ...values, ...platformFields(org, object, values, new Set(Object.keys(given))) },
  });
}

/** The one user, the record types of the objects, and the organization itself, with the ids that the org's identity names. */
export function loadPlatformRecords(org: Org): void {
  const { identity } = org;
  const createdAt = org.now() - 400 * 86_400_000;
  org.records.unitOfWork(() => {
    put(
      org,
      org.schema.object('User'),
      nthId('005', 1),
      {
        Username: identity.username,
        FirstName: 'Integration',
        LastName: 'User',
        Name: 'Integration User',
        Email: identity.username,
        Alias: 'integ',
        TimeZoneSidKey: 'GMT',
        LocaleSidKey: 'en_US',
        LanguageLocaleKey: 'en_US',
        UserType: 'Standard',
        IsActive: true,
      },
      createdAt,
    );
    for (const { name, definition } of org.schema.objects) {
      for (const type of definition.recordTypes ?? []) {
        if (type.master) continue;
        const values = { Name: type.name, DeveloperName: type.developerName, SobjectType: name, IsActive: type.active };
        put(org, org.schema.object('RecordType'), parseId(type.recordTypeId) ?? type.recordTypeId, values, createdAt);
      }
    }
    put(org, org.schema.object('UserPermissionAccess'), nthId('0Pp', 1), {}, createdAt);
    put(
      org,
      org.schema.object('Organization'),
      nthId('00D', 1),
      {
        Name: 'The Lender',
        InstanceName: 'SIM1',
        OrganizationType: 'Developer Edition',
        IsSandbox: false,
        PrimaryContact: 'Integration User',
        TimeZoneSidKey: 'GMT',
        DefaultLocaleSidKey: 'en_US',
      },
      createdAt,
    );
  });
}
