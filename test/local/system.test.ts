import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, stat } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { DescribeStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AwsAccount } from '../../aws/aws-account.ts';
import { readDeploymentStatus } from '../../aws/pipelines.ts';
import { mappingOf } from '../../core/mapping/configuration.ts';
import configuration from '../../examples/lender/sync.config.ts';
import { RememberedPorts } from '../../local/remembered-ports.ts';
import { type LocalSystem, removeState, startLocal } from '../../local/system.ts';
import type { JournalEntry } from '../../packages/embedded-aws/service.ts';
import { startOwnPostgres } from '../support/postgres/postgres.ts';

const configurationFile = 'examples/lender/sync.config.ts';
let directory: string;
let system: LocalSystem;
const entries: JournalEntry[] = [];
const listeners = new Set<() => void>();

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sfsync-system-'));
  // The usual ports may go to the system of another test file while this one is stopped.
  const ports = new RememberedPorts(join(directory, 'ports.json'));
  for (const name of ['aws', 'org']) ports.set(name, await freePort());
  system = await start();
}, 120_000);
afterAll(async () => {
  await system.stop();
  await removeState(directory);
});

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  await once(server.close(), 'close');
  return port;
}

function start(): Promise<LocalSystem> {
  return startLocal({
    configurationFile,
    directory,
    pollMs: 1_000,
    alarmMinuteMs: 1_000,
    onEntry: (entry) => {
      entries.push(entry);
      for (const listener of listeners) listener();
    },
  });
}

/** Resolves with the entry that fits, one that was recorded already or the next one. */
function entry(fits: (entry: JournalEntry) => boolean): Promise<JournalEntry> {
  return new Promise((resolve) => {
    const look = (): void => {
      const found = entries.find(fits);
      if (found === undefined) return;
      listeners.delete(look);
      resolve(found);
    };
    listeners.add(look);
    look();
  });
}

const milliseconds = (moment: number | Date): number =>
  typeof moment === 'number' ? moment * 1_000 : moment.getTime();

async function rowsIn(table: string): Promise<number> {
  const client = new pg.Client({ connectionString: system.endpoints.postgres.url });
  await client.connect();
  try {
    const { rows } = await client.query<{ n: number }>(`select count(*)::int as n from ${table}`);
    return rows[0]?.n ?? 0;
  } finally {
    await client.end();
  }
}

test('endpoints.json says for its owner only where everything answers, and it does', async () => {
  const file = join(directory, 'endpoints.json');
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(system.endpoints);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const { aws, salesforce, resources } = system.endpoints;
  const { endpoint, region, accessKeyId, secretAccessKey } = aws;
  const client = { endpoint, region, credentials: { accessKeyId, secretAccessKey } };
  const { Buckets } = await new S3Client(client).send(new ListBucketsCommand());
  expect(Buckets?.map(({ Name }) => Name)).toEqual([resources.bucket]);
  const stateMachineArn = resources['stateMachine.salesforceToPostgres'];
  const machine = await new SFNClient(client).send(new DescribeStateMachineCommand({ stateMachineArn }));
  expect(machine.status).toBe('ACTIVE');
  const limits = await fetch(`${salesforce.instanceUrl}/services/data/v62.0/limits`, {
    headers: { authorization: `Bearer ${salesforce.accessToken}` },
  });
  expect(limits.status).toBe(200);
  expect(Object.keys(resources)).toEqual(
    expect.arrayContaining([
      'topic',
      'changeQueue.Contact',
      'changeDeadLetterQueue.Contact',
      'inboundFlow.Contact',
      'outboundFlow.Contact',
    ]),
  );
});

test('the sample of the org arrives by itself', async () => {
  await expect.poll(() => rowsIn('lenders'), { timeout: 60_000 }).toBe(60);
  await expect.poll(() => rowsIn('borrowers'), { timeout: 60_000 }).toBe(300);
  await expect.poll(() => rowsIn('loan_applications'), { timeout: 60_000 }).toBe(500);
}, 120_000);

test('a second start in the same directory is refused and disturbs nothing', async () => {
  await expect(startLocal({ configurationFile, directory })).rejects.toThrow('Another sfsync runs in');
  expect(existsSync(join(directory, 'endpoints.json'))).toBe(true);
});

test('the streamer is started again when it is killed', async () => {
  const before = entries.length;
  system.kill('wal-streamer');
  await entry((each) => entries.indexOf(each) >= before && /^streaming from/.test(each.text));
  expect(entries.slice(before)).toContainEqual(expect.objectContaining({ kind: 'fault', subject: 'wal-streamer' }));
});

