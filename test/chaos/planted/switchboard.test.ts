/** Bugs behind switches: the modules of a copy are written out and run. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { transformSync } from 'esbuild';
import { expect, test } from 'vitest';
import { PLANTED_BUGS } from './bugs.ts';
import type { PlantedBug } from './planted-bug.ts';
import { SWITCHED_WITHIN_MS, switchboard } from './switchboard.ts';

const SOURCE = `export const LIMIT = 3;
export function price(): string { return 'right'; }
export async function later(): Promise<string> { return price(); }
export class Till { readonly open = price(); static make(): Till { return new Till(); } }
`;

function bugCalled(name: string, replace: string): PlantedBug {
  return {
    name,
    says: '',
    whose: 'ours',
    faults: [],
    seeds: 1,
    edits: [{ file: 'steps/a.ts', find: `'right'`, replace }],
  };
}

test('a call goes to the bug that is switched on, and otherwise to the file as it is', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sfsync-switchboard-'));
  const switchFile = join(directory, 'switch');
  try {
    const bugs = [bugCalled('one', `'wrong'`), bugCalled('two', `'worse'`)];
    for (const [file, text] of Object.entries(switchboard(bugs, () => SOURCE, switchFile))) {
      mkdirSync(dirname(join(directory, file)), { recursive: true });
      // What a bundler would do with the types.
      writeFileSync(join(directory, file), transformSync(text, { loader: 'ts' }).code);
    }
    const { price, later, Till, LIMIT } = await import(
      /* @vite-ignore */ pathToFileURL(join(directory, 'steps/a.ts')).href
    );
    const all = async () => [price(), await later(), new Till().open, Till.make().open];
    expect([await all(), LIMIT]).toEqual([['right', 'right', 'right', 'right'], 3]);
    for (const [name, answer] of [
      ['one', 'wrong'],
      ['two', 'worse'],
      ['', 'right'],
    ]) {
      writeFileSync(switchFile, name ?? '');
      await pause(SWITCHED_WITHIN_MS + 20);
      expect(await all()).toEqual(Array(4).fill(answer));
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('all planted bugs stand behind one switchboard', () => {
  const text = `export function a() {}`;
  const files = switchboard([bugCalled('one', '2')], () => `${text} 'right'`, '/nowhere');
  expect(Object.keys(files)).toEqual([
    'core/planted-bug.ts',
    'steps/a.original.ts',
    'steps/a.planted-0.ts',
    'steps/a.ts',
  ]);
  expect(new Set(PLANTED_BUGS.flatMap(({ edits }) => edits.map(({ file }) => file))).size).toBeGreaterThan(20);
});
