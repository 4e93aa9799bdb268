/**
 * What a team does: installs the packed package into an empty folder, has a project written, checks and synthesises it, and
 * runs it on this machine for one edit each way. Takes packages from npm's cache, and from the registry what that lacks.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Endpoints } from '../../local/endpoints.ts';
import { runIn, TeamFolder } from './team-folder.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Compiles, unpacks 680 MB and starts a whole system, beside other tests. */
const PATIENCE_MS = 600_000;

describe('the package', { timeout: PATIENCE_MS }, () => {
  let tarballs: string;
  let team: TeamFolder;

  beforeAll(async () => {
    [tarballs, team] = await Promise.all([mkdtemp(join(tmpdir(), 'sfsync-pack-')), TeamFolder.make()]);
    const packed = await runIn(ROOT, 'npm', ['pack', '--json', '--pack-destination', tarballs]);
    const [{ filename }] = JSON.parse(packed.slice(packed.indexOf('[\n'))) as [{ filename: string }];
    await team.run('npm', 'init', '-y');
    const quick = ['--prefer-offline', '--no-audit', '--no-fund'];
    await team.run('npm', 'install', ...quick, join(tarballs, filename)).catch((cause: unknown) => {
      throw new Error(
        "The package cannot be installed: are its dependencies in npm's cache, or the registry in reach?",
        {
          cause,
        },
      );
    });
  }, PATIENCE_MS);
  afterAll(async () => {
    await team?.[Symbol.asyncDispose]();
    await rm(tarballs, { recursive: true, force: true });
  }, PATIENCE_MS);

  test('writes a project, and a second time leaves all of it alone', async () => {
    const first = await team.run('npx', 'sfsync', 'init');
    expect(first).toMatch(/^wrote +sync\.config\.ts$/m);
    expect(first).not.toContain('left alone');
    const second = await team.run('npx', 'sfsync', 'init');
    expect(second).not.toMatch(/^wrote/m);
  });

  test('has types that the project checks against', async () => {
    expect(await team.run('npx', 'tsc', '--noEmit')).toBe('');
  });

  test('is synthesised by the CDK CLI, with the names of the deployment', async () => {
    await team.run('npx', 'cdk', 'synth', '--quiet');
    const file = join(team.directory, 'cdk.out', 'sfsync.template.json');
    expect(await readFile(file, 'utf8')).toContain('sfsync-postgres-to-salesforce');
  });

  test('runs the whole system for one edit each way, and ends by Ctrl-C', async () => {
    const endpoints = await team.startLocal();
    const database = new pg.Client({ connectionString: endpoints.postgres.url });
    await database.connect();
    try {
      const pair = await seen(async () => {
        const { rows } = await database.query<{ id: string; record: string }>(
          'select l.id, l.salesforce_id as record from lenders l join sfsync.link k on k.salesforce_id = l.salesforce_id where k.base is not null limit 1',
        );
        return rows[0];
      });
      await editAccount(endpoints, pair.record, { Phone: '030 1111' });
      await seen(async () => {
        const { rows } = await database.query('select from lenders where id = $1 and phone = $2', [
          pair.id,
          '030 1111',
        ]);
        return rows.length === 1;
      });
      await database.query('update lenders set website = $2 where id = $1', [pair.id, 'https://edited.example']);
      await seen(async () => {
        return (await readAccount(endpoints, pair.record)).Website === 'https://edited.example';
      });
    } finally {
      await database.end();
    }
    expect(await team.stopLocal()).toMatch(/^stopped$/m);
    expect(existsSync(join(team.directory, '.local', 'endpoints.json'))).toBe(false);
  });
});

/** Its first answer that is one: everything has just been started, beside other tests. */
function seen<T>(ask: () => Promise<T>) {
  return vi.waitUntil(ask, { timeout: PATIENCE_MS / 2, interval: 200 });
}

function account({ salesforce }: Endpoints, id: string): string {
  return `${salesforce.instanceUrl}/services/data/v66.0/sobjects/Account/${id}`;
}

async function editAccount(endpoints: Endpoints, id: string, fields: object): Promise<void> {
  const headers = { authorization: `Bearer ${endpoints.salesforce.accessToken}`, 'content-type': 'application/json' };
  const answer = await fetch(account(endpoints, id), { method: 'PATCH', headers, body: JSON.stringify(fields) });
  expect(answer.status).toBe(204);
}

async function readAccount(endpoints: Endpoints, id: string): Promise<{ readonly Website?: unknown }> {
  const headers = { authorization: `Bearer ${endpoints.salesforce.accessToken}` };
  return (await (await fetch(account(endpoints, id), { headers })).json()) as { readonly Website?: unknown };
}
