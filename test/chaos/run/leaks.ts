/** Looks for what clients have written where no value belongs: messages, events, histories of executions, logs, notifications. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Leak } from '../history/history.ts';
import { MARKER } from '../plan/values.ts';
import { AwsStore } from '../world/aws-store.ts';
import type { World } from '../world/world.ts';

/** How far everything was written when the run began. */
export interface Unread {
  readonly execution: number;
  /** By file: its length. */
  readonly files: ReadonlyMap<string, number>;
}

export async function unread(world: World): Promise<Unread> {
  const files = new Map<string, number>();
  for (const file of await writtenFiles(world)) files.set(file, (await stat(file)).size);
  return { execution: new AwsStore(world.directory).lastExecution(), files };
}

export async function leaksSince(world: World, { execution, files }: Unread): Promise<Leak[]> {
  const found = new AwsStore(world.directory).executionsThatHold(MARKER, execution);
  for (const file of await writtenFiles(world)) {
    const text = (await readFile(file)).subarray(files.get(file) ?? 0).toString('utf8');
    if (text.toLowerCase().includes(MARKER.toLowerCase())) found.push(file.slice(world.directory.length + 1));
  }
  found.push(...((await world.command('traffic', { holds: MARKER })) as string[]));
  return found.map((where) => ({ where, marker: MARKER }));
}

/** Logs of the functions and the streamer, and what the topic has published. */
async function writtenFiles({ directory }: World): Promise<string[]> {
  const logs = await readdir(join(directory, 'logs')).catch(() => []);
  // The database server's own log is the application's: its statements are there.
  const ours = logs.filter((name) => name !== 'postgres.log').map((name) => join(directory, 'logs', name));
  const notifications = join(directory, 'notifications.jsonl');
  const exists = await stat(notifications).then(
    () => true,
    () => false,
  );
  return exists ? [...ours, notifications] : ours;
}
