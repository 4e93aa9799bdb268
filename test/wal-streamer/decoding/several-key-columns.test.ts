/** Changes of tables whose key is of several columns, by both plugins. */
import { expect, test } from 'vitest';
import { defineSync, text } from '../../../core/mapping/configuration.ts';
import { PgoutputDecoder } from '../../../wal-streamer/decoding/pgoutput.ts';
import { Wal2jsonDecoder } from '../../../wal-streamer/decoding/wal2json.ts';
import * as pgoutput from './pgoutput-messages.ts';

const { objects } = defineSync({
  objects: { Contact: { table: 'contacts', key: ['tenant_id', 'code'], fields: { LastName: text('last_name') } } },
});
const OID = 16_500;
const COLUMNS = [
  { name: 'last_name' },
  { name: 'code', identity: true },
  { name: 'tenant_id', identity: true },
  { name: 'phone' },
];

function pgoutputDecoder(columns: Parameters<typeof pgoutput.relation>[2] = COLUMNS, identity = 'd') {
  const decoder = new PgoutputDecoder(objects);
  decoder.decode(pgoutput.relation(OID, ['public', 'contacts'], columns, identity));
  return (message: Buffer) => decoder.decode(message);
}

test('pgoutput: the columns are put in the order of the configuration, wherever they stand in the row', () => {
  const decode = pgoutputDecoder();
  const change = { kind: 'change', objects: ['Contact'], oldKey: undefined };
  expect(decode(pgoutput.insert(OID, ['x', 'a/b', '7', null]))).toEqual({
    ...change,
    operation: 'insert',
    key: '7/a~1b',
  });
  expect(decode(pgoutput.remove(OID, ['K', [null, 'a~b', '7', null]]))).toEqual({
    ...change,
    operation: 'delete',
    key: '7/a~0b',
  });
  expect(decode(pgoutput.update(OID, ['y', 'a', '7', pgoutput.UNCHANGED]))).toEqual({
    ...change,
    operation: 'update',
    key: '7/a',
  });
});

test('pgoutput: a change of one of them gives both keys, and a whole old row the same one', () => {
  const decode = pgoutputDecoder();
  expect(decode(pgoutput.update(OID, ['y', 'a', '8', null], ['K', [null, 'a', '7', null]]))).toMatchObject({
    key: '8/a',
    oldKey: '7/a',
  });
  expect(decode(pgoutput.update(OID, ['y', 'a', '8', null], ['O', ['x', 'a', '8', null]]))).toMatchObject({
    key: '8/a',
    oldKey: undefined,
  });
});

test('pgoutput: a delete that does not name the whole key names no row', () => {
  const decode = pgoutputDecoder(COLUMNS, 'i');
  expect(decode(pgoutput.remove(OID, ['K', [null, null, '7', null]]))).toEqual({
    kind: 'unnamed rows',
    objects: ['Contact'],
    by: 'delete',
  });
});

test('pgoutput: one column that was renamed is the other one of the identity; of two it is not known which', () => {
  const renamed = (...names: string[]) =>
    COLUMNS.map((each) => (names.includes(each.name) ? { ...each, name: `${each.name}_2` } : each));
  const decode = pgoutputDecoder(renamed('code'));
  expect(decode(pgoutput.insert(OID, ['x', 'a', '7', null]))).toMatchObject({ key: '7/a' });
  expect(() => pgoutputDecoder(renamed('code', 'tenant_id'))).toThrow(/has no key column tenant_id, code any more/);
});

const TENANT = { name: 'tenant_id', type: 'bigint', value: 7 };
const CODE = { name: 'code', type: 'text', value: 'a/b' };

test('wal2json: both columns, and those before', () => {
  const decoder = new Wal2jsonDecoder(objects);
  const decode = (entry: object) =>
    decoder.decode(Buffer.from(JSON.stringify({ schema: 'public', table: 'contacts', ...entry })));
  expect(decode({ action: 'I', columns: [CODE, TENANT] })).toMatchObject({ operation: 'insert', key: '7/a~1b' });
  expect(decode({ action: 'U', columns: [CODE, TENANT], identity: [{ ...TENANT, value: 8 }, CODE] })).toMatchObject({
    key: '7/a~1b',
    oldKey: '8/a~1b',
  });
  expect(decode({ action: 'D', identity: [TENANT] })).toEqual({
    kind: 'unnamed rows',
    objects: ['Contact'],
    by: 'delete',
  });
  expect(() => decode({ action: 'I', columns: [TENANT] })).toThrow(/has no key column/);
  const large = `{"schema":"public","table":"contacts","action":"D","identity":[{"name":"tenant_id","type":"bigint","value":9007199254740993},${JSON.stringify(CODE)}]}`;
  expect(decoder.decode(Buffer.from(large))).toMatchObject({ key: '9007199254740993/a~1b' });
});
