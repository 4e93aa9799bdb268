import { expect, test } from 'vitest';
import { messageOf } from '../../../core/contracts/notice.ts';
import type { Notice } from '../../../core/contracts/outbound-tasks.ts';

const ARN = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:abc';
const reasons = [
  { code: 'STRING_TOO_LONG', field: 'Phone', count: 2 },
  { code: '23505', count: 1 },
];

test('of a file: what was rejected, from which file, and where to look', () => {
  const { subject, text } = messageOf({
    about: 'file',
    object: 'Contact',
    key: 'salesforce/Contact/f/r/0',
    execution: 'abc',
    rejected: 3,
    conflicts: 1,
    reasons,
  });
  expect(subject).toBe('sfsync: 3 rejected records and 1 conflict from Salesforce (Contact)');
  expect(text.split('\n')).toEqual([
    '3 rejected records while applying s3 key salesforce/Contact/f/r/0 to Postgres. All other records of the file were applied.',
    '  2 x STRING_TOO_LONG (Phone)',
    '  1 x 23505',
    'npx sfsync rejects --object Contact says why. A record is tried again by itself when a newer version of it comes from either side.',
    'Once the cause is mended otherwise: npx sfsync redrive rejects --object Contact',
    '1 conflict: both sides had edited the same Contact. The policy of the mapping has decided, so both sides are equal; nothing has to be done unless the other value should stand.',
    'npx sfsync conflicts --object Contact --values shows both values.',
    'Execution: abc',
  ]);
});

test('of a batch: counts in words, and no list where there are no reasons', () => {
  const batch = { about: 'batch' as const, object: 'Contact', execution: ARN, reasons: [] };
  expect(messageOf({ ...batch, rejected: 1, conflicts: 0 }).subject).toBe(
    'sfsync: 1 rejected record to Salesforce (Contact)',
  );
  expect(messageOf({ ...batch, rejected: 0, conflicts: 2 }).subject).toBe(
    'sfsync: 2 conflicts to Salesforce (Contact)',
  );
  expect(messageOf({ ...batch, rejected: 1, conflicts: 0 }).text).not.toContain(' x ');
});

test('of conflicts alone: what they are, which value stands, and in which records', () => {
  const { subject, text } = messageOf({
    about: 'batch',
    object: 'Contact',
    execution: ARN,
    rejected: 0,
    conflicts: 7,
    reasons: [
      { code: 'CONFLICT_SALESFORCE_STANDS', field: 'Phone', count: 6, ids: ['1', '2', '3', '4', '5'] },
      { code: 'CONFLICT_POSTGRES_STANDS', count: 1, ids: ['6'] },
    ],
  });
  expect(subject).toBe('sfsync: 7 conflicts to Salesforce (Contact)');
  expect(text.split('\n').slice(1)).toEqual([
    '  6 x Phone, the value of Salesforce stands: 1, 2, 3, 4, 5, ...',
    '  1 x the record as a whole, the value of Postgres stands: 6',
    'npx sfsync conflicts --object Contact --values shows both values.',
    `Execution: ${ARN}`,
  ]);
});

test('of a reject: the constraint by its name, and the record', () => {
  const reasons = [{ code: '23505', constraint: 'lenders_name_key', count: 1, ids: ['001000000000001AAA'] }];
  const batch = { about: 'batch' as const, object: 'Account', execution: ARN, rejected: 1, conflicts: 0 };
  expect(messageOf({ ...batch, reasons }).text).toContain(
    '  1 x 23505 (constraint lenders_name_key): 001000000000001AAA\n',
  );
});

test('of a file that cannot be read: the object, and how it leaves the list', () => {
  const { subject, text } = messageOf({
    about: 'failed execution',
    execution: ARN,
    stateMachine: 'arn:aws:states:eu-west-1:000000000000:stateMachine:salesforce-to-postgres',
    status: 'FAILED',
    input: '{"bucket":"b","key":"salesforce/Account/flow/run/file","size":3}',
    error: 'ConfigurationError',
    cause: '{"errorType":"ConfigurationError","errorMessage":"no readable record"}',
  });
  expect(subject).toBe('sfsync: Account: salesforce-to-postgres FAILED');
  expect(text).toContain('  npx sfsync redrive executions --discard abc');
});

test('of many reasons: the first ten, and that there are more', () => {
  const many = Array.from({ length: 12 }, (_, i) => ({ code: `C${i}`, count: 1 }));
  const { text } = messageOf({
    about: 'batch',
    object: 'Contact',
    execution: ARN,
    rejected: 12,
    conflicts: 0,
    reasons: many,
  });
  const listed = text.split('\n').filter((line) => line.startsWith('  '));
  expect(listed).toHaveLength(11);
  expect(listed.at(-1)).toBe('  ...');
});

