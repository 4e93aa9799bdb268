import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { FIELD_TYPES } from '../../core/mapping/field-types/field-types.ts';
import { COLUMNS, FIELDS, withTable } from './field-types-table.ts';

test('docs/field-types.md has the table as the field types make it (npm run docs:field-types)', () => {
  const document = readFileSync(new URL('../../docs/field-types.md', import.meta.url), 'utf8');
  expect(document).toBe(withTable(document));
});

test('the table has every field type, and every type of column that one of them takes or knows better', () => {
  const shown = new Set(FIELDS.map(({ type }) => type.name));
  const missing = Object.values(FIELD_TYPES).filter(
    ({ name, columnTypes }) => columnTypes !== undefined && !shown.has(name),
  );
  expect(missing).toEqual([]);
  const listed = new Set(COLUMNS.map(({ shape }) => shape.type));
  const known = FIELDS.flatMap(({ type: { columnTypes = [], instead = {} } }) => [
    ...columnTypes,
    ...Object.keys(instead),
  ]);
  expect(known.filter((type) => !listed.has(type) && type !== '_citext')).toEqual([]);
  const names = new Set(COLUMNS.map(({ name }) => name));
  expect(FIELDS.flatMap(({ type }) => Object.keys(type.columnHolds)).filter((name) => !names.has(name))).toEqual([]);
});
