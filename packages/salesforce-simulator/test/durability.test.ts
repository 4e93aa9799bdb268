import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Connection } from 'jsforce';
import { expect, test } from 'vitest';
import lenderSeed from '../../../examples/lender/seed.ts';
import { openStore } from '../../embedded-aws/store.ts';
import type { OrgSimulator } from '../org-simulator.ts';
import { created, refusal, startedOrg } from './started-org.ts';

const PROGRAM = new URL('./killable-org.ts', import.meta.url).pathname;

test('what was answered with success survives kill -9, and so do the secrets', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'org-simulator-'));
  try {
    const file = join(directory, 'org.sqlite');
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', PROGRAM, file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = new Promise((resolve) => child.once('exit', resolve));
    const { value } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
    const before = JSON.parse(String(value)) as OrgSimulator;
    const { instanceUrl, accessToken } = before;
    const connection = new Connection({ instanceUrl, accessToken, version: '66.0' });
    const results = await connection
      .sobject('Account')
      .create(Array.from({ length: 200 }, (_, i) => ({ Name: `A${i}` })));
    const kept = String(results[0]?.id);
    await connection.sobject('Account').update({ Id: kept, Phone: '1' });
    await connection.sobject('Account').destroy(String(results[1]?.id));
    child.kill('SIGKILL');
    await exited;

    await using org = await startedOrg({ store: openStore(file) });
    for (const name of ['accessToken', 'clientId', 'clientSecret', 'refreshToken'] as const)
      expect([name, org.simulator[name]]).toEqual([name, before[name]]);
    expect((await org.connection.query('SELECT COUNT() FROM Account')).totalSize).toBe(199);
    expect(await org.connection.sobject('Account').retrieve(kept)).toMatchObject({ Phone: '1' });
    const next = await created(org, 'Account', { Name: 'next' });
    expect(results.map((result) => result.id)).not.toContain(next);
    expect(await org.connection.soap.undelete([String(results[1]?.id)])).toMatchObject([{ success: true }]);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('the seed is loaded once; writes in flight and purged ids are remembered', async () => {
  const store = openStore(undefined);
  const seed = { store, seed: lenderSeed };
  let deleted: string;
  let changing: string;
  {
    await using org = await startedOrg(seed);
    deleted = await created(org, 'Account', { Name: 'Gone' });
    await org.connection.sobject('Account').destroy(deleted);
    await org.call('POST', '~/_simulator/actions', { purge: {} });
    changing = await created(org, 'Contact', { LastName: 'Before' });
    await org.faults({ delayedVisibility: { seconds: 60 } });
    await created(org, 'Account', { Name: 'Late' });
    await org.connection.sobject('Contact').update({ Id: changing, LastName: 'After' });
  }
  await using org = await startedOrg(seed);
  const count = async () => (await org.connection.query('SELECT COUNT() FROM Account')).totalSize;
  expect(await count()).toBe(60);
  const contact = org.connection.sobject('Contact');
  expect((await refusal(contact.update({ Id: changing, Title: 'x' }))).errorCode).toBe('UNABLE_TO_LOCK_ROW');
  const { deletedRecords } = await org.connection
    .sobject('Account')
    .deleted('2026-03-01T11:00:00Z', '2026-03-01T13:00:00Z');
  expect(deletedRecords.map(({ id }) => id)).toEqual([deleted]);
  expect(await created(org, 'Account', { Name: 'Next' })).not.toBe(deleted);
  org.clock.now += 61_000;
  expect(await count()).toBe(62);
  expect(await contact.retrieve(changing)).toMatchObject({ LastName: 'After' });
});
