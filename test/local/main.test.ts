import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isRunning } from '../../local/host/leftover-process.ts';
import { copyProject, type ProjectCopy } from '../support/system/project-copy.ts';

let project: ProjectCopy;
const CONFIGURATION = 'examples/lender/sync.config.ts';
const children = new Set<ChildProcess>();
beforeAll(async () => {
  project = await copyProject();
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await project[Symbol.asyncDispose]();
});

/** `npm start` without npm: what it runs, in a process group of its own. */
function npmStart(args: readonly string[] = [], environment: Readonly<Record<string, string>> = {}) {
  const flags = ['--disable-warning=ExperimentalWarning', 'local/main.ts', '--config', CONFIGURATION, ...args];
  const { DATABASE_URL: _, ...inherited } = process.env;
  const child = spawn(process.execPath, flags, {
    cwd: project.directory,
    env: { ...inherited, ...environment },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  let output = '';
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += String(chunk);
      for (const look of waiting) look();
    });
  }
  const ended = once(child, 'close').then(([status]) => {
    children.delete(child);
    return { status: status as number | null, output };
  });
  const printed = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (output.includes(text)) resolve();
      };
      waiting.add(look);
      look();
      void ended.then(() => reject(new Error(`it ended without printing ${text}:\n${output}`)));
    });
  return { pid: child.pid ?? 0, ended, printed };
}

test('a second start is refused, Ctrl-C twice ends everything, and nothing is left', async () => {
  const first = npmStart(['--poll', '1s']);
  await first.printed('ready after');
  const state = join(project.directory, '.local');
  const streamer = JSON.parse(await readFile(join(state, 'processes.json'), 'utf8')) as { pid: number }[];
  const server = await readFile(join(state, 'postgres', 'data', 'postmaster.pid'), 'utf8');
  const pids = [...streamer.map(({ pid }) => pid), Number(server.split('\n')[0]), first.pid];
  expect(await runningOf(pids)).toEqual(pids);

  expect(await npmStart().ended).toMatchObject({
    status: 1,
    output: expect.stringContaining('Another sfsync runs'),
  });

  process.kill(-first.pid, 'SIGINT');
  process.kill(-first.pid, 'SIGINT');
  const { status, output } = await first.ended;
  expect(output).toMatch(/stopping \.\.\.\nstopped\n$/);
  expect(status).toBe(0);
  await expect.poll(() => runningOf(pids)).toEqual([]);
  expect(existsSync(join(state, 'endpoints.json'))).toBe(false);
}, 120_000);

test('a faulty configuration: its faults are listed, and nothing is touched', async () => {
  const file = project.configurationFile;
  const before = await readFile(file, 'utf8');
  const faulty = `import { defineSync, reference, text } from '../../core/mapping/configuration.ts';
    export default defineSync({ objects: {
      Contact: { table: 'borrowers', fields: { Id: text('id_in_salesforce'), AccountId: reference('lender_id', 'Acount') } },
    } });`;
  await writeFile(file, faulty);
  const { status, output } = await npmStart(['--fresh']).ended;
  expect(status).toBe(1);
  expect(output).toContain('Id: is a system field');
  expect(output).toContain('AccountId: points to Acount');
  expect(output).not.toContain('    at ');
  expect(existsSync(join(project.directory, '.local', 'credentials.json'))).toBe(true);
  await writeFile(file, before);
}, 60_000);

test.each([
  [['--poll', '10min'], {}, 'Give a time from 1s to 60s'],
  [['--aws-endpoint', 'http://127.0.0.1:1'], {}, 'is not part of this version'],
  [[], { DATABASE_URL: 'postgres://owner:hidden@127.0.0.1:1/lender' }, 'cannot be reached'],
])('%j %j is one clear message', async (args, environment, message) => {
  const { status, output } = await npmStart(args, environment).ended;
  expect(status).toBe(1);
  expect(output).toContain(message);
  expect(output).not.toMatch(/hidden| {4}at /);
});

async function runningOf(pids: readonly number[]): Promise<number[]> {
  const running = await Promise.all(pids.map((pid) => isRunning({ pid, words: [] })));
  return pids.filter((_pid, i) => running[i]);
}
