import { expect, test } from 'vitest';
import { createJournal } from '../journal.ts';
import type { JournalEntry } from '../service.ts';

test('every listener gets every entry, stamped, until it stops', () => {
  let now = 1;
  const journal = createJournal(() => now);
  const first: JournalEntry[] = [];
  const second: JournalEntry[] = [];
  const stop = journal.subscribe((entry) => first.push(entry));
  journal.subscribe((entry) => second.push(entry));
  journal.record({ kind: 'event', subject: 'a', text: 'one' });
  stop();
  now = 2;
  journal.record({ kind: 'fault', subject: 'b', text: 'two' });
  expect(first).toEqual([{ at: 1, kind: 'event', subject: 'a', text: 'one' }]);
  expect(second.map((entry) => [entry.at, entry.text])).toEqual([
    [1, 'one'],
    [2, 'two'],
  ]);
});

test('a listener that throws disturbs neither the service nor the other listeners, and is heard of', async () => {
  const journal = createJournal();
  const heard: string[] = [];
  journal.subscribe(() => {
    throw new Error('broken listener');
  });
  journal.subscribe((entry) => heard.push(entry.text));
  const handlers = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  const uncaught = new Promise((resolve) => process.once('uncaughtException', resolve));
  try {
    journal.record({ kind: 'event', subject: 'a', text: 'one' });
    expect(heard).toEqual(['one']);
    expect(await uncaught).toMatchObject({ message: 'broken listener' });
  } finally {
    for (const handler of handlers) process.on('uncaughtException', handler);
  }
});
