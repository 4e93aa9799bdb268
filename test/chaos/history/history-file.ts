/** A history as a file of lines: what there is one of in the first, then one thing a line, so that it can be read by hand and by grep. */

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { UsageError } from '../options.ts';
import type { History } from './history.ts';

const LISTS = ['operations', 'faults', 'versions', 'pushes', 'leaks'] as const;

export async function writeHistory(file: string, history: History): Promise<void> {
  const stream = createWriteStream(file);
  const { operations: _o, faults: _f, versions: _v, pushes: _p, leaks: _l, ...head } = history;
  stream.write(`${JSON.stringify({ head })}\n`);
  for (const list of LISTS) {
    for (const each of history[list]) stream.write(`${JSON.stringify({ [list]: each })}\n`);
  }
  stream.end();
  await once(stream, 'finish');
}

/** Throws a UsageError where the file is not there, or is none of a history. */
export async function readHistory(file: string): Promise<History> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === 'ENOENT' ? 'is not there' : `cannot be read (${cause.code})`;
    throw new UsageError(`${file} ${why}. A seed with violations leaves its history as .chaos/seed-N.history.jsonl.`);
  });
  const [first = '', ...rest] = text.split('\n').filter(Boolean);
  const head = headOf(first);
  if (head === undefined) throw new UsageError(`${file} holds no history; a plan is run again with --replay.`);
  const lists: Record<string, unknown[]> = Object.fromEntries(LISTS.map((list) => [list, []]));
  for (const line of rest) {
    for (const [list, each] of Object.entries(JSON.parse(line) as object)) lists[list]?.push(each);
  }
  return { ...head, ...lists } as History;
}

function headOf(line: string): Omit<History, (typeof LISTS)[number]> | undefined {
  try {
    return (JSON.parse(line) as { head?: Omit<History, (typeof LISTS)[number]> }).head;
  } catch {
    return undefined;
  }
}
