/**
 * The embedded AWS alone, for tests of other clients: prints its address as the only line, and ends
 * with Ctrl-C or SIGTERM. Its state lies in a new directory, which goes with it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedAws } from '../../../packages/embedded-aws/embedded-aws.ts';

const directory = await mkdtemp(join(tmpdir(), 'sfsync-embedded-aws-'));
const running = await openEmbeddedAws({
  stateDirectory: directory,
  logDirectory: join(directory, 'logs'),
  timeScale: 1,
  ports: [],
  connections: (profile) => Promise.reject(new Error(`There is no connector profile ${profile}`)),
});
await running.start();

let ending = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, async () => {
    if (ending) return;
    ending = true;
    await running.stop();
    await rm(directory, { recursive: true, force: true });
  });
}
process.stdout.write(`${running.aws.origin}\n`);
