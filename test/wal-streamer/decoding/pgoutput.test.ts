import { describe, expect, test } from 'vitest';
import { ConfigurationError, InvariantError } from '../../../core/errors.ts';
import type { ObjectMapping } from '../../../core/mapping/configuration.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import { PgoutputDecoder } from '../../../wal-streamer/decoding/pgoutput.ts';
import type { TableDescription } from '../../../wal-streamer/decoding/stream-message.ts';
import { quoted } from '../../support/postgres/quoted-lender.ts';
import * as pgoutput from './pgoutput-messages.ts';
import { type DescribedColumn, UNCHANGED, type Value } from './pgoutput-messages.ts';

const [LENDERS, BORROWERS, OTHERS] = [16_401, 16_402, 16_403];
const ID: DescribedColumn = { name: 'id', type: 20, identity: true };
const NAME: DescribedColumn = { name: 'name' };
const NOTHING = { kind: 'nothing' };

function setUp() {
  const described: TableDescription[] = [];
  const decoder = new PgoutputDecoder(configuration.objects, (table) => described.push(table));
  const decode = (bytes: Buffer) => decoder.decode(bytes);
  const describe = (columns: readonly DescribedColumn[], replicaIdentity?: string) =>
    decode(pgoutput.relation(LENDERS, ['public', 'lenders'], columns, replicaIdentity));
  /** The key stands behind a column, and in front of another. */
  const describeLenders = () => describe([NAME, ID, { name: 'phone' }]);
  return { decode, described, describe, describeLenders };
}

const changed = (operation: string, key: string, oldKey?: string) => ({
  kind: 'change',
  objects: ['Account'],
  operation,
  key,
  oldKey,
});
const row = (key: Value, name: Value = 'Northwind') => [name, key, '555'];

describe('a transaction', () => {
  test('begins with its commit, its time and its number, and ends where the next one may begin', () => {
    const { decode } = setUp();
    const committedAt = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
    expect(decode(pgoutput.begin(0x1_0000_002an, committedAt, 0xffff_fff0, 999))).toEqual({
      kind: 'begin',
      commitStart: 0x1_0000_002an,
      committedAt,
      xid: 0xffff_fff0,
    });
    expect(decode(pgoutput.commit(7n, 0x1_0000_002bn))).toEqual({ kind: 'commit', end: 0x1_0000_002bn });
  });

  test('has an origin, by its name', () => {
    const { decode } = setUp();
    expect(decode(pgoutput.origin('sfsync_0'))).toEqual({ kind: 'origin', name: 'sfsync_0' });
  });

  test('is marked by a message that belongs to it', () => {
    const { decode } = setUp();
    expect(decode(pgoutput.logicalMessage('sfsync', true))).toEqual({ kind: 'marker', prefix: 'sfsync' });
    expect(decode(pgoutput.logicalMessage('sfsync', false))).toEqual(NOTHING);
  });
});

