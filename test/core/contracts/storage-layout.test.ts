import { expect, test } from 'vitest';
import {
  archiveKey,
  batchIdOf,
  bulkJobOf,
  executionName,
  executionOfBatch,
  INBOUND_PREFIX,
  outboundFolder,
  outboundKey,
  parseInboundKey,
  pushMarkers,
  workKey,
} from '../../../core/contracts/storage-layout.ts';

test.for([
  ['salesforce/Account/the-flow/run-1/0', { object: 'Account', flow: 'the-flow', run: 'run-1', file: '0' }],
  ['salesforce/Account/f/2026/11/23/run-1/part-0', { object: 'Account', flow: 'f', run: 'run-1', file: 'part-0' }],
  ['salesforce/Account/f/run-1/', { object: 'Account', flow: 'f', run: 'run-1', file: '' }],
  ['salesforce/Loan__c/f/r/r', { object: 'Loan__c', flow: 'f', run: 'r', file: 'r' }],
  ['salesforce/Account/f/0', undefined],
  ['salesforce/Account', undefined],
  ['work/salesforce/Account/f/r/0', undefined],
  ['', undefined],
] as const)('%s', ([key, place]) => {
  expect(parseInboundKey(key)).toEqual(place);
});

test('only inbound files lie where the inbound pipeline looks', () => {
  const keys = [workKey('e', 'x.jsonl'), outboundKey('Account', 'b-0'), archiveKey('Account', 'b-0')];
  expect(keys).toEqual(['work/e/x.jsonl', 'outbound/Account.d/b-0.csv', 'archive/Account/b-0.csv']);
  expect(keys.filter((key) => key.startsWith(INBOUND_PREFIX))).toEqual([]);
});

test('the files of an object are in no other object’s flow, even where a prefix is taken literally', () => {
  const key = outboundKey('ContactPointAddress', 'b-0');
  for (const other of ['Contact', 'ContactPoint', 'ContactPointAddress__x'])
    expect(key.startsWith(outboundFolder(other))).toBe(false);
});

test('an execution is named by the end of its ARN', () => {
  expect(executionName('arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:abc')).toBe('abc');
});

test('the marks of a push are found by its id, and name its Bulk job', () => {
  expect(pushMarkers('run-7-12')).toEqual(['work/run-7/updates-run-7-12-begun', 'work/run-7/push-again-run-7-12-']);
  expect(bulkJobOf('750Ws0000000001IAA')).toBe('750Ws0000000001IAA');
  for (const word of ['begun', 'done', '']) expect(bulkJobOf(word)).toBeUndefined();
});

test('a batch is named by its execution and its number, and names its execution', () => {
  const arn = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:run-7';
  expect(batchIdOf(arn, 12)).toBe('run-7-12');
  expect(executionOfBatch('run-7-12')).toBe('run-7');
  for (const other of ['before', 'run-x', '']) expect(executionOfBatch(other)).toBe(other);
});
