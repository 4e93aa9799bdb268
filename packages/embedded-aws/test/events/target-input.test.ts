import { describe, expect, test } from 'vitest';
import type { BusEvent, InputTransformer, Target } from '../../events/rule.ts';
import { targetInput, targetInputFault } from '../../events/target-input.ts';

const EVENT: BusEvent = {
  version: '0',
  id: '7bf73129',
  'detail-type': 'Object Created',
  source: 'aws.s3',
  account: '000000000000',
  time: '2026-11-23T08:00:00Z',
  region: 'eu-west-1',
  resources: ['arn:aws:s3:::data', 'arn:second'],
  detail: { bucket: { name: 'data' }, object: { key: 'a "b" <c>', size: 5 }, tags: [{ k: 1 }, { k: 2 }], 'x y': true },
};
const RULE = { Name: 'files', Arn: 'arn:aws:events:eu-west-1:000000000000:rule/files' };
const ACCEPTED_AT = new Date('2026-11-23T08:00:01.234Z');

const target = (given: Partial<Target>): Target => ({ Id: 't', Arn: 'arn:aws:sqs:eu-west-1:000000000000:q', ...given });
const input = (given: Partial<Target>): string => targetInput(target(given), EVENT, RULE, ACCEPTED_AT);
const transformed = (InputTemplate: string, InputPathsMap: InputTransformer['InputPathsMap'] = {}): string =>
  input({ InputTransformer: { InputTemplate, InputPathsMap } });

test('is the event itself, a constant, or a part of the event', () => {
  expect(JSON.parse(input({}))).toEqual(EVENT);
  expect(input({ Input: '{"object":"Contact"}' })).toBe('{"object":"Contact"}');
  expect(JSON.parse(input({ InputPath: '$.detail.bucket' }))).toEqual({ name: 'data' });
  expect(input({ InputPath: '$.detail.missing' })).toBe('null');
});

test.each([
  ['$', EVENT],
  ['$.detail-type', 'Object Created'],
  ['$.resources[1]', 'arn:second'],
  ["$.detail['x y']", true],
  ['$.detail.tags[*].k', [1, 2]],
  ['$.detail.bucket.*', ['data']],
])('the path %s', (InputPath, expected) => {
  expect(JSON.parse(input({ InputPath }))).toEqual(expected);
});

describe('a template', () => {
  const paths = {
    bucket: '$.detail.bucket.name',
    key: '$.detail.object.key',
    size: '$.detail.object.size',
    object: '$.detail.object',
    missing: '$.detail.missing',
  };

  test('of JSON takes values as JSON', () => {
    const text = transformed('{"bucket":<bucket>,"key":<key>,"size":<size>,"object":<object>,"none":<missing>}', paths);
    const { object } = EVENT.detail as { readonly object: object };
    expect(JSON.parse(text)).toEqual({ bucket: 'data', key: 'a "b" <c>', size: 5, object, none: '' });
  });

  test('inside JSON strings takes their text, escaped', () => {
    const text = transformed('{"message": "file <key> (<size> bytes) in \\"<bucket>\\"<missing>"}', paths);
    expect(JSON.parse(text)).toEqual({ message: 'file a "b" <c> (5 bytes) in "data"' });
  });

  test('inside JSON strings takes objects without their quotation marks', () => {
    expect(JSON.parse(transformed('{"message": "<buckets>"}', { buckets: '$.detail.bucket' }))).toEqual({
      message: '{name:data}',
    });
  });

  test('that is one JSON string stays one', () => {
    expect(transformed('"<bucket> has <key>"', paths)).toBe('"data has a \\"b\\" <c>"');
  });

  test('that is no JSON takes plain text', () => {
    expect(transformed('File <key> of <size> bytes', paths)).toBe('File a "b" <c> of 5 bytes');
  });

  test('that is one placeholder is the value', () => {
    expect(transformed('<bucket>', paths)).toBe('"data"');
    expect(JSON.parse(transformed(' <aws.events.event.json> '))).toEqual(EVENT);
  });

  test('knows the variables of the service', () => {
    const { detail: _, ...envelope } = EVENT;
    const text = transformed(
      '{"rule":<aws.events.rule-arn>,"name":"<aws.events.rule-name>","at":<aws.events.event.ingestion-time>,' +
        '"event":<aws.events.event>,"all":<aws.events.event.json>}',
    );
    expect(JSON.parse(text)).toEqual({
      rule: RULE.Arn,
      name: 'files',
      at: '2026-11-23T08:00:01Z',
      event: envelope,
      all: EVENT,
    });
  });
});

test.each<[Partial<Target>, string]>([
  [{ Input: '{}', InputPath: '$' }, 'Only one of Input, InputPath, or InputTransformer'],
  [{ Input: 'text' }, 'JSON syntax error'],
  [{ InputPath: 'detail' }, 'Invalid InputPath'],
  [{ InputPath: '$.a[?(@.b)]' }, 'Invalid InputPath'],
  [{ InputTransformer: { InputTemplate: '<x>', InputPathsMap: { y: '$.a' } } }, 'Unknown variable <x>'],
  [{ InputTransformer: { InputTemplate: '{}', InputPathsMap: { x: 'a' } } }, 'is not a JSON path'],
  [{ InputTransformer: { InputTemplate: '{}', InputPathsMap: { 'aws.x': '$.a' } } }, 'reserved'],
])('a target is refused with %j', (given, expected) => {
  expect(targetInputFault(target(given))).toContain(expected);
  expect(targetInputFault(target({}))).toBeUndefined();
});
