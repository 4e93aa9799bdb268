import { expect, test } from 'vitest';
import { defineSync, reference, type SyncDefinition, text } from '../../../core/mapping/configuration.ts';

type Objects = SyncDefinition['objects'];
type FieldDefinitions = Objects[string]['fields'];

const ACCOUNT = { table: 'accounts', key: ['tenant_id', 'id'], fields: { Name: text('name') } };
const contact = (fields: FieldDefinitions, more: Partial<Objects[string]> = {}): Objects => ({
  Account: ACCOUNT,
  Contact: { table: 'contacts', key: ['tenant_id', 'id'], fields, ...more },
});

test('a lookup names the columns of the key in their order, and the last is its own', () => {
  const objects = contact({ AccountId: reference(['tenant_id', 'account_id'], 'Account') });
  const [, mapping] = defineSync({ objects }).objects;
  expect(mapping?.keyColumns).toEqual(['tenant_id', 'id']);
  expect(mapping?.fields[0]).toMatchObject({ column: 'account_id', shared: ['tenant_id'], references: 'Account' });
});

test('a field may be part of a key of several columns, as in a join table', () => {
  const objects = contact(
    { AccountId: reference(['tenant_id', 'account_id'], 'Account'), Code__c: text('code') },
    { key: ['tenant_id', 'account_id', 'code'] },
  );
  expect(defineSync({ objects }).objects).toHaveLength(2);
});

const several = { Account: 'account_id', User: 'user_id' };
test.each<[string, Objects, RegExp]>([
  [
    'one column for a key of two',
    contact({ AccountId: reference('account_id', 'Account') }),
    /Contact\.fields\.AccountId: has one column, and the key of Account has 2 \(tenant_id, id\); .*reference\(\['tenant_id', 'account_id'\], 'Account'\)/,
  ],
  [
    'two columns for a key of one',
    {
      ...contact({ AccountId: reference(['tenant_id', 'account_id'], 'Account') }),
      Account: { ...ACCOUNT, key: 'id' },
    },
    /AccountId: has 2 columns, and rows of Account are named by id alone; name one column/,
  ],
  [
    'a column twice in a lookup',
    contact({ AccountId: reference(['tenant_id', 'tenant_id'], 'Account') }),
    /AccountId: names column tenant_id twice/,
  ],
  [
    'several columns of what is no lookup',
    contact({ LastName: { ...text('name'), shared: ['tenant_id'] } }),
    /LastName: only a reference has several columns/,
  ],
  [
    'one of several objects',
    {
      ...contact({ WhoId: reference(several) }),
      User: { direction: 'to-postgres', table: 'users', fields: { Name: text('name') } },
    },
    /WhoId: points to Account among others, and a row of it is named by several columns \(tenant_id, id\); leave it out/,
  ],
  [
    'a column twice in a key',
    contact({ Name: text('name') }, { key: ['id', 'id'] }),
    /Contact\.key: names column id twice/,
  ],
  [
    'the id of the record in a key',
    contact({ Name: text('name') }, { key: ['tenant_id', 'salesforce_id'] }),
    /Contact\.key: column salesforce_id is used twice/,
  ],
  [
    'the same key for each row',
    contact({ Name: text('name') }, { onInsert: { tenant_id: 7, id: 1 } }),
    /onInsert\.id: is the key, of which each row needs another one/,
  ],
  ['a field in a key of one column', contact({ Name: text('id') }, { key: 'id' }), /Contact: column id is used twice/],
])('refuses %s', (_, objects, fault) => {
  expect(() => defineSync({ objects })).toThrow(fault);
});
