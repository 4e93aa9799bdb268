import { access, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { addInitCommand } from '../../../cli/init/command.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sfsync-command-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test("the project's folder is the configuration's", async () => {
  const program = new Command();
  addInitCommand(program, { config: join(directory, 'proj', 'sync.config.ts'), name: 'sfsync' });
  await program.parseAsync(['init', '--example'], { from: 'user' });
  expect(await readdir(join(directory, 'proj'))).toEqual(
    expect.arrayContaining(['.gitignore', 'app.ts', 'package.json', 'salesforce', 'schema.sql', 'sync.config.ts']),
  );
  await expect(access(join(process.cwd(), 'app.ts'))).rejects.toThrow('ENOENT');
});
