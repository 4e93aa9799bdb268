/** The table of docs/field-types.md against a server: what it says that a column holds, it holds, and what it changes is known before. */
import { beforeAll, expect, test } from 'vitest';
import { type CanonicalValue, fromPostgres, fromSalesforce, toPostgres } from '../../../core/mapping/canonical.ts';
import type { FieldMapping, ObjectMapping } from '../../../core/mapping/configuration.ts';
import type { FieldType, FieldTypeName } from '../../../core/mapping/field-types/field-type.ts';
import { fitsColumn } from '../../../core/mapping/field-types/field-types.ts';
import sample from '../../../examples/lender/sync.config.ts';
import { readTables } from '../../../postgres/prepare/table-catalog.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { columnValues } from '../../../postgres/tables/column-values.ts';
import { tableColumns } from '../../../postgres/tables/table-columns.ts';
import { COLUMNS, FIELDS } from '../../docs/field-types-table.ts';
import { useLenderDatabase } from '../../support/postgres/lender-database.ts';

const VALUES: Readonly<Record<FieldTypeName, readonly string[]>> = {
  text: [
    ...['a', '007', 'two  blanks', 'line\nbreak', 'ÄÖ 😀', '"quoted\\"', 'happy', 'a text that is longer', 'short   x'],
    ...['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'],
  ],
  number: [
    ...['0', '1', '-5', '0.5', '1000.005', '100000', '32768', '-2147483649', '123456789.12', '12345678901234567890'],
    ...['0.1234567890123456789', '16777217', '0.1', '1e-18', '999999999999999999'],
  ],
  boolean: ['true', 'false'],
  date: ['2024-02-29', '1700-01-01', '4000-12-31', '2024-10-27', '2024-03-31'],
  datetime: [
    ...['2024-02-29T12:00:00Z', '1700-01-01T00:00:00Z', '4000-12-31T23:59:59Z', '2024-10-27T00:30:00Z'],
    ...['2024-10-27T01:30:00Z', '2024-03-31T01:00:00Z', '2024-07-01T21:59:59.999Z'],
  ],
  time: ['00:00:00.000', '10:11:12.345', '23:59:59.999'],
  multipicklist: ['Car;House', 'happy;sad', 'a,b', '{x}', 'null', '"quoted\\"', 'ÄÖ 😀;x', 'longer than eight'],
  reference: [],
};

const lender = useLenderDatabase('file');
const { rows } = lender;
let session: Session;
let columns: readonly (typeof COLUMNS)[number][] = [];

const nameOf = (sql: string) => `c_${COLUMNS.findIndex((each) => each.sql === sql)}`;
const mapping = { ...(sample.objects[0] as ObjectMapping), object: 'Kinds__c', schema: 'kinds', table: 'all_of_them' };

beforeAll(async () => {
  const found = await rows(`select from pg_available_extensions where name = 'citext'`);
  columns = COLUMNS.filter(({ sql }) => sql !== 'citext' || found.length > 0);
  if (found.length > 0) await rows('create extension if not exists citext');
  await rows(`create schema kinds; create type kinds.mood as enum ('happy', 'sad', 'Car', 'House');
    grant usage on schema kinds to sfsync_apply`);
  const spelled = (sql: string) => (sql.startsWith('mood') ? `kinds.${sql}` : sql);
  await rows(
    columns
      .map(
        ({ sql }) =>
          `create domain kinds.${nameOf(sql)} as ${spelled(sql)}; create domain kinds.${nameOf(sql)}_too as kinds.${nameOf(sql)}`,
      )
      .join(';'),
  );
  const listed = columns.flatMap(({ sql }) => [
    `${nameOf(sql)} ${spelled(sql)}`,
    `${nameOf(sql)}_too kinds.${nameOf(sql)}_too`,
  ]);
  await rows(`create table kinds.all_of_them (id bigint primary key, salesforce_id text unique, ${listed.join(', ')})`);
  await rows('grant select on kinds.all_of_them to sfsync_apply');
  await rows(`set timezone to 'UTC'; set datestyle to 'ISO, YMD'`);
  session = await lender.session();
});

test('a column is of the type that the table names, and so is one of a domain of a domain', async () => {
  const { shapes } = await tableColumns(session, mapping);
  const catalog = (await readTables(lender.application, [mapping])).get('Kinds__c');
  for (const { sql, shape } of columns) {
    for (const column of [nameOf(sql), `${nameOf(sql)}_too`]) {
      expect(shapes.get(column), column).toMatchObject(shape);
      const { type, kind, elementKind } = catalog?.columns.find(({ name }) => name === column) ?? {};
      expect({ type, kind, elementKind: elementKind ?? 'none' }, column).toMatchObject({
        elementKind: 'none',
        ...shape,
        ...(elementKind === 'b' && { elementKind }),
      });
    }
  }
  const limits = (sql: string) => catalog?.columns.find(({ name }) => name === `${nameOf(sql)}_too`)?.maxLength;
  expect(['varchar(8)', 'char(8)', 'varchar'].map(limits)).toEqual([8, 8, null]);
});

/** What is in a row that a value was written to; undefined: the column refuses it. */
async function written(type: FieldType, column: string, value: CanonicalValue): Promise<CanonicalValue | undefined> {
  const { shapes, types } = await tableColumns(session, mapping);
  const shape = shapes.get(column);
  await rows('begin');
  try {
    const found = await rows(
      `insert into kinds.all_of_them as held (id, ${column}) values (1, $1::text::${types.get(column)}) returning ${type.columnText(`held.${column}`, shape)} as text`,
      [String(toPostgres(type, value, shape))],
    );
    return fromPostgres(type, found[0]?.text, 'F');
  } catch {
    return undefined;
  } finally {
    await rows('rollback');
  }
}

test.for(FIELDS)('$shown: each column holds what the table says', async ({ type }) => {
  const { shapes } = await tableColumns(session, mapping);
  for (const { sql, name, shape: listed } of columns) {
    if (!fitsColumn(type, listed)) continue;
    for (const column of [nameOf(sql), `${nameOf(sql)}_too`]) {
      const shape = shapes.get(column);
      if (shape === undefined) throw new Error(`there is no column ${column}`);
      const changed: string[] = [];
      const refused: string[] = [];
      for (const spelled of VALUES[type.name]) {
        const value = fromSalesforce(type, spelled, 'F');
        const found = await written(type, column, value);
        if (found === undefined) refused.push(spelled);
        else if (found !== value) changed.push(spelled);
        if (value === null || type.isExact(shape, value)) {
          // What a column changes, it is not believed to hold.
          expect([value, undefined], sql).toContain(found);
          continue;
        }
        const field = { ...(sample.objects[0]?.fields[0] as FieldMapping), column, type };
        const foretold = await columnValues(session, mapping, new Map([[field, new Set([value])]]));
        expect(foretold.get(field.field)?.get(value), `${sql}: ${spelled}`).toBe(found);
      }
      const says = type.columnHolds[name] ?? 'all';
      if (says !== 'all') expect([...changed, ...refused], sql).not.toEqual([]);
      if (!/rounded|cut|written|twice/.test(says)) expect(changed, sql).toEqual([]);
      if (!/refused/.test(says)) expect(refused, sql).toEqual([]);
    }
  }
});
