/** Looks for what clients have written where no value belongs: messages, events, histories of executions, logs, notifications. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Leak } from '../history/history.ts';
import { MARKED } from '../plan/values.ts';
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
  const texts: { where: string; text: string }[] = [];
  for (const file of await writtenFiles(world)) {
    const text = (await readFile(file)).subarray(files.get(file) ?? 0).toString('utf8');
    texts.push({ where: file.slice(world.directory.length + 1), text });
  }
  const travelled = (await world.command('traffic', {
    holds: Object.values(MARKED).map(({ source }) => source),
  })) as string[];
  texts.push(...travelled.map((body) => ({ where: `message ${body.slice(0, 80)}`, text: body })));
  const found = [...texts.flatMap(leaksIn), ...new AwsStore(world.directory).executionsSince(execution, leaksIn)];
  return [...new Map(found.map((leak) => [`${leak.where} ${leak.marker}`, leak])).values()];
}

export function leaksIn({ where, text }: { readonly where: string; readonly text: string }): Leak[] {
  return Object.entries(MARKED).flatMap(([marker, pattern]) => (pattern.test(text) ? [{ where, marker }] : []));
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
