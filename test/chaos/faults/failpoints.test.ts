/** The file that stands for `core/failpoint.ts` in a project copy: who comes by an armed failpoint dies there. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { failpointOverlay } from './failpoint-overlay.ts';
import { arm, struckAt } from './failpoints.ts';

const project = mkdtempSync(join(tmpdir(), 'sfsync-failpoints-'));
const failpointDirectory = join(project, 'failpoints');
const script = join(project, 'passes.ts');
afterAll(() => rmSync(project, { recursive: true, force: true }));

beforeEach(() => {
  rmSync(failpointDirectory, { recursive: true, force: true });
  const { file, text } = failpointOverlay(failpointDirectory);
  mkdirSync(join(project, 'core'), { recursive: true });
  writeFileSync(join(project, file), text);
  writeFileSync(
    script,
    "import { failpoint } from './core/failpoint.ts';\nfor (let i = 0; i < 3; i++) failpoint('push:sent');\n",
  );
});

const soon = () => Date.now() + 60_000;

/** Comes by three times in a process of its own, as the streamer is one. */
async function passes(): Promise<NodeJS.Signals | null> {
  const child = execFile(process.execPath, ['--disable-warning=ExperimentalWarning', script]);
  const [, signal] = await once(child, 'exit');
  return signal;
}

describe('a failpoint of a project copy', () => {
  test('that is not armed is passed', async () => {
    expect(await passes()).toBeNull();
    expect(await struckAt({ failpointDirectory }, 'push:sent')).toBe(0);
  });

  test('that is armed kills once', async () => {
    await arm({ failpointDirectory }, 'push:sent', { passes: 2, until: soon() });
    expect(await passes()).toBe('SIGKILL');
    expect(await passes()).toBeNull();
    expect(await struckAt({ failpointDirectory }, 'push:sent')).toBe(1);
  });

  test('kills a thread, and not the process around it', async () => {
    await arm({ failpointDirectory }, 'push:sent', { passes: 0, until: soon() });
    const [status] = await once(new Worker(script, { execArgv: ['--disable-warning=ExperimentalWarning'] }), 'exit');
    expect(status).toBe(1);
  });

  test('that comes later than it was meant for is passed, as is one of another function', async () => {
    await arm({ failpointDirectory }, 'push:sent', { passes: 0, until: Date.now() - 1 });
    expect(await passes()).toBeNull();
    await arm({ failpointDirectory }, 'push:sent', { passes: 0, until: soon(), function: 'Settle' });
    expect(await passes()).toBeNull();
    expect(existsSync(join(failpointDirectory, 'push:sent'))).toBe(true);
  });
});
