import { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { Storage } from '../../aws/storage.ts';
import { type AwsEnvironment, startAwsEnvironment } from '../support/system/aws-environment.ts';

let aws: AwsEnvironment;
let storage: Storage;

beforeAll(async () => {
  aws = await startAwsEnvironment();
  storage = new Storage(await aws.bucket('bucket'), new S3Client({ ...aws.running.client, forcePathStyle: true }));
});
afterAll(() => aws[Symbol.asyncDispose]());

const line = z.strictObject({ id: z.string(), value: z.number().nullable() });

test('a range ends before its end, also within a character', async () => {
  await storage.write('salesforce/a', 'aäb\n', 'text/plain');
  expect((await storage.readRange('salesforce/a', 0, 5)).toString()).toBe('aäb\n');
  expect([...(await storage.readRange('salesforce/a', 1, 2))]).toEqual([0xc3]);
  expect((await storage.readRange('salesforce/a', 3, 100)).toString()).toBe('b\n');
});

describe('lines', () => {
  test('are read as they were written', async () => {
    const lines = [
      { id: 'ü\n"', value: 1 },
      { id: '', value: null },
    ];
    await storage.writeLines('work/e/lines.jsonl', lines);
    expect(await storage.readLines('work/e/lines.jsonl', line)).toEqual(lines);
  });

  test('may be none', async () => {
    const warn = vi.spyOn(console, 'warn');
    await storage.writeLines('work/e/none.jsonl', []);
    expect(await storage.readLines('work/e/none.jsonl', line)).toEqual([]);
    expect(warn).not.toHaveBeenCalled();
  });

  test.for([
    ['is no JSON', '{"id":"top secret'],
    ['has another shape', '{"id":"a","value":"top secret"}'],
    ['has a member more', '{"id":"a","value":1,"more":"top secret"}'],
  ] as const)('that %s: our bug, reported by place and without content', async ([, text]) => {
    await storage.write('work/e/bad.jsonl', `{"id":"a","value":1}\n${text}\n`, 'application/x-ndjson');
    const error = await storage.readLines('work/e/bad.jsonl', line).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      name: 'InvariantError',
      code: 'UNREADABLE_WORK_FILE',
      message: expect.stringContaining('Line 2 of work/e/bad.jsonl'),
    });
    expect(String(error)).not.toContain('secret');
  });
});

describe('a file that is created', () => {
  test('is there once', async () => {
    expect(await storage.create('work/e/once', 'first')).toBe(true);
    expect(await storage.create('work/e/once', 'second')).toBe(false);
    expect((await storage.readRange('work/e/once', 0, 100)).toString()).toBe('first');
  });

  test('is ours, too, when the answer was lost and the request was repeated', async () => {
    aws.running.aws.faults?.set({ lostAnswer: { service: 's3', operation: 'PutObject', times: 1 } });
    expect(await storage.create('work/e/lost', 'first')).toBe(true);
    expect(aws.running.aws.faults?.struck).toEqual({ lostAnswer: 1 });
    expect(await storage.create('work/e/lost', 'second')).toBe(false);
  });
});

test('a file is found by its prefix, and moves with its content', async () => {
  const from = 'outbound/Account/abc-0 ü+&.csv';
  await storage.write(from, 'Id\n', 'text/csv');
  expect(await storage.list('outbound/Account/')).toEqual([from]);
  await storage.move(from, 'archive/Account/abc-0.csv');
  expect(await storage.list('outbound/Account/')).toEqual([]);
  expect((await storage.readRange('archive/Account/abc-0.csv', 0, 3)).toString()).toBe('Id\n');
});
