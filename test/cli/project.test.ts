import { execFile } from 'node:child_process';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const SFSYNC = fileURLToPath(new URL('../../cli/sfsync.ts', import.meta.url));
const FACE = fileURLToPath(new URL('../../sfsync.ts', import.meta.url));
const NOWHERE = 'postgres://a@127.0.0.1:1/b';

let directory: string;
beforeAll(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'sfsync-project-')));
  const fields = `{ LastName: text('last_name') }`;
  const sync = `defineSync({ objects: { Contact: { table: 'borrowers', fields: ${fields} } } })`;
  await writeFile(
    join(directory, 'team.config.ts'),
    `import { defineSync, text } from '${FACE}';\nexport default ${sync};\n`,
  );
  await writeFile(join(directory, 'other.ts'), 'export const settings = {};\n');
});
afterAll(() => rm(directory, { recursive: true, force: true }));

function sfsync(...args: readonly string[]) {
  const { promise, resolve } = Promise.withResolvers<{ code: number; out: string; err: string }>();
  const options = { cwd: directory, env: { PATH: process.env.PATH } };
  execFile(process.execPath, ['--disable-warning=ExperimentalWarning', SFSYNC, ...args], options, (error, out, err) =>
    resolve({ code: error === null ? 0 : Number(error.code), out, err }),
  );
  return promise;
}

describe('the project of a command', () => {
  test('is one message when there is none', async () => {
    expect(await sfsync('check')).toEqual({
      code: 2,
      out: '',
      err: `There is no ${directory}/sync.config.ts. Run \`npx sfsync init\` to write one, or name yours with --config.\n`,
    });
  });

  test('is named before or after the command', async () => {
    const unreachable = { code: 2, err: expect.stringContaining('PostgreSQL at 127.0.0.1:1/b cannot be reached') };
    expect(await sfsync('--config', 'team.config.ts', 'check', '--database-url', NOWHERE)).toMatchObject(unreachable);
    expect(await sfsync('check', '--database-url', NOWHERE, '--config=team.config.ts')).toMatchObject(unreachable);
  });

  test('names its objects in the help and in the choices of the commands', async () => {
    expect((await sfsync('load', '--help', '--config', 'team.config.ts')).out).toContain('one of Contact;');
    const other = await sfsync('rejects', '--object', 'Lead', '--config', 'team.config.ts');
    expect(other).toMatchObject({ code: 2, err: expect.stringContaining('Allowed choices are Contact.') });
  });

  test('must export a configuration', async () => {
    const { code, err } = await sfsync('check', '--config', 'other.ts');
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining('exports no configuration') });
  });

  test('is not needed for help', async () => {
    const { code, out } = await sfsync('--help');
    expect(code).toBe(0);
    expect(out).toContain('There are more commands where there is a sync.config.ts.');
  });
});