describe('a row', () => {
  test('that was inserted, updated and deleted, by its key, wherever that stands', () => {
    const { decode, describeLenders } = setUp();
    expect(describeLenders()).toEqual(NOTHING);
    expect(decode(pgoutput.insert(LENDERS, row('7')))).toEqual(changed('insert', '7'));
    expect(decode(pgoutput.update(LENDERS, row('7')))).toEqual(changed('update', '7'));
    expect(decode(pgoutput.remove(LENDERS, ['K', row('7', null)]))).toEqual(changed('delete', '7'));
  });

  test('whose other columns are null, unchanged and not sent, or of letters of several bytes', () => {
    const { decode, describeLenders } = setUp();
    describeLenders();
    for (const name of [null, UNCHANGED, 'Zürich 🏦', '']) {
      expect(decode(pgoutput.insert(LENDERS, row('7', name)))).toEqual(changed('insert', '7'));
      expect(decode(pgoutput.update(LENDERS, row('8', name), ['O', row('7', name)]))).toEqual(
        changed('update', '8', '7'),
      );
    }
    expect(decode(pgoutput.insert(LENDERS, row('schlüssel')))).toEqual(changed('insert', 'schlüssel'));
  });

  test('whose key changed, by both keys; a whole old row with the same key names it once', () => {
    const { decode, describeLenders } = setUp();
    describeLenders();
    expect(decode(pgoutput.update(LENDERS, row('8'), ['K', row('7', null)]))).toEqual(changed('update', '8', '7'));
    expect(decode(pgoutput.update(LENDERS, row('7'), ['O', row('7')]))).toEqual(changed('update', '7'));
    // The identity is an index without the key.
    expect(decode(pgoutput.update(LENDERS, row('7'), ['K', row(null)]))).toEqual(changed('update', '7'));
  });

  test('that was deleted and is not named may be any row', () => {
    const { decode, describeLenders } = setUp();
    describeLenders();
    const any = { kind: 'unnamed rows', objects: ['Account'], by: 'delete' };
    expect(decode(pgoutput.remove(LENDERS, ['K', row(null)]))).toEqual(any);
    expect(decode(pgoutput.remove(LENDERS, ['O', row('7')]))).toEqual(changed('delete', '7'));
  });

  test('that is there and has no key is nothing that the server sends', () => {
    const { decode, describeLenders } = setUp();
    describeLenders();
    for (const bytes of [pgoutput.insert(LENDERS, row(null)), pgoutput.update(LENDERS, row(UNCHANGED))]) {
      expect(() => decode(bytes)).toThrow(
        expect.objectContaining({
          name: 'InvariantError',
          code: 'PGOUTPUT',
          message: 'pgoutput sent a change of public.lenders without its key.',
        }),
      );
    }
  });

  test('of a table that is not mapped is passed over', () => {
    const { decode } = setUp();
    for (const place of [['public', 'others'] as const, ['archive', 'lenders'] as const]) {
      expect(decode(pgoutput.relation(OTHERS, place, [NAME]))).toEqual(NOTHING);
      expect(decode(pgoutput.insert(OTHERS, ['Northwind']))).toEqual(NOTHING);
      expect(decode(pgoutput.update(OTHERS, ['Northwind'], ['O', ['Contoso']]))).toEqual(NOTHING);
      expect(decode(pgoutput.remove(OTHERS, ['O', ['Northwind']]))).toEqual(NOTHING);
      expect(decode(pgoutput.truncate(OTHERS))).toEqual(NOTHING);
    }
  });
});

describe('a key of several columns', () => {
  const [lenders] = configuration.objects;

  /** The key is `tenant` and then `id`, which stand the other way round in the table, and not beside each other. */
  function decoderOf(columns = [ID, NAME, { name: 'tenant', identity: true }, { name: 'phone' }]) {
    const decoder = new PgoutputDecoder([{ ...(lenders as ObjectMapping), keyColumns: ['tenant', 'id'] }]);
    decoder.decode(pgoutput.relation(LENDERS, ['public', 'lenders'], columns));
    return (bytes: Buffer) => decoder.decode(bytes);
  }
  const row = (id: Value, tenant: Value) => [id, 'Northwind', tenant, '555'];

  test('is their texts, in the order of the configuration', () => {
    const decode = decoderOf();
    expect(decode(pgoutput.insert(LENDERS, row('7', 'a/b')))).toEqual(changed('insert', 'a~1b/7'));
    expect(decode(pgoutput.update(LENDERS, row('7', 'a')))).toEqual(changed('update', 'a/7'));
    expect(decode(pgoutput.remove(LENDERS, ['K', row('7', 'a')]))).toEqual(changed('delete', 'a/7'));
  });

  test('has changed when one of them has', () => {
    const decode = decoderOf();
    const updated = (before: readonly Value[]) => decode(pgoutput.update(LENDERS, row('7', 'a'), ['O', before]));
    expect(updated(row('8', 'a'))).toEqual(changed('update', 'a/7', 'a/8'));
    expect(updated(row('7', 'b'))).toEqual(changed('update', 'a/7', 'b/7'));
    expect(updated(row('7', 'a'))).toEqual(changed('update', 'a/7'));
  });

  test('is not known where one of them is not sent', () => {
    const decode = decoderOf();
    const any = { kind: 'unnamed rows', objects: ['Account'], by: 'delete' };
    for (const [id, tenant] of [
      [null, 'a'],
      ['7', null],
    ] as const) {
      expect(decode(pgoutput.remove(LENDERS, ['K', row(id, tenant)]))).toEqual(any);
      expect(decode(pgoutput.update(LENDERS, row('7', 'a'), ['K', row(id, tenant)]))).toEqual(changed('update', 'a/7'));
      expect(() => decode(pgoutput.insert(LENDERS, row(id, tenant)))).toThrow('without its key');
    }
  });

  test('is found when one of them has another name, and not when two have', () => {
    const renamed = { name: 'company', identity: true };
    const decode = decoderOf([ID, NAME, renamed, { name: 'phone' }]);
    expect(decode(pgoutput.insert(LENDERS, row('7', 'a')))).toEqual(changed('insert', 'a/7'));
    expect(() => decoderOf([{ name: 'number', identity: true }, NAME, renamed])).toThrow(
      expect.objectContaining({ code: 'NO_KEY_COLUMN' }),
    );
  });
});

