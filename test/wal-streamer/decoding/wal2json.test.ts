import { describe, expect, test } from 'vitest';
import { InvariantError } from '../../../core/errors.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import type { TableDescription } from '../../../wal-streamer/decoding/stream-message.ts';
import { Wal2jsonDecoder } from '../../../wal-streamer/decoding/wal2json.ts';
import { quoted } from '../../support/postgres/quoted-lender.ts';

const LENDERS = { schema: 'public', table: 'lenders' };
const id = (value: unknown, type = 'bigint') => ({ name: 'id', type, value });
const name = (value: string | null) => ({ name: 'name', type: 'text', value });

function setUp() {
  const described: TableDescription[] = [];
  const decoder = new Wal2jsonDecoder(configuration.objects, (table) => described.push(table));
  const decode = (entry: object | string) =>
    decoder.decode(Buffer.from(typeof entry === 'string' ? entry : JSON.stringify(entry)));
  return { decoder, decode, described };
}

const changed = (operation: string, key: string, oldKey?: string) => ({
  kind: 'change',
  objects: ['Account'],
  operation,
  key,
  oldKey,
});

describe('a transaction', () => {
  const BEGIN = { action: 'B', xid: 77, timestamp: '2026-01-02 03:04:05.678901+00', lsn: '1/2A' };

  test('begins with its number, its time and its commit, and ends where the next one may begin', () => {
    const { decode } = setUp();
    expect(decode(BEGIN)).toEqual({
      kind: 'begin',
      xid: 77,
      committedAt: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
      commitStart: 0x1_0000_002an,
      origin: undefined,
    });
    expect(decode({ action: 'C', nextlsn: '1/2B' })).toEqual({ kind: 'commit', end: 0x1_0000_002bn });
  });

  test('has the origin that its number names now; one that has no name is that of another feed', () => {
    const { decode, decoder } = setUp();
    expect(decode({ ...BEGIN, origin: 3 })).toMatchObject({ origin: undefined });
    decoder.name(new Map([[3, 'sfsync_0']]));
    expect(decode({ ...BEGIN, origin: 3 })).toMatchObject({ origin: 'sfsync_0' });
    expect(decode({ ...BEGIN, origin: 4 })).toMatchObject({ origin: undefined });
    expect(decode(BEGIN)).toMatchObject({ origin: undefined });
  });

  test('is marked by a message that belongs to it', () => {
    const { decode } = setUp();
    const message = { action: 'M', prefix: 'sfsync', content: 'echo' };
    expect(decode({ ...message, transactional: true })).toEqual({ kind: 'marker', prefix: 'sfsync' });
    expect(decode({ action: 'M', transactional: true })).toEqual({ kind: 'marker', prefix: '' });
    expect(decode({ ...message, transactional: false })).toEqual({ kind: 'nothing' });
    expect(decode(message)).toEqual({ kind: 'nothing' });
  });

  test.for([
    { ...BEGIN, xid: undefined },
    { ...BEGIN, timestamp: undefined },
    { ...BEGIN, lsn: undefined },
    { ...BEGIN, timestamp: '2026-13-01 00:00:00+00' },
    { action: 'C' },
    { action: 'X' },
  ])('%j is not of the format', (entry) => {
    const { decode } = setUp();
    const failing = () => decode(entry);
    expect(failing).toThrow(InvariantError);
    expect(failing).toThrow(`wal2json sent an entry that is not of its format 2 (action ${entry.action}).`);
    try {
      failing();
    } catch (error) {
      expect(error).toMatchObject({ code: 'WAL2JSON' });
    }
  });
});

describe('a row', () => {
  test('that was inserted, updated and deleted, by its key', () => {
    const { decode } = setUp();
    const [columns, identity] = [[name('Northwind'), id(7)], [id(7)]];
    expect(decode({ action: 'I', ...LENDERS, columns })).toEqual(changed('insert', '7'));
    expect(decode({ action: 'U', ...LENDERS, columns, identity })).toEqual(changed('update', '7'));
    expect(decode({ action: 'U', ...LENDERS, columns })).toEqual(changed('update', '7'));
    expect(decode({ action: 'D', ...LENDERS, identity })).toEqual(changed('delete', '7'));
  });

  test('whose key changed, by both keys', () => {
    const { decode } = setUp();
    const entry = { action: 'U', ...LENDERS, columns: [id(8)], identity: [name('Northwind'), id(7)] };
    expect(decode(entry)).toEqual(changed('update', '8', '7'));
  });

  test.for([
    ['a text', '"a b"', 'a b'],
    ['a number', '42', '42'],
    ['a bigint that JavaScript cannot hold', '9007199254740993', '9007199254740993'],
    ['one below zero', '-9223372036854775808', '-9223372036854775808'],
    ['a numeric', '1.50', '1.50'],
  ])('has %s for a key, exactly', ([, value, key]) => {
    const { decode } = setUp();
    const row = `"schema":"public","table":"lenders"`;
    const columns = `[{"name":"annual_revenue","type":"numeric","value":0.5},{"name":"id","type":"numeric","value":${value}}]`;
    expect(decode(`{"action":"I",${row},"columns":${columns}}`)).toEqual(changed('insert', key ?? ''));
    expect(decode(`{"action":"D",${row},"identity":${columns}}`)).toEqual(changed('delete', key ?? ''));
  });

  test('without its key: a delete may be that of any row, anything else cannot be followed', () => {
    const { decode } = setUp();
    const any = { kind: 'unnamed rows', objects: ['Account'], by: 'delete' };
    for (const identity of [undefined, [], [name('Northwind')], [id(null)]]) {
      expect(decode({ action: 'D', ...LENDERS, identity })).toEqual(any);
    }
    for (const action of ['I', 'U']) {
      for (const columns of [undefined, [name('Northwind')], [id(null)]]) {
        expect(() => decode({ action, ...LENDERS, columns, identity: [id(7)] })).toThrow(/public\.lenders.*id/);
      }
    }
  });

  test('is gone with all others after a truncate', () => {
    const { decode } = setUp();
    expect(decode({ action: 'T', ...LENDERS })).toEqual({ kind: 'unnamed rows', objects: ['Account'], by: 'truncate' });
  });

  test.for(['I', 'U', 'D', 'T'])('of a table that is not mapped is passed over (%s)', (action) => {
    const { decode, described } = setUp();
    for (const place of [
      { schema: 'public', table: 'others' },
      { ...LENDERS, schema: 'archive' },
    ]) {
      expect(decode({ action, ...place, columns: [id(7)], identity: [id(7)] })).toEqual({ kind: 'nothing' });
    }
    expect(described).toEqual([]);
  });
});

