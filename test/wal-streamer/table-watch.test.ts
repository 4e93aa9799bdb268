import { describe, expect, test } from 'vitest';
import configuration from '../../examples/lender/sync.config.ts';
import type { TableColumn, TableDescription } from '../../wal-streamer/decoding/stream-message.ts';
import { keyIndexesOf, type TableChange, TableWatch } from '../../wal-streamer/table-watch.ts';

const [lenders] = configuration.objects;
if (lenders === undefined) throw new Error('The sample has no objects.');

const COLUMNS: readonly TableColumn[] = [
  ...new Set([...lenders.keyColumns, lenders.salesforceIdColumn, ...lenders.fields.map(({ column }) => column)]),
].map((name) => ({ name, type: '25', identity: lenders.keyColumns.includes(name) }));

function table(change: Partial<TableDescription> = {}): TableDescription {
  return { oid: 1, table: 'public.lenders', columns: COLUMNS, replicaIdentity: 'd', ...change };
}

/** The columns of the table with one of them as the test says; undefined: without it. */
function columns(name: string, change: Partial<TableColumn> | undefined): TableColumn[] {
  return COLUMNS.flatMap((each) => {
    if (each.name !== name) return [each];
    return change === undefined ? [] : [{ ...each, ...change }];
  });
}
const without = (name: string) => columns(name, undefined);
const unidentified = COLUMNS.map((each) => ({ ...each, identity: false }));
const byName = COLUMNS.map((each) => ({ ...each, identity: each.name === 'name' }));

/** What is told of a mapped table, as it is told. */
function told(change: string, more: Partial<TableChange> = {}) {
  return { object: 'Account', table: 'public.lenders', column: undefined, change, ...more };
}
const GONE = 'the mapped column is gone or has another name';

