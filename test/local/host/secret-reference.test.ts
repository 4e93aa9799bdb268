import { expect, test } from 'vitest';
import { parseSecretReference, secretVariable } from '../../../local/host/secret-reference.ts';

const ARN = 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:database-AbCdEf';

test.each([
  [ARN, { secretId: ARN, jsonKey: undefined }],
  [`${ARN}:password::`, { secretId: ARN, jsonKey: 'password' }],
  [`${ARN}:::`, { secretId: ARN, jsonKey: undefined }],
])('%s', (valueFrom, expected) => {
  expect(parseSecretReference(valueFrom)).toEqual(expected);
});

test('a key of the JSON becomes the variable, a number as text', () => {
  expect(secretVariable({ secretId: ARN, jsonKey: 'port' }, '{"port":5433}')).toBe('5433');
  expect(secretVariable({ secretId: ARN, jsonKey: undefined }, 'plain')).toBe('plain');
});

test('a missing key is named without the secret', () => {
  const missing = () => secretVariable({ secretId: ARN, jsonKey: 'user' }, '{"password":"hidden"}');
  expect(missing).toThrow(`The secret ${ARN} has no key user`);
  expect(missing).not.toThrow('hidden');
  expect(() => secretVariable({ secretId: ARN, jsonKey: 'user' }, 'hidden')).toThrow('is not JSON');
});
