import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeEndpoints } from '../../local/endpoints.ts';
import { START, type StartedOrg, startedOrg } from '../../packages/salesforce-simulator/test/started-org.ts';
import { createLenderDatabase, type LenderDatabase } from '../support/postgres/lender-database.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** More than the REST API is asked for, so that the keys come through the Bulk API in two pages. */
const RECORDS = 20_000;

let lender: LenderDatabase;
let org: StartedOrg;
let environment: Record<string, string>;

beforeAll(async () => {
  const seed = () =>
    Array.from({ length: RECORDS }, (_, i) => ({
      object: 'Contact',
      values: { LastName: `M ${i}` },
      createdAt: START,
    }));
  [lender, org] = await Promise.all([createLenderDatabase(), startedOrg({ seed })]);
  const { instanceUrl, clientId, clientSecret } = org.simulator;
  environment = {
    PATH: process.env.PATH ?? '',
    DATABASE_URL: lender.database.url,
    SALESFORCE_INSTANCE_URL: instanceUrl,
    SALESFORCE_CLIENT_ID: clientId,
    SALESFORCE_CLIENT_SECRET: clientSecret,
  };
});
afterAll(async () => {
  await org?.[Symbol.asyncDispose]();
  await lender?.[Symbol.asyncDispose]();
});

function start(args: readonly string[], env: Readonly<Record<string, string>> = environment): ChildProcess {
  const command = [
    '--disable-warning=ExperimentalWarning',
    'cli/sfsync.ts',
    '--config',
    'examples/lender/sync.config.ts',
    'load',
    ...args,
  ];
  return spawn(process.execPath, command, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function sfsync(args: readonly string[], env?: Readonly<Record<string, string>>) {
  const child = start(args, env);
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  if (child.stdout === null || child.stderr === null) throw new Error('the command has no output');
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, out, err };
}

const count = async (sql: string): Promise<number> => {
  const { rows } = await lender.application.query<{ n: number }>(`select count(*)::int as n from ${sql}`);
  return rows[0]?.n ?? 0;
};
const linked = () => count('sfsync.link where base is not null');

const CONTACT = ['--no-endpoints', '--object', 'Contact'];

describe('20,000 records, half of them with a row', () => {
  test('are counted by a dry run, which writes nothing', async () => {
    // As a first load by key would have left them, had it been stopped before the first record was read.
    const ids = (
      await org.connection.query('SELECT Id FROM Contact LIMIT 10000', { autoFetch: true, maxFetch: 10_000 })
    ).records;
    await lender.application.query(
      `insert into borrowers (last_name, salesforce_id) select 'R', id from unnest($1::text[]) as x (id)`,
      [ids.map(({ Id }) => Id)],
    );
    const { code, out, err } = await sfsync([...CONTACT, '--dry-run']);
    expect(err).toBe(`on the AWS account, org ${org.simulator.instanceUrl}\n`);
    expect(out).toMatch(/matched by Salesforce id +│ +10000 │ linked/);
    expect(out).toMatch(/only in Salesforce +│ +10000 │ become rows/);
    expect(out).toContain('! nothing of Account is linked yet');
    expect(out).toContain('dry run: nothing was written');
    expect(code).toBe(0);
    expect([await count('sfsync.link'), await count('borrowers')]).toEqual([0, 10_000]);
  });

  test('are linked by a run that was killed in the middle, and by another one', { timeout: 120_000 }, async () => {
    const child = start(CONTACT);
    const ended = new Promise((resolve) => child.on('close', resolve));
    child.stdout?.resume();
    child.stderr?.resume();
    for (;;) {
      const done = await linked();
      if (done > 2000) break;
      expect(child.exitCode).toBe(null);
      await pause(20);
    }
    child.kill('SIGKILL');
    await ended;
    const before = await linked();
    expect(before).toBeLessThan(RECORDS);

    const { code, out } = await sfsync([...CONTACT, '--json']);
    expect(code).toBe(0);
    const report = JSON.parse(out);
    // What the killed run had just sent may be committed after it was counted.
    expect(report.counts.records.linked).toBeGreaterThanOrEqual(before);
    expect(report.result.linked).toBe(RECORDS - report.counts.records.linked);
    expect(report).toMatchObject({ dryRun: false, ambiguous: [], result: { rejected: 0, left: 0 } });
    expect([await linked(), await count('sfsync.link'), await count('borrowers')]).toEqual([RECORDS, RECORDS, RECORDS]);
    const joined = 'sfsync.link l join borrowers b on b.id::text = l.row_key and b.salesforce_id = l.salesforce_id';
    expect(await count(joined)).toBe(RECORDS);
    expect((await org.stats()).writes).toEqual({});
  });
});

describe('the command', () => {
  test('refuses to make rows of records that may have one, unless an option asks for it', async () => {
    await lender.application.query(`insert into lenders (name) values ('Acme')`);
    await org.connection.sobject('Account').create({ Name: 'Acme' });
    const refused = await sfsync(['--no-endpoints', '--object', 'Account']);
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('Nothing was written: 1 record and 1 row') });
    expect(await count('lenders')).toBe(1);
    const asked = await sfsync(['--no-endpoints', '--object', 'Account', '--without-key', '--json']);
    expect(JSON.parse(asked.out)).toMatchObject({ result: { linked: 1, inserted: 1 } });
    expect(await count('lenders')).toBe(2);
  });

  test('takes database and org of a local run', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'sfsync-load-'));
    try {
      const { instanceUrl, accessToken, clientId, clientSecret } = org.simulator;
      writeEndpoints(directory, {
        aws: { endpoint: 'http://127.0.0.1:1', region: 'us-east-1', accessKeyId: 'k', secretAccessKey: 's' },
        postgres: { url: lender.database.url },
        salesforce: { instanceUrl, accessToken, clientId, clientSecret },
        resources: {},
      });
      const args = ['--endpoints', join(directory, 'endpoints.json'), '--object', 'Opportunity', '--dry-run'];
      const { code, err } = await sfsync(args, { PATH: environment.PATH ?? '' });
      expect([code, err]).toEqual([0, `on the local run at http://127.0.0.1:1, org ${instanceUrl}\n`]);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  test('says which variables it misses, and who is not let in', async () => {
    const { SALESFORCE_CLIENT_ID: _, ...without } = environment;
    expect(await sfsync(CONTACT, { ...without, SALESFORCE_INSTANCE_URL: 'org' })).toMatchObject({
      code: 2,
      err: expect.stringMatching(/--salesforce-secret.*SALESFORCE_INSTANCE_URL, SALESFORCE_CLIENT_ID\.$/m),
    });
    const stranger = await sfsync(CONTACT, { ...environment, SALESFORCE_CLIENT_SECRET: 'wrong-secret' });
    expect(stranger).toMatchObject({ code: 2, err: expect.stringContaining('Salesforce answered invalid_client.') });
    expect(stranger.err).not.toContain('wrong-secret');
  });
});
