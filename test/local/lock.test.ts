import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DirectoryInUse, lockDirectory } from '../../local/lock.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sfsync-lock-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test('a directory has one holder at a time, also within one process', () => {
  const release = lockDirectory(directory);
  expect(() => lockDirectory(directory)).toThrow(DirectoryInUse);
  release();
  lockDirectory(directory)();
});

test('the lock of a killed process is free', async () => {
  const module = JSON.stringify(new URL('../../local/lock.ts', import.meta.url).href);
  const script = `const { lockDirectory } = await import(${module});
    lockDirectory(${JSON.stringify(directory)}); console.log('held'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script]);
  await once(child.stdout, 'data');
  expect(() => lockDirectory(directory)).toThrow('Another sfsync runs in');
  child.kill('SIGKILL');
  await once(child, 'exit');
  lockDirectory(directory)();
});
