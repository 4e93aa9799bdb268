import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeProject } from '../../../cli/init/project-writer.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sfsync-writer-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const FILES = [{ path: 'sync.config.ts', text: 'export default {};\n' }];

describe('the type in package.json', () => {
  test.each([
    ['is set where there is no other code', [], false, 'module'],
    ['is set beside our own files', ['sync.config.ts'], false, 'module'],
    ['is set beside installed and built code', ['node_modules/a/index.js', 'dist/a.js', '.x/a.js'], false, 'module'],
    ['stays where a script lies beside it', ['index.js'], false, undefined],
    ['stays where code lies below src/', ['src/web/page.tsx'], false, undefined],
    ['is set beside other code when forced', ['index.js'], true, 'module'],
  ])('%s', async (_, code, force, type) => {
    await writeFile(join(directory, 'package.json'), '{ "name": "team" }');
    for (const path of code) {
      await mkdir(dirname(join(directory, path)), { recursive: true });
      await writeFile(join(directory, path), '');
    }
    const { leftAlone } = await writeProject(directory, FILES, force);
    expect(JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')).type).toBe(type);
    expect(leftAlone.filter((line) => line.includes('"type": "module", or rename them to .mts'))).toHaveLength(
      type === undefined ? 1 : 0,
    );
  });
});