test('truncated tables are those of their objects, and others beside them are passed over', () => {
  const { decode, describeLenders } = setUp();
  describeLenders();
  decode(pgoutput.relation(BORROWERS, ['public', 'borrowers'], [ID]));
  decode(pgoutput.relation(OTHERS, ['public', 'others'], [ID]));
  const gone = (...objects: string[]) => ({ kind: 'unnamed rows', objects, by: 'truncate' });
  expect(decode(pgoutput.truncate(LENDERS))).toEqual(gone('Account'));
  expect(decode(pgoutput.truncate(OTHERS, BORROWERS, LENDERS))).toEqual(gone('Contact', 'Account'));
});

describe('a table', () => {
  test('is described with its columns, their types and which of them identify a row', () => {
    const { describe, described } = setUp();
    describe([ID, NAME], 'f');
    expect(described).toEqual([
      {
        oid: LENDERS,
        table: 'public.lenders',
        columns: [
          { name: 'id', type: '20', identity: true },
          { name: 'name', type: '25', identity: false },
        ],
        replicaIdentity: 'f',
      },
    ]);
  });

  test('that was described again is read as it is now', () => {
    const { decode, describe, describeLenders } = setUp();
    describeLenders();
    describe([ID, NAME]);
    expect(decode(pgoutput.insert(LENDERS, ['7', 'Northwind']))).toEqual(changed('insert', '7'));
  });

  test('whose key has another name is read by the only column of its identity', () => {
    const { decode, describe } = setUp();
    describe([NAME, { ...ID, name: 'lender_id' }, { name: 'phone' }]);
    expect(decode(pgoutput.insert(LENDERS, row('7')))).toEqual(changed('insert', '7'));
  });

  test('whose key cannot be found is told with the change to make', () => {
    const { describe, described } = setUp();
    const failing = () => describe([NAME, { ...ID, name: 'lender_id', identity: false }]);
    expect(failing).toThrow(ConfigurationError);
    expect(failing).toThrow(expect.objectContaining({ code: 'NO_KEY_COLUMN' }));
    expect(failing).toThrow(/public\.lenders has no key column id any more.*give the column its name back\.$/);
    // What the watch of the tables has to say of it comes first.
    expect(described).toHaveLength(3);
  });

  test('that was not described is nothing that the server sends', () => {
    const { decode } = setUp();
    const failing = () => decode(pgoutput.insert(LENDERS, row('7')));
    expect(failing).toThrow(InvariantError);
    expect(failing).toThrow(
      expect.objectContaining({
        code: 'PGOUTPUT',
        message: 'pgoutput sent a change of relation 16401 without describing it first.',
      }),
    );
  });

  test('has its name, and its columns theirs, as they are', () => {
    const { objects } = quoted(configuration);
    const decoder = new PgoutputDecoder(objects);
    for (const [
      oid,
      {
        object,
        schema,
        table,
        keyColumns: [keyColumn = ''],
      },
    ] of objects.entries()) {
      decoder.decode(pgoutput.relation(oid, [schema, table], [{ name: keyColumn }]));
      expect(decoder.decode(pgoutput.insert(oid, ['k']))).toMatchObject({
        objects: [object],
        operation: 'insert',
        key: 'k',
      });
    }
  });
});

test('a type is passed over; what is none of the messages ends the stream', () => {
  const { decode } = setUp();
  expect(decode(pgoutput.type(1))).toEqual(NOTHING);
  const failing = () => decode(Buffer.from('X'));
  expect(failing).toThrow(InvariantError);
  expect(failing).toThrow(
    expect.objectContaining({ code: 'PGOUTPUT', message: 'pgoutput sent a message of the unknown type 88.' }),
  );
});

test('nobody has to name origins: they come with their names', () => {
  const decoder = new PgoutputDecoder(configuration.objects);
  decoder.name();
  expect(decoder.decode(pgoutput.origin('another feed'))).toEqual({ kind: 'origin', name: 'another feed' });
});
