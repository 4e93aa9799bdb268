import { describe, expect, test } from 'vitest';
import { compileEventPattern } from '../../events/event-pattern.ts';
import { AwsError } from '../../service.ts';

const matches = (pattern: unknown, event: object): boolean =>
  compileEventPattern(typeof pattern === 'string' ? pattern : JSON.stringify(pattern)).matches(event);

const REASON = 'Event pattern is not valid. Reason: ';

function reason(pattern: unknown): string {
  try {
    compileEventPattern(typeof pattern === 'string' ? pattern : JSON.stringify(pattern));
  } catch (error) {
    if (error instanceof AwsError && error.code === 'InvalidEventPatternException') {
      return error.message.slice(REASON.length);
    }
    throw error;
  }
  return 'none';
}

describe('a field', () => {
  test.each<[string, unknown, object, boolean]>([
    ['equals one of the list', { source: ['a', 'b'] }, { source: 'b' }, true],
    ['equals none of the list', { source: ['a'] }, { source: 'b' }, false],
    ['is missing', { source: ['a'] }, {}, false],
    ['is a list that holds the value', { resources: ['x'] }, { resources: ['y', 'x'] }, true],
    ['is an empty list', { resources: [{ exists: true }] }, { resources: [] }, false],
    ['keeps case', { source: ['A'] }, { source: 'a' }, false],
    ['is a number, whatever its spelling', '{"n": [300]}', { n: 300.0 }, true],
    ['is text with digits, not a number', { n: [300] }, { n: '300' }, false],
    ['is null', { n: [null] }, { n: null }, true],
    ['is missing, not null', { n: [null] }, {}, false],
    ['is false', { n: [false] }, { n: false }, true],
    ['is nested as a dotted name', { 'detail.state': ['on'] }, { detail: { state: 'on' } }, true],
    ['is dotted as a nested name', { detail: { state: ['on'] } }, { 'detail.state': 'on' }, true],
    ['is JSON text, which is not looked into', { detail: { a: ['x'] } }, { detail: '{"a":"x"}' }, false],
    ['is an object, which has no value', { detail: [{ exists: true }] }, { detail: { a: 1 } }, false],
    ['is an address in another spelling', { ip: ['2001:DB8::1'] }, { ip: '2001:db8:0:0:0:0:0:1' }, true],
  ])('%s', (_, pattern, event, expected) => {
    expect(matches(pattern, event)).toBe(expected);
  });
});

describe('an operator', () => {
  test.each<[unknown, unknown, boolean]>([
    [{ prefix: 'work/' }, 'work/1', true],
    [{ prefix: 'work/' }, 'archive/work/', false],
    [{ prefix: '' }, 'anything', true],
    [{ prefix: '1' }, 12, false],
    [{ prefix: { 'equals-ignore-case': 'EventB' } }, 'eVeNtBridge', true],
    [{ suffix: '.csv' }, 'a.csv', true],
    [{ suffix: '.csv' }, 'a.CSV', false],
    [{ suffix: { 'equals-ignore-case': '.CSV' } }, 'a.csv', true],
    [{ 'equals-ignore-case': 'Done' }, 'dONE', true],
    [{ 'equals-ignore-case': 'Done' }, 'done!', false],
    [{ exactly: 'x' }, 'x', true],
    [{ wildcard: 'a*c' }, 'abbbc', true],
    [{ wildcard: 'a*c' }, 'ac', true],
    [{ wildcard: 'a*b*a' }, 'aba', true],
    [{ wildcard: 'ab*ba' }, 'aba', false],
    [{ wildcard: '*/init/*' }, 'dir/init/file', true],
    [{ wildcard: 'a\\*b' }, 'a*b', true],
    [{ wildcard: 'a\\*b' }, 'axb', false],
    [{ wildcard: 'a\\\\*' }, 'a\\b', true],
    [{ wildcard: 'a.c' }, 'abc', false],
    [{ wildcard: '' }, '', true],
    [{ cidr: '10.0.0.0/24' }, '10.0.0.255', true],
    [{ cidr: '10.0.0.0/24' }, '10.0.1.0', false],
    [{ cidr: '10.0.0.0/24' }, '10.0.0.256', false],
    [{ cidr: '2001:db8::/32' }, '2001:db8:ffff::1', true],
    [{ cidr: '2001:db8::/32' }, '2001:db9::', false],
    [{ cidr: '::ffff:10.0.0.0/104' }, '::ffff:10.1.2.3', true],
    [{ cidr: '0.0.0.0/0' }, '::1', false],
    [{ numeric: ['=', 301.8] }, 301.8, true],
    [{ numeric: ['>', 0, '<=', 5] }, 5, true],
    [{ numeric: ['>', 0, '<=', 5] }, 0, false],
    [{ numeric: ['>=', 0, '<', 5] }, 0, true],
    [{ numeric: ['<', -1] }, -2, true],
    [{ numeric: ['>', 100] }, '300', false],
    [{ exists: true }, null, true],
    [{ exists: false }, 'x', false],
    [{ 'anything-but': 'x' }, 'y', true],
    [{ 'anything-but': 'x' }, 'x', false],
    [{ 'anything-but': 'x' }, null, true],
    [{ 'anything-but': ['x', 'y'] }, 'y', false],
    [{ 'anything-but': [1, 2] }, 1, false],
    [{ 'anything-but': 1 }, '1', true],
    [{ 'anything-but': { prefix: ['a', 'b'] } }, 'c', true],
    [{ 'anything-but': { prefix: ['a', 'b'] } }, 'bx', false],
    [{ 'anything-but': { suffix: 'x' } }, 'ax', false],
    [{ 'anything-but': { wildcard: 'a*' } }, 'b', true],
    [{ 'anything-but': { 'equals-ignore-case': ['A'] } }, 'a', false],
    [{ 'anything-but': { prefix: '1' } }, 12, true],
    // One element that differs is enough.
    [{ 'anything-but': 'x' }, ['x', 'y'], true],
  ])('%j on %j: %s', (operator, value, expected) => {
    expect(matches({ field: [operator] }, { field: value })).toBe(expected);
  });

  test.each([{ 'anything-but': 'x' }, { 'anything-but': { prefix: 'x' } }, { exists: true }])(
    '%j does not match a missing field',
    (operator) => {
      expect(matches({ field: [operator] }, {})).toBe(false);
    },
  );

  test('exists: false matches a missing field, also beside values', () => {
    expect(matches({ field: [{ exists: false }] }, {})).toBe(true);
    expect(matches({ field: [{ exists: false }, 'x'] }, { field: 'x' })).toBe(true);
    expect(matches({ field: [{ exists: false }, 'x'] }, { field: 'y' })).toBe(false);
  });
});

