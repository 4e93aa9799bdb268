import { expect, test } from 'vitest';
import { inOrderOfDependency, namesReferredTo } from '../../../local/host/dependencies.ts';
import type { ResourceDefinition } from '../../../local/host/template.ts';

/** `<Name>` in place of the placeholders of Fn::Sub. */
function sub(text: string): string {
  return text.replaceAll(/<([^>]*)>/g, (_whole, name: string) => `\${${name}}`);
}

function resource(logicalId: string, properties: object, dependsOn: string[] = []): ResourceDefinition {
  return { logicalId, type: 'AWS::SQS::Queue', properties: { ...properties }, dependsOn, condition: undefined };
}

test('names are found in Ref, GetAtt and Sub, however deep', () => {
  const substitution = { 'Fn::Sub': [sub('<Topic.Arn>/<AWS::Region>/<!Literal>'), { Own: { Ref: 'Bucket' } }] };
  const content = {
    a: [{ Ref: 'Queue' }, { b: { 'Fn::GetAtt': ['Role', 'Arn'] } }],
    c: substitution,
    d: { 'Fn::GetAtt': 'Rule.Arn' },
  };
  expect([...namesReferredTo(content)].sort()).toEqual(['AWS::Region', 'Bucket', 'Queue', 'Role', 'Rule', 'Topic']);
});

test('each comes after those it needs, otherwise as written', () => {
  const ordered = inOrderOfDependency([
    resource('Third', { on: { Ref: 'Second' } }),
    resource('Alone', {}),
    resource('Second', { on: { 'Fn::GetAtt': ['First', 'Arn'] } }),
    resource('Last', {}, ['Third']),
    resource('First', {}),
  ]);
  expect(ordered.map(({ logicalId }) => logicalId)).toEqual(['First', 'Second', 'Third', 'Alone', 'Last']);
});

test('a circle is named', () => {
  const circle = [resource('A', { on: { Ref: 'B' } }), resource('B', { on: { Ref: 'C' } }), resource('C', {}, ['A'])];
  expect(() => inOrderOfDependency(circle)).toThrow('in a circle: A -> B -> C -> A');
});