describe('DDL on a mapped table', () => {
  test('that the stream has not described before is logged only when it does not fit the configuration', () => {
    const watch = new TableWatch(configuration.objects);
    expect(watch.described(table())).toEqual([]);
    expect(watch.described(table({ columns: [...COLUMNS, { name: 'new', type: '25', identity: false }] }))).toEqual([]);
    const other = new TableWatch(configuration.objects);
    expect(other.described(table({ columns: without('phone') }))).toEqual([told(GONE, { column: 'phone' })]);
  });

  test('is logged with the column, once, also when the table was as before in between', () => {
    const watch = new TableWatch(configuration.objects);
    watch.described(table());
    const gone = table({ columns: without('phone') });
    expect(watch.described(gone)).toEqual([told(GONE, { column: 'phone' })]);
    expect(watch.described(gone)).toEqual([]);
    expect(watch.described(table())).toEqual([]);
    expect(watch.described(gone)).toEqual([]);
    expect(watch.described(table({ columns: without('name') }))).toEqual([told(GONE, { column: 'name' })]);
  });

  test('that gives a column another type is logged with both', () => {
    const watch = new TableWatch(configuration.objects);
    watch.described(table());
    const other = table({ columns: columns('name', { type: '1043' }) });
    const change = (from: number, to: number) => `the mapped column has another type (${from} became ${to})`;
    expect(watch.described(other)).toEqual([told(change(25, 1043), { column: 'name' })]);
    expect(watch.described(other)).toEqual([]);
    expect(watch.described(table())).toEqual([told(change(1043, 25), { column: 'name' })]);
  });

  test('counts for each column that is read or written, and each once', () => {
    const marks = { updatedAtColumn: 'changed', deletedAtColumn: 'gone_at', lockVersionColumn: 'version' };
    const watch = new TableWatch([{ ...lenders, ...marks }]);
    const [first, ...others] = lenders.fields;
    if (first === undefined) throw new Error('The sample has no fields.');
    const twice = new TableWatch([{ ...lenders, fields: [first, { ...first, field: 'Again' }, ...others] }]);
    const gone = (described: readonly TableChange[]) => described.map(({ column }) => column);
    expect(gone(watch.described(table()))).toEqual(['changed', 'gone_at', 'version']);
    expect(gone(twice.described(table({ columns: without(first.column) })))).toEqual([first.column]);
    const { salesforceIdColumn } = lenders;
    expect(gone(twice.described(table({ columns: without(String(salesforceIdColumn)) })))).toEqual([
      salesforceIdColumn,
    ]);
  });

  test.each([
    ['f', COLUMNS, 'the replica identity is full now', undefined],
    ['i', COLUMNS, 'the replica identity is an index now', undefined],
    ['n', unidentified, 'the replica identity is nothing, so updates and deletes of its rows fail now', undefined],
    [
      'i',
      byName,
      'the replica identity lacks the key: a delete does not say which row, so all links are looked at',
      'id',
    ],
  ])(
    'of its replica identity (%s) is logged, and leaves a comparison due',
    (replicaIdentity, described, text, column) => {
      const watch = new TableWatch(configuration.objects);
      watch.described(table());
      const other = table({ replicaIdentity, columns: described });
      expect(watch.described(other)).toEqual([told(text, { column, leaves: 'replica identity changed' })]);
      expect(watch.described(other)).toEqual([]);
      expect(watch.described(table())).toEqual([
        told('the replica identity is default now', { leaves: 'replica identity changed' }),
      ]);
    },
  );

  test.each(['d', 'f', 'i'])('that leaves it without an identity (%s) is logged', (replicaIdentity) => {
    const watch = new TableWatch(configuration.objects);
    watch.described(table());
    expect(watch.described(table({ replicaIdentity, columns: unidentified }))).toEqual([
      told('has no primary key any more: updates and deletes of its rows fail'),
    ]);
  });

  test('a replica identity that was there from the first is logged where rows cannot be followed by it', () => {
    const first = (change: Partial<TableDescription>) => new TableWatch(configuration.objects).described(table(change));
    expect(first({ replicaIdentity: 'f' })).toEqual([]);
    expect(first({ replicaIdentity: 'i' })).toEqual([]);
    expect(first({ replicaIdentity: 'f', columns: byName })).toEqual([]);
    expect(first({ replicaIdentity: 'n', columns: unidentified })).toMatchObject([
      { change: 'the replica identity is nothing, so updates and deletes of its rows fail now', leaves: undefined },
    ]);
    expect(first({ replicaIdentity: 'i', columns: byName })).toMatchObject([{ column: 'id', leaves: undefined }]);
  });

  test('that the plugin does not say is not known to have changed', () => {
    const watch = new TableWatch(configuration.objects);
    watch.described(table());
    expect(watch.described(table({ replicaIdentity: undefined, columns: unidentified }))).toEqual([]);
  });

  test('that gives it another name leaves a comparison due, each time', () => {
    const watch = new TableWatch(configuration.objects);
    watch.described(table());
    const renamed = table({ table: 'public.lenders_old' });
    const change = 'is called public.lenders_old now (1), and its changes are no longer those of Account';
    expect(watch.described(renamed)).toEqual([told(change, { leaves: 'table replaced' })]);
    expect(watch.described(renamed)).toEqual([]);
    watch.described(table());
    expect(watch.described(renamed)).toHaveLength(1);
  });

  test('that gives another name to a table of which nothing was described yet shows, too', () => {
    const watch = new TableWatch(configuration.objects);
    watch.known('Account', '1');
    expect(watch.described(table({ table: 'other.lenders' }))).toMatchObject([
      { object: 'Account', leaves: 'table replaced' },
    ]);
    expect(watch.described(table({ oid: 2, table: 'other.lenders' }))).toEqual([]);
  });

  test('a table that is not there, or not an object of the configuration, is not waited for', () => {
    const watch = new TableWatch(configuration.objects);
    watch.known('Account', null);
    watch.known('Unknown', '1');
    for (const oid of [0, 1, undefined]) {
      expect(watch.described(table({ oid, table: 'other.lenders' }))).toEqual([]);
    }
    // The plugin does not send the oid, so another name is another table.
    watch.described(table({ oid: undefined }));
    expect(watch.described(table({ oid: undefined, table: 'other.lenders' }))).toEqual([]);
  });
});

test('a key that was renamed is still the only column of the identity; under others it cannot be found', () => {
  const renamed = COLUMNS.map((each) => (each.name === 'id' ? { ...each, name: 'lender_id' } : each));
  expect(keyIndexesOf(lenders, table({ columns: renamed }))).toEqual([0]);
  expect(
    keyIndexesOf(lenders, table({ columns: renamed.map((each) => ({ ...each, identity: true })) })),
  ).toBeUndefined();
  expect(
    keyIndexesOf(lenders, table({ columns: renamed.map((each) => ({ ...each, identity: false })) })),
  ).toBeUndefined();
});

test('a key that has its name is found by it, whatever identifies a row', () => {
  expect(keyIndexesOf(lenders, table())).toEqual([COLUMNS.findIndex(({ name }) => name === 'id')]);
  const last = [...without('id'), { name: 'id', type: '20', identity: false }];
  const byAnother = last.map((each) => ({ ...each, identity: each.name === 'name' }));
  expect(keyIndexesOf(lenders, table({ columns: byAnother }))).toEqual([last.length - 1]);
});
