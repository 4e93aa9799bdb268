import { expect, test } from 'vitest';
import { inSchema } from '../../../postgres/session/names.ts';

test.each([
  ['select from sfsync.link l', 'select from sfsync_eu.link l'],
  ["select to_regclass('sfsync.migration')", "select to_regclass('sfsync_eu.migration')"],
  ['create schema if not exists sfsync;', 'create schema if not exists sfsync_eu;'],
  ['insert into sfsync.a select from sfsync.b', 'insert into sfsync_eu.a select from sfsync_eu.b'],
])('%s is written for the schema', (statement, expected) => {
  expect(inSchema(statement, 'sfsync_eu')).toBe(expected);
  expect(inSchema(statement, 'sfsync')).toBe(statement);
});

test.each(['select from "sfsync"."x"', 'select from my_sfsync.x', 'create temporary table sfsync_check (a int)'])(
  '%s is not about it',
  (statement) => {
    expect(inSchema(statement, 'sfsync_eu')).toBe(statement);
  },
);
