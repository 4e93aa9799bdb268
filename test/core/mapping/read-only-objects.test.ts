import { describe, expect, test } from 'vitest';
import {
  defineSync,
  mappingOf,
  outgoingConfiguration,
  outgoingFields,
  reference,
  type SyncDefinition,
  text,
} from '../../../core/mapping/configuration.ts';
import type { DescribedField, DescribedObject } from '../../../core/mapping/described-object.ts';
import { deletedFields, systemFields } from '../../../core/mapping/object-ways.ts';
import { salesforceDrift } from '../../../core/mapping/org-drift.ts';
import { parseRecord, readFields } from '../../../core/mapping/salesforce-record.ts';

const definition = {
  objects: {
    User: { direction: 'to-postgres', table: 'users', fields: { Email: text('email'), CreatedDate: text('made') } },
    Opportunity: { table: 'loans', fields: { Name: text('title'), OwnerId: reference('owner_id', 'User') } },
    Log__c: { direction: 'to-postgres', table: 'logs', stamp: 'CreatedDate', fields: { Name: text('name') } },
  },
} satisfies SyncDefinition;
const configuration = defineSync(definition);
const user = mappingOf(configuration, 'User');
const log = mappingOf(configuration, 'Log__c');

function faultsOf(objects: unknown): string {
  try {
    defineSync({ objects } as SyncDefinition);
  } catch (error) {
    return String(error);
  }
  throw new Error('no fault was found');
}

describe('a read-only object', () => {
  test('has fields that come from Salesforce only, and nothing is done there', () => {
    expect(user).toMatchObject({ direction: 'to-postgres', deleteRecord: 'ignore', delivery: 'api' });
    expect(user.deleteGuard).toBeUndefined();
    expect(user.fields.map(({ direction }) => direction)).toEqual(['to-postgres', 'to-postgres']);
    expect(outgoingFields(user)).toEqual([]);
    expect(outgoingConfiguration(configuration).objects.map(({ object }) => object)).toEqual(['Opportunity']);
  });

  test('is read without IsDeleted where its records have none, and no field is asked for twice', () => {
    expect(readFields(user)).toEqual(['Id', 'SystemModstamp', 'Email', 'CreatedDate']);
    expect(deletedFields(user)).toEqual([]);
    expect(systemFields(log)).toEqual(['Id', 'IsDeleted', 'CreatedDate']);
    const { version } = parseRecord(user, {
      Id: '005000000000001AAA',
      SystemModstamp: '2026-03-01T12:00:00.000+0000',
      Email: 'a@b.example',
      CreatedDate: '2026-01-01',
    });
    expect(version).toMatchObject({ deleted: false, fields: { Email: 'a@b.example' } });
  });

  test('has its stamp in the field that is named', () => {
    const read = (fields: object) => parseRecord(log, { Id: 'a01000000000001AAA', Name: 'x', ...fields });
    expect(read({ CreatedDate: '2026-03-01T12:00:00.000+0000' }).version?.stamp).toBe(Date.UTC(2026, 2, 1, 12));
    expect(read({ SystemModstamp: '2026-03-01T12:00:00.000+0000' }).unusable).toMatchObject({
      reason: 'The record has no valid CreatedDate.',
    });
  });

  test('takes no option that is about Salesforce, with the change to make', () => {
    const fields = { Email: text('email', { direction: 'to-salesforce' }) };
    const faults = faultsOf({
      User: { direction: 'to-postgres', table: 'users', deleteRecord: 'hard', delivery: 'appflow', fields },
    });
    expect(faults).toContain('objects.User.deleteRecord: the object is to-postgres');
    expect(faults).toContain('objects.User.delivery: the object is to-postgres');
    expect(faults).toContain('objects.User.fields.Email: direction (is "to-salesforce") is against that of the object');
  });
});

test.each([
  [{ User: { table: 'users', fields: { Email: text('email') } } }, 'objects.User: records of User have no IsDeleted'],
  [
    { A__c: { table: 'a', recycleBin: false, fields: { Name: text('n') } } },
    'A__c.recycleBin: only a read-only object',
  ],
  [
    { A__c: { table: 'a', stamp: 'CreatedDate', fields: { Name: text('n') } } },
    'A__c.stamp: CreatedDate does not move',
  ],
])('what goes with a read-only object only is refused of another', (objects, fault) => {
  expect(faultsOf(objects)).toContain(fault);
});

describe('sfsync check', () => {
  const field = (name: string): DescribedField => ({
    ...{ name, type: 'string', length: 80, scale: 0, nillable: false, createable: true, updateable: true },
    ...{ defaultedOnCreate: false, referenceTo: [] },
  });
  const described = (...names: string[]): DescribedObject => ({
    ...{ queryable: true, updateable: false, deletable: false },
    fields: names.map(field),
  });
  const texts = (mapping: typeof user, names: string[]) =>
    salesforceDrift(mapping, described(...names), []).map(({ text: words }) => words);

  test('asks nothing of a read-only object that only a write needs', () => {
    expect(texts(user, ['Id', 'SystemModstamp', 'Email', 'CreatedDate', 'LastName'])).toEqual([]);
  });

  test('tells what flows and queries would ask for in vain', () => {
    const [isDeleted, stamp] = texts(log, ['Id', 'Name', 'LastModifiedDate']);
    expect(isDeleted).toContain('Log__c: has no field IsDeleted');
    expect(stamp).toContain('has no field CreatedDate, by which changed records are found; name LastModifiedDate');
    expect(texts(user, ['IsDeleted', 'SystemModstamp', 'Email', 'CreatedDate'])[0]).toContain('say recycleBin true');
  });
});