test('a flow that is stopped sets off its alarm, and the alarm ends when it runs again', async () => {
  const flowName = system.endpoints.resources['inboundFlow.Opportunity'] ?? '';
  const notified = (state: string) =>
    entry(
      ({ kind, text }) => kind === 'notification' && text.startsWith(`${state}: `) && text.includes('FlowOpportunity'),
    );
  await system.call('appflow', 'StopFlow', { flowName });
  await notified('ALARM');
  const connection = { ...system.endpoints.aws, credentials: { ...system.endpoints.aws } };
  const account = new AwsAccount({ connection, stackName: 'sfsync' });
  const { objects } = await readDeploymentStatus(account, [
    mappingOf(configuration, 'Account'),
    mappingOf(configuration, 'Opportunity'),
  ]);
  expect(objects.map(({ inboundFlow }) => inboundFlow?.status)).toEqual(['Active', 'Suspended']);
  await system.call('appflow', 'StartFlow', { flowName });
  await notified('OK');
  const lines = (await readFile(join(directory, 'notifications.jsonl'), 'utf8')).trimEnd().split('\n');
  const messages = lines.map((line) => JSON.parse(line) as { subject: string; message: string });
  const [alarm] = messages.filter(({ subject }) => subject.includes('FlowOpportunity'));
  expect(alarm?.message).toContain('No run of the inbound flow of Opportunity has succeeded for a while');
}, 120_000);

test('stopped, nothing answers any more; started again, it goes on with what there was', async () => {
  const { aws, salesforce, postgres } = system.endpoints;
  await system.stop();
  expect(existsSync(join(directory, 'endpoints.json'))).toBe(false);
  for (const url of [aws.endpoint, salesforce.instanceUrl]) await expect(fetch(url)).rejects.toThrow();
  await expect(new pg.Client({ connectionString: postgres.url }).connect()).rejects.toThrow();

  system = await start();
  expect(system.endpoints).toEqual({ aws, salesforce, postgres, resources: system.endpoints.resources });
  expect(await rowsIn('lenders')).toBe(60);
  // The watermark is that of the run before: the sample does not come a second time.
  const since = Date.now();
  const flowName = system.endpoints.resources['inboundFlow.Account'];
  type Runs = { flowExecutions: { startedAt: number | Date; executionResult: { recordsProcessed: number } }[] };
  const processed = async (): Promise<number | undefined> => {
    const { flowExecutions } = await system.call<Runs>('appflow', 'DescribeFlowExecutionRecords', { flowName });
    const [newest] = flowExecutions;
    return newest !== undefined && milliseconds(newest.startedAt) > since
      ? newest.executionResult.recordsProcessed
      : undefined;
  };
  await expect.poll(processed, { timeout: 15_000 }).toBe(0);
}, 120_000);

test('a start that is given up leaves nothing behind', async () => {
  const other = await mkdtemp(join(tmpdir(), 'sfsync-given-up-'));
  // The same template, so that it need not be synthesised again.
  await cp(join(directory, 'cdk.out'), join(other, 'cdk.out'), { recursive: true });
  const giveUp = new AbortController();
  const steps: string[] = [];
  const started = startLocal({
    configurationFile,
    directory: other,
    signal: giveUp.signal,
    step: async (name, work) => {
      steps.push(name);
      const result = await work();
      if (name === 'Salesforce org') giveUp.abort(new Error('no longer wanted'));
      return result;
    },
  });
  await expect(started).rejects.toThrow('no longer wanted');
  expect(steps).not.toContain('embedded AWS');
  expect(existsSync(join(other, 'endpoints.json'))).toBe(false);
  // The lock is free again, and the org's port, too.
  await removeState(other);
}, 120_000);

test("a database of one's own is prepared and used, and stays when the rest is stopped", async () => {
  const server = await startOwnPostgres();
  const database = await server.createDatabase();
  const other = await mkdtemp(join(tmpdir(), 'sfsync-own-database-'));
  await cp(join(directory, 'cdk.out'), join(other, 'cdk.out'), { recursive: true });
  const own = await startLocal({ configurationFile, directory: other, databaseUrl: database.url, pollMs: 1_000 });
  expect(own.endpoints.postgres.url).toBe(database.url);
  const client = await database.client();
  const borrowers = async () => (await client.query('select count(*)::int as n from borrowers')).rows;
  await expect.poll(borrowers, { timeout: 30_000 }).toEqual([{ n: 300 }]);
  await own.stop();
  expect(await borrowers()).toEqual([{ n: 300 }]);
  expect(existsSync(join(other, 'postgres'))).toBe(false);
  await database[Symbol.asyncDispose]();
  await server.stop();
  await removeState(other);
}, 120_000);

test('a database that cannot be reached is one message, and nothing is started', async () => {
  const other = await mkdtemp(join(tmpdir(), 'sfsync-unreachable-'));
  const steps: string[] = [];
  const step = <T>(name: string, work: () => Promise<T>): Promise<T> => {
    steps.push(name);
    return work();
  };
  const databaseUrl = 'postgres://owner:hidden@127.0.0.1:1/lender';
  const started = startLocal({ configurationFile, directory: other, databaseUrl, step });
  await expect(started).rejects.toThrow(
    /^PostgreSQL at 127\.0\.0\.1:1\/lender \(DATABASE_URL\) cannot be reached: .*ECONNREFUSED/,
  );
  await expect(started).rejects.not.toThrow('hidden');
  expect(steps).toEqual(['PostgreSQL']);
  await removeState(other);
});
