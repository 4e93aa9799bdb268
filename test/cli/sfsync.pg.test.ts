import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LENDER_TABLES, TEST_PASSWORDS } from '../support/postgres/lender-tables.ts';
import type { TestPostgres } from '../support/postgres/postgres.ts';
import { startPostgres } from '../support/postgres/postgres.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

function sfsync(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { promise, resolve } = Promise.withResolvers<{ code: number; out: string; err: string }>();
  execFile(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', 'cli/sfsync.ts', '--config', 'examples/lender/sync.config.ts', ...args],
    { cwd: ROOT, env: { PATH: process.env.PATH, ...env } },
    (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code), out, err }),
  );
  return promise;
}

describe('sfsync', () => {
  test('prepares a database and then checks it', async () => {
    const database = await server.createDatabase();
    const owner = await database.client();
    await owner.query(LENDER_TABLES);
    const env = {
      DATABASE_URL: database.url,
      SFSYNC_STREAMER_PASSWORD: TEST_PASSWORDS.streamer,
      SFSYNC_APPLY_PASSWORD: TEST_PASSWORDS.apply,
    };
    const unprepared = await sfsync(['check', '--slot', database.name], env);
    expect(unprepared).toMatchObject({ code: 2, err: expect.stringContaining('run `sfsync prepare`') });

    const prepared = await sfsync(['prepare', '--slot', database.name], env);
    expect(prepared).toMatchObject({ code: 0, err: '' });
    expect(prepared.out).toMatch(/^migration 0001-sfsync\.sql +created$/m);
    expect(prepared.out).not.toContain(TEST_PASSWORDS.apply);

    await owner.query(`
      insert into sfsync.link (object, salesforce_id, dirty, dirty_since) values ('Account', '001000000000001AAA', true, now());
      insert into sfsync.lease (object, circuit, circuit_reason) values ('Contact', 'open', 'REQUEST_LIMIT_EXCEEDED');
      insert into sfsync.rejected_record (object, direction, code, reason) values ('Contact', 'to-salesforce', 'X', 'y');`);
    const checked = await sfsync(['check', '--slot', database.name], env);
    expect(checked).toMatchObject({ code: 1, err: '' });
    expect(checked.out).toMatch(/^publication +all mapped tables$/m);
    expect(checked.out).toMatch(/^own transactions +marked by replication origin \(8\)$/m);
    expect(checked.out).toMatch(/^Account +1 +1 +\d{4}-\S+ +0 +closed +0 +0$/m);
    expect(checked.out).toContain('! Contact: the circuit is open: REQUEST_LIMIT_EXCEEDED');
    expect(checked.out).toContain('! Contact: 1 rejected record:');
    expect(checked.out).toContain(`! replication slot ${database.name} has no reader`);
  });

  test('a dry run is SQL that a second server would take', async () => {
    const database = await server.createDatabase();
    const owner = await database.client();
    await owner.query(LENDER_TABLES);
    const { code, out } = await sfsync([
      'prepare',
      '--dry-run',
      '--slot',
      database.name,
      '--database-url',
      database.url,
    ]);
    expect(code).toBe(0);
    await owner.query(out.replaceAll(/^select pg_create_logical_replication_slot.*$/gm, ''));
    const { rows } = await owner.query("select to_regclass('sfsync.link')::text as link");
    expect(rows).toEqual([{ link: 'sfsync.link' }]);
  });

  test('says in one sentence that PostgreSQL cannot be reached, or who is not let in', async () => {
    const away = await sfsync(['check', '--database-url', 'postgres://a:secret@127.0.0.1:1/b']);
    expect(away).toMatchObject({ code: 2, out: '' });
    expect(away.err.trim().split('\n')).toEqual([
      expect.stringContaining('PostgreSQL at 127.0.0.1:1/b cannot be reached'),
    ]);
    const stranger = new URL(server.url);
    stranger.password = 'wrong';
    const refused = await sfsync(['check', '--database-url', stranger.href]);
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('does not let us in') });
    const nowhere = await sfsync(['prepare', '--no-endpoints']);
    expect(nowhere).toMatchObject({ code: 2, err: expect.stringContaining('DATABASE_URL') });
  });
});
