import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isRunning } from '../../../local/host/leftover-process.ts';
import { ProcessHost } from '../../../local/host/process-host.ts';
import type { ContainerDefinition } from '../../../local/host/resources/containers.ts';
import type { ProcessEvent } from '../../../local/host/supervised-process.ts';

const NAMES = { cluster: 'cluster', service: 'service' };
let directory: string;
const hosts: ProcessHost[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sfsync-host-'));
});
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.stop();
  await rm(directory, { recursive: true, force: true });
});

const definition: Omit<ContainerDefinition, 'directory'> = {
  name: 'streamer',
  command: ['node', 'main.js'],
  environment: { LEVEL: 'INFO', HEARTBEAT_FILE: '/tmp/heartbeat' },
  secrets: { PGHOST: 'arn:aws:secretsmanager:us-east-1:0:secret:database-AbCdEf:host::' },
  stopTimeoutMs: 5_000,
  healthCheck: undefined,
  taskRoleArn: 'arn:task',
  executionRoleArn: 'arn:execution',
  logGroup: undefined,
};

function makeHost() {
  const asked: string[] = [];
  const events: ProcessEvent[] = [];
  const line = Promise.withResolvers<string>();
  const died = Promise.withResolvers<void>();
  const host = new ProcessHost({
    logDirectory: join(directory, 'logs'),
    scratchDirectory: join(directory, 'scratch'),
    processesFile: join(directory, 'processes.json'),
    awsEnvironment: (role) => ({ AWS_ACCESS_KEY_ID: `key of ${role}` }),
    secret: async (id, role) => {
      asked.push(`${id} as ${role}`);
      return '{"host":"127.0.0.1"}';
    },
    onEvent: (_container, event) => {
      events.push(event);
      if (event.kind === 'line') line.resolve(event.line);
      if (event.kind === 'died') died.resolve();
    },
  });
  hosts.push(host);
  return { host, asked, events, line: line.promise, died: died.promise };
}

test('the container has its environment, its secrets by the execution role, keys of the task role and a /tmp of its own', async () => {
  await writeFile(join(directory, 'main.js'), 'console.log(JSON.stringify(process.env)); setInterval(() => {}, 1e3);');
  const { host, asked, line } = makeHost();
  host.run('Service', { ...definition, directory }, NAMES);
  await host.start();
  expect(JSON.parse(await line)).toMatchObject({
    LEVEL: 'INFO',
    PGHOST: '127.0.0.1',
    AWS_ACCESS_KEY_ID: 'key of arn:task',
    HEARTBEAT_FILE: join(directory, 'scratch', 'streamer', 'heartbeat'),
  });
  expect(asked).toEqual(['arn:aws:secretsmanager:us-east-1:0:secret:database-AbCdEf as arn:execution']);
  expect(() => host.kill('other', 'SIGKILL')).toThrow('No container other runs here (running: streamer)');
});

test('what a killed run left behind is ended by the next start', async () => {
  await writeFile(join(directory, 'main.js'), 'console.log("up"); setInterval(() => {}, 1e3);');
  const killed = makeHost();
  killed.host.run('Service', { ...definition, directory }, NAMES);
  await killed.host.start();
  await killed.line;
  const [pid = 0] = killed.host.pids;
  expect(JSON.parse(await readFile(join(directory, 'processes.json'), 'utf8'))).toEqual([{ pid, words: ['main.js'] }]);

  await makeHost().host.start();
  await expect.poll(() => isRunning({ pid, words: [] })).toBe(false);
});

test('a container that hangs is ended by its health check, which looks into the /tmp of the container', async () => {
  await writeFile(join(directory, 'main.js'), 'console.log("up"); setInterval(() => {}, 1e3);');
  const { host, events, line, died } = makeHost();
  const command = ['node', '-e', "require('node:fs').statSync('/tmp/heartbeat')"];
  const healthCheck = { command, intervalMs: 50, timeoutMs: 5_000, retries: 2, startPeriodMs: 0 };
  await mkdir(join(directory, 'scratch', 'streamer'), { recursive: true });
  await writeFile(join(directory, 'scratch', 'streamer', 'heartbeat'), '');
  host.run('Service', { ...definition, directory, healthCheck }, NAMES);
  await host.start();
  await line;
  await rm(join(directory, 'scratch', 'streamer', 'heartbeat'));
  await died;
  expect(events.slice(-2)).toEqual([
    { kind: 'unhealthy', reason: 'unhealthy after 2 failed checks' },
    { kind: 'died', reason: 'SIGTERM', restartInMs: 500 },
  ]);
});
