import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type * as secrets from '../../aws/secrets.ts';
import { type AwsEnvironment, startAwsEnvironment } from '../support/system/aws-environment.ts';

let aws: AwsEnvironment;
let readSecret: typeof secrets.readSecret;

beforeAll(async () => {
  aws = await startAwsEnvironment();
  ({ readSecret } = await import('../../aws/secrets.ts'));
});
afterAll(() => aws[Symbol.asyncDispose]());

const schema = z.object({ host: z.string(), port: z.coerce.number().int(), password: z.string() });

test('a secret is read by ARN or name, with what others keep in it left out', async () => {
  const arn = await aws.secret('database', { host: 'h', port: '5432', password: 'p', engine: 'postgres' });
  const parsed = { host: 'h', port: 5432, password: 'p' };
  expect([await readSecret(arn, schema), await readSecret('database', schema)]).toEqual([parsed, parsed]);
});

test.for([
  ['a member is missing', { host: 'h', password: 'top-secret' }, 'port: invalid_type'],
  ['a member is of another type', { host: 5, port: 'top-secret', password: 'p' }, 'host: invalid_type, port: '],
  ['it is no JSON', 'top-secret', 'the secret: invalid_type'],
] as const)('%s: reported by name, never by value', async ([, value, name]) => {
  const arn = await aws.secret('faulty', value);
  const error = await readSecret(arn, schema).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name: 'ConfigurationError', code: 'FAULTY_SECRET' });
  expect(String(error)).toContain(arn);
  expect(String(error)).toContain(name);
  expect(String(error)).not.toContain('top-secret');
});
