import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { inSchema } from '../../../postgres/session/names.ts';

test.each([
  ['select from sfsync.link l', 'select from sfsync_eu.link l'],
  ["select 'it''s sfsync.a' from sfsync.a", "select 'it''s sfsync.a' from sfsync_eu.a"],
  [String.raw`select E'\' sfsync.a' from sfsync.a`, String.raw`select E'\' sfsync.a' from sfsync_eu.a`],
  ["-- it's sfsync.a\nselect from sfsync.a", "-- it's sfsync.a\nselect from sfsync_eu.a"],
  ['create schema if not exists sfsync;', 'create schema if not exists sfsync_eu;'],
  ['insert into sfsync.a select from sfsync.b', 'insert into sfsync_eu.a select from sfsync_eu.b'],
])('%s is written for the schema', (statement, expected) => {
  expect(inSchema(statement, 'sfsync_eu')).toBe(expected);
  expect(inSchema(statement, 'sfsync')).toBe(statement);
});

test.each([
  'select from "sfsync"."x"',
  `select from t where email like '%@sfsync.io'`,
  "insert into x (name) values ('0001-sfsync.sql')",
  'select from my_sfsync.x',
  'create temporary table sfsync_check (a int)',
])('%s is not about it', (statement) => {
  expect(inSchema(statement, 'sfsync_eu')).toBe(statement);
});

const MIGRATIONS = new URL('../../../sql/', import.meta.url);

test.each(readdirSync(MIGRATIONS))('%s makes everything in the schema of its deployment', (file) => {
  const text = inSchema(readFileSync(new URL(file, MIGRATIONS), 'utf8'), 'sfsync_eu');
  const statements = text.replace(/--[^\n]*/g, '');
  // A setting has a prefix, and no schema.
  const left = statements.replace(/current_setting\('sfsync\.\w+'/g, '').match(/\bsfsync\.\w+/g);
  expect(left).toBeNull();
});
