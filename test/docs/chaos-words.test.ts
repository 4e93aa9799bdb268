/** Whoever reads a violation, or what was not held against sfsync, finds each of its words explained. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

test('the README of the chaos run has a line for each rule, and for no other', () => {
  const files = globSync('test/chaos/judge/rules/*.ts', { cwd: ROOT });
  const rules = files.flatMap((file) => /export const RULE = '(.*)';/.exec(read(file))?.[1] ?? []);
  const [, table = ''] = /\n\| rule \|[^\n]*\n\|[-|]+\n((?:\|.*\n)+)/.exec(read('test/chaos/README.md')) ?? [];
  const listed = [...table.matchAll(/^\| \*(.+?)\* \|/gm)].map(([, rule]) => rule);
  expect(rules.length).toBeGreaterThan(15);
  expect(listed.toSorted()).toEqual(rules.toSorted());
});

test('the guarantees name what each exclusion is for', () => {
  const [, union = ''] =
    /export type Excuse =\n((?: {2}\| '.*'\n?;?)+)/.exec(read('test/chaos/judge/finding.ts')) ?? [];
  const excuses = [...union.matchAll(/'(.+?)'/g)].map(([, excuse]) => excuse);
  const [, table = ''] = /\n\| counted as \|[^\n]*\n\|[-|]+\n((?:\|.*\n?)+)/.exec(read('docs/guarantees.md')) ?? [];
  const listed = [...table.matchAll(/^\| (.+?) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`(.+?)`/g)].map(([, word]) => word),
  );
  expect(excuses.length).toBeGreaterThan(15);
  expect(listed.toSorted()).toEqual(excuses.toSorted());
});