test('a key of several columns is their texts, in the order of the configuration, or not known', () => {
  const [lenders] = configuration.objects;
  const decoder = new Wal2jsonDecoder([
    { ...lenders, keyColumns: ['tenant', 'id'] } as (typeof configuration.objects)[0],
  ]);
  const decode = (entry: object) => decoder.decode(Buffer.from(JSON.stringify({ ...LENDERS, ...entry })));
  const tenant = (value: string) => ({ name: 'tenant', type: 'text', value });
  expect(decode({ action: 'I', columns: [id(7), tenant('a/b')] })).toEqual(changed('insert', 'a~1b/7'));
  const [columns, identity] = [
    [id(7), tenant('a')],
    [tenant('b'), id(7)],
  ];
  expect(decode({ action: 'U', columns, identity })).toEqual(changed('update', 'a/7', 'b/7'));
  expect(decode({ action: 'D', identity })).toEqual(changed('delete', 'b/7'));
  const any = { kind: 'unnamed rows', objects: ['Account'], by: 'delete' };
  expect(decode({ action: 'D', identity: [id(7)] })).toEqual(any);
  expect(() => decode({ action: 'U', columns: [id(7)], identity })).toThrow(/tenant/);
});

describe('a table', () => {
  const insert = (...columns: object[]) => ({ action: 'I', ...LENDERS, columns });

  test('is described by the first row that is inserted, and again when its columns are others', () => {
    const { decode, described } = setUp();
    const columnsOf = () => described.map(({ columns }) => columns.map((column) => `${column.name} ${column.type}`));
    decode(insert(id(1), name('a')));
    expect(described).toEqual([
      {
        oid: undefined,
        table: 'public.lenders',
        columns: [
          { name: 'id', type: 'bigint', identity: false },
          { name: 'name', type: 'text', identity: false },
        ],
        replicaIdentity: undefined,
      },
    ]);
    decode(insert(id(2), name('b')));
    expect(described).toHaveLength(1);
    decode(insert(id(3), name('c'), { name: 'phone', type: 'text', value: null }));
    decode(insert(id(4), name('d')));
    decode(insert(id(5, 'numeric'), name('e')));
    decode(insert(id(6, 'numeric'), { ...name('f'), name: 'title' }));
    expect(columnsOf().slice(1)).toEqual([
      ['id bigint', 'name text', 'phone text'],
      ['id bigint', 'name text'],
      ['id numeric', 'name text'],
      ['id numeric', 'title text'],
    ]);
  });

  test('is not described by an update, which leaves out values that are stored out of line', () => {
    const { decode, described } = setUp();
    decode({ action: 'U', ...LENDERS, columns: [id(1)], identity: [id(1)] });
    decode({ action: 'D', ...LENDERS, identity: [id(1)] });
    expect(described).toEqual([]);
  });
});

test('without anyone who wants the descriptions, they are not needed', () => {
  const decoder = new Wal2jsonDecoder(configuration.objects);
  expect(decoder.decode(Buffer.from(JSON.stringify({ action: 'I', ...LENDERS, columns: [id(1)] })))).toEqual(
    changed('insert', '1'),
  );
});

test('tables and columns have their names as they are', () => {
  const { objects } = quoted(configuration);
  const decoder = new Wal2jsonDecoder(objects);
  for (const { object, schema, table, keyColumns } of objects) {
    const entry = { action: 'I', schema, table, columns: [{ name: keyColumns[0], type: 'text', value: 'k' }] };
    expect(decoder.decode(Buffer.from(JSON.stringify(entry)))).toMatchObject({
      objects: [object],
      operation: 'insert',
      key: 'k',
    });
  }
  const like = { action: 'I', schema: 'public.a', table: 'b', columns: [] };
  expect(decoder.decode(Buffer.from(JSON.stringify(like)))).toEqual({ kind: 'nothing' });
});
