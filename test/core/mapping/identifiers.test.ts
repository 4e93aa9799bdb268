import { describe, expect, test } from 'vitest';
import { defineSync, type SyncDefinition, text } from '../../../core/mapping/configuration.ts';
import { readTableName, spelledName, spelledTable, tableNameFault } from '../../../core/mapping/identifiers.ts';

test.each<[string, string | undefined, string, string]>([
  ['lenders', undefined, 'public', 'lenders'],
  ['crm.lenders', undefined, 'crm', 'lenders'],
  ['Loan', undefined, 'public', 'Loan'],
  ['App.Loan', undefined, 'App', 'Loan'],
  ['"App"."Loan"', undefined, 'App', 'Loan'],
  ['"a.b"', undefined, 'public', 'a.b'],
  ['crm."a ""b"".c"', undefined, 'crm', 'a "b".c'],
  ['First Name', undefined, 'public', 'First Name'],
  ['Loan', 'App', 'App', 'Loan'],
  ['"a.b"', 'My Schema', 'My Schema', '"a.b"'],
])('table %j, schema %j is %j, %j', (given, within, schema, table) => {
  expect(tableNameFault(given, within)).toBeUndefined();
  expect(readTableName(given, within)).toEqual({ schema, table });
});

test.each([
  { schema: 'public', table: 'lenders' },
  { schema: 'App', table: 'Loan' },
  { schema: 'a.b', table: 'c' },
  { schema: 'a', table: 'b.c' },
  { schema: 'a"', table: '".b' },
  { schema: 'public', table: 'order' },
  { schema: 'Größe', table: '1st' },
])('what is spelled is read as the same: %j', (name) => {
  expect(readTableName(spelledTable(name))).toEqual(name);
});

test('a name goes without quotes where SQL reads it as it is', () => {
  expect(['id', 'created_at', 'a$1', 'user', 'Order', 'a b', 'ü', 'say "x"', 'name'].map(spelledName)).toEqual([
    ...['id', 'created_at', 'a$1', '"user"', '"Order"', '"a b"', '"ü"', '"say ""x"""', 'name'],
  ]);
});

describe('a configuration', () => {
  const withTable = (table: { table: string; schema?: string; key?: string | string[] }): SyncDefinition => ({
    objects: { Account: { ...table, fields: { Name: text('Full Name') } } },
  });

  test('has columns under any name of PostgreSQL', () => {
    const { objects } = defineSync({
      objects: {
        Account: {
          table: 'Loan',
          schema: 'App',
          key: 'Id',
          salesforceId: 'salesforceId',
          fields: { Name: text('"x".y'), Phone: text('select') },
        },
      },
    });
    expect(objects[0]).toMatchObject({
      schema: 'App',
      table: 'Loan',
      keyColumns: ['Id'],
      salesforceIdColumn: 'salesforceId',
    });
    expect(objects[0]?.fields.map(({ column }) => column)).toEqual(['"x".y', 'select']);
  });

  test.each([
    [{ table: '' }, /objects\.Account\.table: is no name of a table, such as lenders, crm\.lenders or "App"\."Loan"/],
    [{ table: 'a.b.c' }, /where the name has dots or quotes in it, name its schema by itself/],
    [{ table: 'a"b' }, /name its schema by itself/],
    [{ table: '', schema: 'App' }, /objects\.Account\.table: is empty/],
    [{ table: 'x', schema: '' }, /objects\.Account\.schema: is empty/],
    [{ table: 'ä'.repeat(32) }, /has 64 bytes, and a name of PostgreSQL has at most 63/],
    [{ table: 'x', key: 'a\0' }, /objects\.Account\.key: has a zero byte/],
  ])('refuses %j', (table, fault) => {
    expect(() => defineSync(withTable(table))).toThrow(fault);
  });

  test('has a key of one column, or of several', () => {
    const several = { table: 'x', key: ['tenant_id', 'id'] };
    expect(defineSync(withTable(several)).objects[0]?.keyColumns).toEqual(['tenant_id', 'id']);
    const none = { table: 'x', key: [] as string[] };
    expect(() => defineSync(withTable(none))).toThrow(/Account\.key: must be a column, or several of them/);
  });

  test('knows that a table is mapped twice, however it is written', () => {
    const fields = { Name: text('name') };
    const twice = { Account: { table: '"App"."Loan"', fields }, Contact: { table: 'Loan', schema: 'App', fields } };
    expect(() => defineSync({ objects: twice })).toThrow(/Account and Contact have table "App"\."Loan"/);
  });
});