test('of a sweep: how many polling had missed, what became of them, and what it may mean', () => {
  const sweep = { about: 'sweep' as const, object: 'Contact', execution: ARN, full: false, conflicts: 0, reasons: [] };
  const { subject, text } = messageOf({ ...sweep, inserted: 2, updated: 1, deleted: 0, rejected: 1, reasons });
  expect(subject).toBe('sfsync: polling had missed 4 records (Contact)');
  expect(text.split('\n')).toEqual([
    'The sweep of Contact found 4 records that polling had missed, and read them: 2 inserted, 1 updated, 0 deleted, 1 rejected, 0 conflicts.',
    'Now and then a few are transactions that committed late in Salesforce. Many, or always some: look at the inbound flow and at failed executions.',
    '1 rejected record of those that were read. All other records went through.',
    '  2 x STRING_TOO_LONG (Phone)',
    '  1 x 23505',
    'npx sfsync rejects --object Contact says why. A record is tried again by itself when a newer version of it comes from either side.',
    'Once the cause is mended otherwise: npx sfsync redrive rejects --object Contact',
    `Execution: ${ARN}`,
  ]);
  const full = messageOf({ ...sweep, full: true, inserted: 0, updated: 0, deleted: 1, rejected: 0 });
  expect(full.subject).toBe('sfsync: polling had missed 1 record (Contact)');
  expect(full.text).toContain('The full sweep of Contact found 1 record');
  expect(full.text).not.toContain('Look at:');
});

test('of a sweep: a conflict that left its row as it is counts, too', () => {
  const { subject, text } = messageOf({
    about: 'sweep',
    object: 'Contact',
    execution: ARN,
    full: false,
    inserted: 0,
    updated: 0,
    deleted: 0,
    rejected: 0,
    conflicts: 1,
    reasons: [],
  });
  expect(subject).toBe('sfsync: polling had missed 1 record (Contact)');
  expect(text).toContain('1 conflict');
});

test('of held deletes: how many, and the two ways on', () => {
  const { subject, text } = messageOf({ about: 'deletes held', object: 'Contact', execution: ARN, records: 2000 });
  expect(subject).toBe('sfsync: deletes of Contact are held');
  expect(text).toContain('2000 deletes so far');
  expect(text).toContain('npx sfsync release Contact\n');
  expect(text).toContain('npx sfsync release Contact --restore');
});

test('of a circuit: opening says why and that nothing is lost, closing that it goes on', () => {
  const circuit = { about: 'circuit', object: 'Contact', execution: ARN } as const;
  const opened = messageOf({ ...circuit, state: 'open', reason: 'RetryableError: Salesforce answered ECONNREFUSED.' });
  expect(opened.subject).toBe('sfsync: Salesforce is away, Contact waits');
  expect(opened.text).toContain('cannot be sent to Salesforce: RetryableError: Salesforce answered ECONNREFUSED.\n');
  expect(opened.text).toContain('Nothing is lost');
  const closed = messageOf({ ...circuit, state: 'closed' });
  expect(closed.subject).toBe('sfsync: Salesforce is back, Contact goes on');
});

test('of a failed execution: the error inside of a Lambda cause, the input, and the command that redrives', () => {
  const failed: Notice = {
    about: 'failed execution',
    execution: ARN,
    stateMachine: 'arn:aws:states:eu-west-1:000000000000:stateMachine:postgres-to-salesforce',
    status: 'FAILED',
    input: '{"object":"Contact","trigger":"schedule"}',
    error: 'ConfigurationError',
    cause: '{"errorType":"ConfigurationError","errorMessage":"No table.","trace":["at x"]}',
  };
  const { subject, text } = messageOf(failed);
  expect(subject).toBe('sfsync: Contact: postgres-to-salesforce FAILED');
  expect(text.split('\n')).toEqual([
    'Execution abc of postgres-to-salesforce ended FAILED: ConfigurationError: No table.',
    'Input: {"object":"Contact","trigger":"schedule"}',
    'Mend the cause, then redrive: the execution goes on in the state where it failed.',
    '  npx sfsync redrive executions',
    `  aws stepfunctions redrive-execution --execution-arn ${ARN}`,
    'Others that fail for this reason are counted, and notified at growing intervals.',
  ]);
  expect(messageOf({ ...failed, cause: 'plain' }).text).toContain('ConfigurationError: plain');
  const bare = messageOf({ ...failed, status: 'ABORTED', input: undefined, error: undefined, cause: undefined });
  expect(bare.text).toContain('ended ABORTED: no error name: no cause was given');
  expect(bare.text).not.toContain('Input');
});
