import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ADDITIONS_FILE, earlierAdditions } from '../../../cli/init/earlier-additions.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sfsync-additions-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('additions of an earlier init', () => {
  const LINE = `${ADDITIONS_FILE} is from an earlier init and left alone: the tables lack nothing now`;
  test.each<[string, boolean, readonly string[], readonly string[]]>([
    ['there are none', false, [], []],
    ['this init writes some', true, [ADDITIONS_FILE], []],
    ['nothing is missing now', true, ['sync.config.ts'], [LINE]],
  ])('%s', async (_, exists, paths, lines) => {
    if (exists) await writeFile(join(directory, ADDITIONS_FILE), '-- before\n');
    const files = paths.map((path) => ({ path, text: '' }));
    expect(await earlierAdditions(directory, files)).toEqual(lines);
  });
});
