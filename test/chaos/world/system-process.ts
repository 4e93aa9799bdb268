/**
 * The system under test in a process of its own, so that it can be killed as a whole: it starts the local system of a copy of
 * the project, says where everything answers, and then carries out what it is asked over IPC. Without its parent it ends.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Traffic } from '../../support/system/traffic.ts';
import { HOOKS, type HookName, type Running } from './hooks.ts';
import type { Answer, Order, StartSettings } from './protocol.ts';

const END_WITHIN_MS = 30_000;

const settings = JSON.parse(process.argv[2] ?? '{}') as StartSettings;
const { startLocal } = (await import(
  pathToFileURL(join(settings.projectDirectory, 'local/system.ts')).href
)) as typeof import('../../../local/system.ts');

// A terminal's Ctrl-C reaches this process, too: the parent ends it, after its own work.
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);

const system = await startLocal({
  configurationFile: settings.configurationFile,
  directory: settings.stateDirectory,
  pollMs: settings.pollMs,
  databaseUrl: settings.databaseUrl,
});
const running: Running = { system, traffic: await Traffic.tap(system) };

async function end(): Promise<void> {
  // Whatever has not ended by then is left to the next start.
  setTimeout(() => process.exit(1), END_WITHIN_MS).unref();
  await system.stop().catch((error: unknown) => console.error(error));
  process.exit(0);
}

function answer(message: Answer): void {
  // The channel may be closed by now: then nobody waits for the answer.
  if (process.connected) process.send?.(message, undefined, {}, () => undefined);
}

process.on('disconnect', () => void end());
process.on('SIGTERM', () => void end());
process.on('message', ({ id, name, input }: Order) => {
  const hook = HOOKS[name as HookName] as (running: Running, input: unknown) => Promise<unknown>;
  hook(running, input).then(
    (result) => answer({ id, result }),
    (error: unknown) =>
      answer({ id, error: error instanceof Error ? `${error.name}: ${error.message}` : String(error) }),
  );
});
answer({ id: 0, result: system.endpoints });
