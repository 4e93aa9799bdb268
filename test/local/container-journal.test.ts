import { expect, test } from 'vitest';
import { journalContainer } from '../../local/container-journal.ts';
import type { ProcessEvent } from '../../local/host/supervised-process.ts';
import { createJournal } from '../../packages/embedded-aws/journal.ts';
import type { JournalEntry } from '../../packages/embedded-aws/service.ts';

function entriesOf(event: ProcessEvent): Omit<JournalEntry, 'at'>[] {
  const entries: Omit<JournalEntry, 'at'>[] = [];
  const journal = createJournal();
  journal.subscribe(({ at: _, ...entry }) => entries.push(entry));
  journalContainer(journal, 'wal-streamer', event);
  return entries;
}

test.each<[string, ProcessEvent, object[]]>([
  [
    'a start',
    { kind: 'started', pid: 7 },
    [{ kind: 'streamer', subject: 'wal-streamer', text: 'started as process 7' }],
  ],
  [
    'a death',
    { kind: 'died', reason: 'SIGKILL', restartInMs: 500 },
    [{ kind: 'fault', subject: 'wal-streamer', text: 'ended (SIGKILL); it is started again in 0.5 s' }],
  ],
  [
    'published changes',
    { kind: 'line', line: '{"level":"INFO","message":"published","object":"Contact","keys":3,"position":"0/1"}' },
    [
      {
        kind: 'changes-published',
        subject: 'Contact',
        text: 'published',
        details: { object: 'Contact', keys: 3 },
      },
    ],
  ],
  [
    'a warning with its reason',
    { kind: 'line', line: '{"level":"WARN","message":"the stream broke","reason":"no route"}' },
    [{ kind: 'fault', subject: 'wal-streamer', text: 'the stream broke: no route' }],
  ],
  [
    'any other line of its log',
    { kind: 'line', line: '{"level":"INFO","message":"streaming from 0/1"}' },
    [{ kind: 'streamer', subject: 'wal-streamer', text: 'streaming from 0/1' }],
  ],
  ['what is not a log line', { kind: 'line', line: '(node:1) Warning: something' }, []],
])('%s', (_what, event, expected) => {
  expect(entriesOf(event)).toEqual(expected);
});