describe('fields together', () => {
  test('all have to match', () => {
    const pattern = { source: ['aws.s3'], detail: { object: { key: [{ prefix: 'salesforce/' }] } } };
    expect(matches(pattern, { source: 'aws.s3', detail: { object: { key: 'salesforce/a' } } })).toBe(true);
    expect(matches(pattern, { source: 'aws.s3', detail: { object: { key: 'work/a' } } })).toBe(false);
  });

  test('inside one array, by the same element', () => {
    const pattern = { people: { first: ['Anna'], last: ['Jones'] } };
    const event = (...people: object[]) => ({ people });
    expect(matches(pattern, event({ first: 'Anna', last: 'Smith' }, { first: 'Joe', last: 'Jones' }))).toBe(false);
    expect(matches(pattern, event({ first: 'Joe', last: 'Smith' }, { first: 'Anna', last: 'Jones' }))).toBe(true);
  });

  test('inside nested arrays, by the same elements at each level', () => {
    const pattern = { teams: { name: ['red'], people: { first: ['Anna'] } } };
    expect(matches(pattern, { teams: [{ name: 'red', people: [{ first: 'Joe' }, { first: 'Anna' }] }] })).toBe(true);
    const elsewhere = [
      { name: 'red', people: [{ first: 'Joe' }] },
      { name: 'blue', people: [{ first: 'Anna' }] },
    ];
    expect(matches(pattern, { teams: elsewhere })).toBe(false);
  });

  test('named twice: the later list counts, other fields of both stay', () => {
    const pattern = '{"detail": {"a": ["x"], "b": ["y"]}, "detail": {"a": ["z"]}}';
    expect(matches(pattern, { detail: { a: 'z', b: 'y' } })).toBe(true);
    expect(matches(pattern, { detail: { a: 'x', b: 'y' } })).toBe(false);
    expect(matches(pattern, { detail: { a: 'z' } })).toBe(false);
  });

  test('in $or, one branch has to match, with the fields around it', () => {
    const pattern = { source: ['s'], $or: [{ a: [1] }, { b: [2], c: [3] }] };
    expect(matches(pattern, { source: 's', a: 1 })).toBe(true);
    expect(matches(pattern, { source: 's', b: 2, c: 3 })).toBe(true);
    expect(matches(pattern, { source: 's', b: 2 })).toBe(false);
    expect(matches(pattern, { source: 'other', a: 1 })).toBe(false);
  });
});

