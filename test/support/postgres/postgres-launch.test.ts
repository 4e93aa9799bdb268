import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('a process that has launched a server keeps its exit status', () => {
  const module = fileURLToPath(new URL('./postgres-launch.ts', import.meta.url));
  const script = `await import(${JSON.stringify(module)}); process.exitCode = 7;`;
  const { status } = spawnSync(process.execPath, ['--input-type=module', '--eval', script]);
  expect(status).toBe(7);
});
