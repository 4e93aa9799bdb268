import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endProcess, isRunning } from '../../../local/host/leftover-process.ts';
import { type ProcessEvent, restartPauseMs, SupervisedProcess } from '../../../local/host/supervised-process.ts';

let directory: string;
const running: SupervisedProcess[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sfsync-supervised-'));
});
afterEach(async () => {
  for (const process of running.splice(0)) await process.stop();
  await rm(directory, { recursive: true, force: true });
});

/** Runs a script, and lets a test wait for the next event of a kind. */
function supervise(script: string, stopTimeoutMs = 5_000, environment: Record<string, string> = {}) {
  const events: ProcessEvent[] = [];
  const waiting = new Set<() => void>();
  const supervised = new SupervisedProcess({
    command: process.execPath,
    args: ['-e', script],
    directory,
    environment: async () => environment,
    logFile: join(directory, 'logs', 'process.log'),
    stopTimeoutMs,
    onEvent: (event) => {
      events.push(event);
      for (const look of waiting) look();
    },
  });
  running.push(supervised);
  supervised.start();
  const next = <Kind extends ProcessEvent['kind']>(kind: Kind, after = 0) =>
    new Promise<Extract<ProcessEvent, { kind: Kind }>>((resolve) => {
      const look = (): void => {
        const found = events.filter((event): event is Extract<ProcessEvent, { kind: Kind }> => event.kind === kind)[
          after
        ];
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  return { supervised, next, log: () => readFile(join(directory, 'logs', 'process.log'), 'utf8') };
}

test('what it prints is reported line by line and logged, and nothing of the environment is inherited', async () => {
  const script =
    'console.log(process.env.GIVEN, process.env.HOME); console.error("second"); setInterval(() => {}, 1e3)';
  const { supervised, next, log } = supervise(script, 5_000, { GIVEN: 'given' });
  const lines = [(await next('line')).line, (await next('line', 1)).line];
  expect(lines.sort()).toEqual(['given undefined', 'second']);
  await supervised.stop();
  expect((await log()).split('\n').sort()).toEqual(['', 'given undefined', 'second']);
});

test('killed, it is started again', async () => {
  const { supervised, next } = supervise('setInterval(() => {}, 1e3)');
  const first = await next('started');
  expect(supervised.kill('SIGKILL')).toBe(true);
  expect(await next('died')).toEqual({ kind: 'died', reason: 'SIGKILL', restartInMs: 500 });
  const second = await next('started', 1);
  expect(second.pid).not.toBe(first.pid);
});

test('one that cannot be started, or ends at once, is tried again after growing pauses', async () => {
  const { next } = supervise('process.exit(3)');
  expect(await next('died')).toMatchObject({ reason: 'exit status 3', restartInMs: 500 });
  expect(await next('died', 1)).toMatchObject({ restartInMs: 1_000 });
  expect([3, 4, 7, 8].map(restartPauseMs)).toEqual([2_000, 4_000, 30_000, 30_000]);
});

test('one that does not end when asked is killed after the stop timeout', async () => {
  const script = 'process.on("SIGTERM", () => {}); console.log("deaf"); setInterval(() => {}, 1e3)';
  const { supervised, next } = supervise(script, 100);
  const { pid } = await next('started');
  await next('line');
  await supervised.stop();
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
});

test('a process of an earlier run is ended by id and command line, another one with that id is left alone', async () => {
  const { next } = supervise('console.log("up"); setInterval(() => {}, 1e3)');
  const { pid } = await next('started');
  await next('line');
  await endProcess({ pid, words: ['wal-streamer'] }, 'SIGTERM', 1_000);
  expect(process.kill(pid, 0)).toBe(true);
  await endProcess({ pid, words: ['setInterval'] }, 'SIGTERM', 1_000);
  expect((await next('died')).reason).toBe('SIGTERM');
});

test('it ends with the process that supervises it, also when that ends by an error', async () => {
  const module = JSON.stringify(new URL('../../../local/host/supervised-process.ts', import.meta.url).href);
  const script = `const { SupervisedProcess } = await import(${module});
    new SupervisedProcess({
      command: process.execPath, args: ['-e', 'console.log("up"); setInterval(() => {}, 1e3)'], directory: '.',
      environment: async () => ({}), logFile: 'process.log', stopTimeoutMs: 1000,
      onEvent: (event) => {
        if (event.kind === 'started') console.log(event.pid);
        if (event.kind === 'line') throw new Error('a bug');
      },
    }).start();`;
  const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script];
  const { status, stdout } = spawnSync(process.execPath, flags, { cwd: directory, encoding: 'utf8' });
  expect(status).toBe(1);
  const pid = Number(stdout);
  expect(pid).toBeGreaterThan(1);
  await expect.poll(() => isRunning({ pid, words: [] })).toBe(false);
});