describe('is refused', () => {
  const VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";

  test.each<[unknown, string]>([
    ['not json', `Unrecognized token 'not': was expecting ${VALUES}`],
    ['{"a": closed mark"', `Unrecognized token 'closed': was expecting ${VALUES}`],
    ['["list"]', 'Filter is not an object'],
    [
      '{"a": ["x"',
      expect.stringMatching(/^Unexpected end-of-input: expected close marker for Array \(start marker at/) as never,
    ],
    ['{"a" ["x"]}', "Unexpected character ('[' (code 91)): was expecting a colon to separate field name and value"],
    ['{"a": ["x"] "b": []}', `Unexpected character ('"' (code 34)): was expecting comma to separate Object entries`],
    [{}, 'Empty objects are not allowed'],
    [{ detail: {} }, 'Empty objects are not allowed'],
    [{ source: [] }, 'Empty arrays are not allowed'],
    [{ source: 'a' }, '"source" must be an object or an array'],
    [{ source: [['a']] }, 'Match value must be String, number, true, false, or null'],
    [{ source: [{}] }, 'Match expression name not found'],
    [{ source: [{ PREFIX: 'a' }] }, 'Unrecognized match type PREFIX'],
    [{ source: [{ prefix: 1 }] }, 'prefix match pattern must be a string'],
    [{ source: [{ prefix: { wildcard: 'x' } }] }, 'Unsupported prefix pattern: wildcard'],
    [{ source: [{ prefix: 'a', suffix: 'b' }] }, 'Only one key allowed in match expression'],
    [{ source: [{ suffix: ['a'] }] }, 'suffix match pattern must be a string'],
    [{ source: [{ wildcard: 'a**' }] }, 'Consecutive wildcard characters at pos 2'],
    [{ source: [{ wildcard: 'ü\\x' }] }, 'Invalid escape character at pos 3'],
    [{ source: [{ exists: 'yes' }] }, 'exists match pattern must be either true or false.'],
    [{ source: [{ cidr: '10.0.0.0/a' }] }, 'Malformed CIDR, mask bits must be an integer'],
    [{ source: [{ cidr: '10.0.0.0/-1' }] }, 'Malformed CIDR, mask bits must not be negative'],
    [{ source: [{ cidr: '10.0.0.0/33' }] }, 'IPv4 mask bits must be < 32'],
    [{ source: [{ cidr: '::/128' }] }, 'IPv6 mask bits must be < 128'],
    [{ source: [{ cidr: 'xx.0.0.0/24' }] }, 'Nonstandard IP address: xx.0.0.0'],
    [{ n: [{ numeric: 10 }] }, 'Value of numeric must be an array.'],
    [{ n: [{ numeric: [] }] }, 'Invalid member in numeric match: ]'],
    [{ n: [{ numeric: ['>'] }] }, 'Value of > must be numeric'],
    [{ n: [{ numeric: ['=', '1'] }] }, 'Value of equals must be numeric'],
    [{ n: [{ numeric: ['!=', 1] }] }, 'Unrecognized numeric range operator: !='],
    [{ n: [{ numeric: ['<', 1, '>', 0] }] }, 'Too many elements in numeric expression'],
    [{ n: [{ numeric: ['>', 1, '>', 2] }] }, 'Bad numeric range operator: >'],
    [{ n: [{ numeric: ['>', 1, 2] }] }, 'Bad value in numeric range: 2'],
    [{ n: [{ numeric: ['>', 1, '<', 2, '<', 3] }] }, 'Too many terms in numeric range expression'],
    [{ n: [{ numeric: ['>', 2, '<', 1] }] }, 'Bottom must be less than top'],
    [{ n: [{ 'anything-but': null }] }, 'Value of anything-but must be an array or single string/number value.'],
    [{ n: [{ 'anything-but': [null] }] }, 'Inside anything but list, start|null|boolean is not supported.'],
    [
      { n: [{ 'anything-but': ['a', 1] }] },
      'Inside anything but list, either all values are number or string, mixed type is not supported',
    ],
    [{ n: [{ 'anything-but': { numeric: ['=', 1] } }] }, 'Unsupported anything-but pattern: numeric'],
    [{ n: [{ 'anything-but': { prefix: '' } }] }, 'Null prefix/suffix not allowed'],
    [{ $or: { a: [1] } }, 'It must be an Array followed with $or.'],
    [{ $or: [{ a: [1] }] }, 'There must have at least 2 Objects in $or relationship.'],
    [{ $or: ['a', 'b'] }, 'Only JSON object is allowed in array of $or relationship.'],
    [{ $or: [{ prefix: ['a'] }, { b: [1] }] }, 'prefix is Ruler reserved fieldName which cannot be used inside $or.'],
  ])('%j', (pattern, expected) => {
    expect(reason(pattern)).toEqual(expected);
  });

  test('with more combinations of $or than the service takes', () => {
    const choice = (name: string) => Array.from({ length: 11 }, (_, index) => ({ [name]: [index] }));
    const pattern = { a: { $or: choice('x') }, b: { $or: choice('x') }, c: { $or: choice('x') } };
    expect(reason(pattern)).toContain('more than 1000 combinations');
  });
});
