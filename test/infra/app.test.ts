import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { PROJECT } from './assembly.ts';

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

/** A project with its own `sync.config.ts`. */
function projectWith(configuration: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'sfsync-app-'));
  directories.push(directory);
  for (const part of ['core', 'infra', 'state-machines', 'package.json']) {
    cpSync(join(PROJECT, part), join(directory, part), { recursive: true });
  }
  for (const part of ['functions', 'examples/lender']) mkdirSync(join(directory, part), { recursive: true });
  symlinkSync(join(PROJECT, 'node_modules'), join(directory, 'node_modules'));
  writeFileSync(join(directory, 'examples/lender/sync.config.ts'), configuration);
  return directory;
}

function run(directory: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['infra/app.ts', ...args], {
    cwd: directory,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

test('a faulty configuration is refused with all its faults and no stack trace', () => {
  const directory = projectWith(`
    import { defineSync, text } from '../../core/mapping/configuration.ts';
    export default defineSync({
      objects: {
        Account: { table: 'a.b.c', fields: { Name: text('name') } },
        Contact: { table: 'public.borrowers', fields: { Email: { column: '', type: 'text' } } },
      },
      settings: { origins: 0 },
    });`);
  const { status, stdout, stderr } = run(
    directory,
    '--config',
    'examples/lender/sync.config.ts',
    '--out',
    join(directory, 'out'),
  );
  expect(status).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toContain('sync.config.ts has 3 fault(s)');
  for (const place of ['objects.Account.table', 'objects.Contact.fields.Email.column', 'settings.origins']) {
    expect(stderr).toContain(place);
  }
  expect(stderr).not.toMatch(/\n\s+at /);
});

test('an absent configuration is reported with the place, and with the command that writes one', () => {
  const { status, stderr } = run(PROJECT, '--out', join(tmpdir(), 'sfsync-nothing'));
  expect(status).toBe(1);
  expect(stderr).toContain(`There is no ${join(PROJECT, 'sync.config.ts')}`);
  expect(stderr).toContain('npx sfsync init');
  expect(stderr).not.toMatch(/\n\s+at /);
});

test('a name that cannot be one is refused', () => {
  const { status, stderr } = run(PROJECT, '--name', 'Billing');
  expect(status).toBe(1);
  expect(stderr).toContain('The name Billing of the deployment is not lower-case');
  expect(stderr).not.toMatch(/\n\s+at /);
});

test('an argument that is not known is refused', () => {
  const { status, stderr } = run(PROJECT, '--output', 'elsewhere');
  expect(status).toBe(1);
  expect(stderr).toContain("'--output'");
  expect(stderr).not.toMatch(/\n\s+at /);
});
