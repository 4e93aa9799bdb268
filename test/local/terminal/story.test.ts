import { expect, test } from 'vitest';
import type { DescribedExecution } from '../../../local/terminal/execution-line.ts';
import type { Line } from '../../../local/terminal/line.ts';
import { lineOf, printStory } from '../../../local/terminal/story.ts';
import { createJournal } from '../../../packages/embedded-aws/journal.ts';
import type { JournalEntry } from '../../../packages/embedded-aws/service.ts';

const entry = (given: Omit<JournalEntry, 'at'>): JournalEntry => ({ at: 1, ...given });
const flowRun = (recordsProcessed: number, status = 'Successful') =>
  entry({
    kind: 'flow-run',
    subject: 'sfsync-salesforce-to-postgres-Contact',
    text: `Contact: ${recordsProcessed} records`,
    details: { status, recordsProcessed },
  });

test.each<[string, JournalEntry, Partial<Line>]>([
  [
    'a flow run',
    flowRun(2),
    { direction: 'salesforce-to-postgres', object: 'Contact', what: 'flow run', detail: '2 records', tone: 'good' },
  ],
  ['a failed run without records', flowRun(0, 'Error'), { object: 'Contact', tone: 'bad' }],
  [
    'published changes',
    entry({ kind: 'changes-published', subject: 'Contact', text: 'published', details: { keys: 1 } }),
    { direction: 'postgres-to-salesforce', object: 'Contact', what: 'changes published', detail: '1 key' },
  ],
  [
    'a push through the API',
    entry({ kind: 'lambda', subject: 'sfsync-PostgresToSalesforcePushRecords0A', text: 'returned after 4 ms' }),
    { direction: 'postgres-to-salesforce', what: 'push' },
  ],
  ['a notification', entry({ kind: 'notification', subject: 'topic', text: 'Broken file' }), { what: 'notification' }],
  [
    'a fault, its first line',
    entry({ kind: 'fault', subject: 'iam', text: 'not allowed\n  at x' }),
    { object: 'iam', detail: 'not allowed', tone: 'bad' },
  ],
])('%s has a line', (_what, given, expected) => {
  expect(lineOf(given, false)).toMatchObject(expected);
});

test.each([
  ['a run without records', flowRun(0)],
  ['an event', entry({ kind: 'event', subject: 'aws.s3 Object Created', text: 'matches no rule' })],
  ['another Lambda', entry({ kind: 'lambda', subject: 'sfsync-MapRecords', text: 'returned' })],
])('%s has a line only when everything is shown', (_what, given) => {
  expect(lineOf(given, false)).toBeUndefined();
  expect(lineOf(given, true)).toBeDefined();
});

test('executions are shown with what they did, what came before first, until it is ended', async () => {
  const journal = createJournal();
  const ended = (arn: string): Omit<JournalEntry, 'at'> => ({
    kind: 'execution-ended',
    subject: 'sfsync-SalesforceToPostgresMachine',
    text: `execution ${arn} SUCCEEDED`,
    details: { executionArn: arn },
  });
  const lines: Line[] = [];
  const twoTold = Promise.withResolvers<void>();
  const describe = async (arn: string): Promise<DescribedExecution> => {
    if (arn === 'gone') throw new Error('ExecutionDoesNotExist');
    return { name: arn, status: 'SUCCEEDED', startDate: 1, stopDate: 2, output: '{"object":"Lead","inserted":1}' };
  };
  const end = printStory({
    journal,
    earlier: [entry(ended('earlier'))],
    describe,
    everything: false,
    print: (line) => {
      lines.push(line);
      if (lines.length === 2) twoTold.resolve();
    },
  });
  journal.record(ended('gone'));
  await twoTold.promise;
  expect(lines).toMatchObject([
    { object: 'Lead', detail: '1 inserted', durationMs: 1_000 },
    { detail: 'execution gone SUCCEEDED' },
  ]);
  end();
  journal.record({ kind: 'notification', subject: 'topic', text: 'late' });
  expect(lines).toHaveLength(2);
});
