/** Planted bugs follow the sources: each still has the text that it replaces. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { FAULTS } from '../faults/faults.ts';
import { KINDS } from '../plan/kinds.ts';
import { PLANTED_BUGS } from './bugs.ts';
import { overlaysOf } from './planted-bug.ts';

const root = join(import.meta.dirname, '../../..');

test('a planted bug is known by its name', () => {
  const names = PLANTED_BUGS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeGreaterThanOrEqual(25);
});

test('the faults and the operations that a planted bug needs are there', () => {
  const known = new Set(FAULTS.map(({ name }) => name));
  expect(PLANTED_BUGS.flatMap(({ faults }) => faults.filter((name) => !known.has(name)))).toEqual([]);
  expect(PLANTED_BUGS.flatMap(({ operations = [] }) => operations.filter((name) => !(name in KINDS)))).toEqual([]);
});

describe('a planted bug applies to the sources, and what comes of it can be read:', () => {
  test.each(PLANTED_BUGS)('$name', (bug) => {
    for (const [file, edit] of Object.entries(overlaysOf(bug))) {
      const before = readFileSync(join(root, file), 'utf8');
      const after = edit(before);
      expect(after).not.toBe(before);
      expect(() => transformSync(after, { loader: 'ts' })).not.toThrow();
    }
  });
});

test('a bug whose text has gone, or is there twice, does not apply', () => {
  const bug = { name: 'x', says: '', whose: 'ours', faults: [], seeds: 1 } as const;
  const overlay = overlaysOf({ ...bug, edits: [{ file: 'a.ts', find: 'one', replace: 'two' }] })['a.ts'];
  expect(overlay?.('one, three')).toBe('two, three');
  expect(() => overlay?.('three')).toThrow('a.ts has its text 0 times');
  expect(() => overlay?.('one, one')).toThrow('a.ts has its text 2 times');
});

test('edits of one file are made one after the other', () => {
  const bug = { name: 'x', says: '', whose: 'ours', faults: [], seeds: 1 } as const;
  const edits = ['one', 'two'].map((find) => ({ file: 'a.ts', find, replace: `${find}!` }));
  expect(overlaysOf({ ...bug, edits })['a.ts']?.('one, two')).toBe('one!, two!');
});
