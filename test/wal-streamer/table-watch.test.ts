import { describe, expect, test } from 'vitest';
import configuration from '../../examples/lender/sync.config.ts';
import type { TableColumn, TableDescription } from '../../wal-streamer/decoding/stream-message.ts';
import { keyIndexOf, TableWatch } from '../../wal-streamer/table-watch.ts';

const [lenders] = configuration.objects;
if (lenders === undefined) throw new Error('The sample has no objects.');

const COLUMNS: readonly TableColumn[] = [
  ...new Set([lenders.keyColumn, lenders.salesforceIdColumn, ...lenders.fields.map(({ column }) => column)]),
].map((name) => ({ name, type: '25', identity: name === lenders.keyColumn }));

function table(change: Partial<TableDescription> = {}): TableDescription {
  return { oid: 1, table: 'public.lenders', columns: COLUMNS, replicaIdentity: 'd', ...change };
}

describe('DDL on a mapped table', () => {
  test('that the stream has not described before is logged only when it does not fit the configuration', () => {
    const watch = new TableWatch(configuration.objects);
    expect(watch.described(table())).toEqual([]);
    expect(watch.described(table({ columns: [...COLUMNS, { name: 'new', type: '25', identity: false }] }))).toEqual([]);
  });

  test('is logged with the column, once', () => {
    const watch = new TableWatch(configuration.objects);
    watch.described(table());
    const gone = table({ columns: COLUMNS.filter(({ name }) => name !== 'phone') });
    const lines = [
      {
        object: 'Account',
        table: 'public.lenders',
        column: 'phone',
        change: 'the mapped column is gone or has another name',
      },
    ];
    expect(watch.described(gone)).toEqual(lines);
    expect(watch.described(gone)).toEqual([]);
    const other = table({ columns: COLUMNS.map((each) => (each.name === 'name' ? { ...each, type: '1043' } : each)) });
    expect(watch.described(other)).toMatchObject([{ column: 'name', change: expect.stringContaining('another type') }]);
  });

  test.each([
    ['f', COLUMNS, 'the replica identity is full now'],
    ['n', COLUMNS.map((each) => ({ ...each, identity: false })), 'the replica identity is nothing, so'],
    ['d', COLUMNS.map((each) => ({ ...each, identity: false })), 'has no primary key any more'],
    ['i', COLUMNS.map((each) => ({ ...each, identity: each.name === 'name' })), 'the replica identity lacks the key'],
  ])('of its replica identity (%s) is logged', (replicaIdentity, columns, text) => {
    const watch = new TableWatch(configuration.objects);
    watch.described(table());
    expect(watch.described(table({ replicaIdentity, columns }))).toMatchObject([
      { change: expect.stringContaining(text) },
    ]);
  });

  test('that gives it another name leaves a comparison due, each time', () => {
    const watch = new TableWatch(configuration.objects);
    watch.described(table());
    const renamed = table({ table: 'public.lenders_old' });
    const [change, ...further] = watch.described(renamed);
    expect(change).toMatchObject({ object: 'Account', table: 'public.lenders', leaves: 'table replaced' });
    expect(change?.change).toContain('is called public.lenders_old now');
    expect([...further, ...watch.described(renamed)]).toEqual([]);
    watch.described(table());
    expect(watch.described(renamed)).toHaveLength(1);
  });

  test('that gives another name to a table of which nothing was described yet shows, too', () => {
    const watch = new TableWatch(configuration.objects);
    watch.known('Account', '1');
    expect(watch.described(table({ table: 'other.lenders' }))).toMatchObject([{ leaves: 'table replaced' }]);
    expect(watch.described(table({ oid: 2, table: 'other.lenders' }))).toEqual([]);
  });

  test('of its replica identity leaves a comparison due where it was another one before', () => {
    const watch = new TableWatch(configuration.objects);
    const byIndex = table({
      replicaIdentity: 'i',
      columns: COLUMNS.map((each) => ({ ...each, identity: each.name === 'name' })),
    });
    expect(watch.described(byIndex)).toMatchObject([{ leaves: undefined }]);
    expect(watch.described(table())).toMatchObject([{ leaves: 'replica identity changed' }]);
  });
});

test('a key that was renamed is still the only column of the identity; under others it cannot be found', () => {
  const renamed = COLUMNS.map((each) => (each.name === 'id' ? { ...each, name: 'lender_id' } : each));
  expect(keyIndexOf(lenders, table({ columns: renamed }))).toBe(0);
  expect(keyIndexOf(lenders, table({ columns: renamed.map((each) => ({ ...each, identity: true })) }))).toBe(-1);
});
