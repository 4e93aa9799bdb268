import { expect, test } from 'vitest';
import { conditionHolds, resolve, type Scope } from '../../../local/host/intrinsics.ts';

/** `<Name>` in place of the placeholders of Fn::Sub. */
function sub(text: string): string {
  return text.replaceAll(/<([^>]*)>/g, (_whole, name: string) => `\${${name}}`);
}

const scope: Scope = {
  mappings: { Sizes: { small: { memory: 256 } } },
  conditions: {
    IsSmall: { 'Fn::Equals': [{ Ref: 'Size' }, 'small'] },
    IsLarge: { 'Fn::Not': [{ Condition: 'IsSmall' }] },
    Either: { 'Fn::Or': [{ Condition: 'IsLarge' }, { Condition: 'IsSmall' }] },
    Both: { 'Fn::And': [{ Condition: 'IsLarge' }, { Condition: 'IsSmall' }] },
  },
  parameters: new Map<string, string | readonly string[]>([
    ['Size', 'small'],
    ['Subnets', ['subnet-1', 'subnet-2']],
    ['AWS::Region', 'eu-west-1'],
    ['AWS::Partition', 'aws'],
  ]),
  resources: new Map([
    [
      'Queue',
      { ref: 'http://127.0.0.1/queue', attributes: { Arn: 'arn:aws:sqs:eu-west-1:0:q', 'Nested.Name': 'deep' } },
    ],
  ]),
  zones: ['eu-west-1a', 'eu-west-1b'],
};

test.each([
  ['a parameter', { Ref: 'Size' }, 'small'],
  ['a list parameter', { Ref: 'Subnets' }, ['subnet-1', 'subnet-2']],
  ['a resource', { Ref: 'Queue' }, 'http://127.0.0.1/queue'],
  ['a pseudo parameter', { Ref: 'AWS::Region' }, 'eu-west-1'],
  ['an attribute as a list', { 'Fn::GetAtt': ['Queue', 'Arn'] }, 'arn:aws:sqs:eu-west-1:0:q'],
  ['an attribute as a text', { 'Fn::GetAtt': 'Queue.Arn' }, 'arn:aws:sqs:eu-west-1:0:q'],
  ['an attribute with a dot', { 'Fn::GetAtt': ['Queue', 'Nested.Name'] }, 'deep'],
  ['a join', { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':s3']] }, 'arn:aws:s3'],
  ['a join over a list parameter', { 'Fn::Join': [',', { Ref: 'Subnets' }] }, 'subnet-1,subnet-2'],
  [
    'a substitution',
    { 'Fn::Sub': sub('<AWS::Region>/<Queue.Arn>/<!Literal>') },
    sub('eu-west-1/arn:aws:sqs:eu-west-1:0:q/<Literal>'),
  ],
  ['a substitution with values of its own', { 'Fn::Sub': [sub('<A>-<Size>'), { A: { Ref: 'Size' } }] }, 'small-small'],
  ['a selection', { 'Fn::Select': [1, { 'Fn::Split': ['-', 'a-b-c'] }] }, 'b'],
  ['a selection by text', { 'Fn::Select': ['0', { Ref: 'Subnets' }] }, 'subnet-1'],
  ['a mapping', { 'Fn::FindInMap': ['Sizes', { Ref: 'Size' }, 'memory'] }, 256],
  ['a condition', { 'Fn::If': ['IsSmall', 'yes', 'no'] }, 'yes'],
  ['zones', { 'Fn::GetAZs': '' }, ['eu-west-1a', 'eu-west-1b']],
  ['base 64', { 'Fn::Base64': 'hello' }, 'aGVsbG8='],
  [
    'what has no value, in an object and a list',
    { a: { Ref: 'AWS::NoValue' }, b: [1, { Ref: 'AWS::NoValue' }] },
    { b: [1] },
  ],
  ['plain values', { Name: 'x', Count: 3, On: true, Nothing: null }, { Name: 'x', Count: 3, On: true, Nothing: null }],
  ['an object whose only key looks like nothing special', { Reference: 'Queue' }, { Reference: 'Queue' }],
])('resolves %s', (_what, content, expected) => {
  expect(resolve(content, scope, 'here')).toEqual(expected);
});

test.each([
  ['IsSmall', true],
  ['IsLarge', false],
  ['Either', true],
  ['Both', false],
])('the condition %s is %s', (name, expected) => {
  expect(conditionHolds(name, scope, 'here')).toBe(expected);
});

test.each([
  [{ 'Fn::ImportValue': 'shared' }, 'Resources.X: the local host does not support Fn::ImportValue'],
  [{ 'Fn::Transform': {} }, 'Resources.X: the local host does not support Fn::Transform'],
  [{ Ref: 'Absent' }, 'Resources.X: there is no parameter or resource Absent to refer to'],
  [{ 'Fn::GetAtt': ['Queue', 'Color'] }, 'knows no attribute Color of Queue (known: Arn, Nested.Name)'],
  [{ Deep: [{ Ref: 'Absent' }] }, 'Resources.X.Deep[0]: there is no'],
  [{ 'Fn::Select': [9, { Ref: 'Subnets' }] }, 'a list of 2 has no element 9'],
  [{ 'Fn::FindInMap': ['Sizes', 'big', 'memory'] }, 'the mapping Sizes has no big, memory'],
  [{ 'Fn::If': ['Unknown', 1, 2] }, 'the template has no condition Unknown'],
  [{ 'Fn::Join': ['', 'text'] }, 'a list is expected, not "text"'],
])('refuses %j', (content, message) => {
  expect(() => resolve(content, scope, 'Resources.X')).toThrow(message);
});
