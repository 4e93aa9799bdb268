import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SecretsManager } from '../secrets-manager.ts';
import { startTestAws, type TestAws } from './embedded-aws.ts';

let running: TestAws;
let secrets: SecretsManagerClient;

beforeAll(async () => {
  running = await startTestAws({
    services: (aws, store) => ({ secretsmanager: new SecretsManager(aws, store) }),
  });
  secrets = new SecretsManagerClient(running.client);
});
afterAll(async () => {
  secrets.destroy();
  await running[Symbol.asyncDispose]();
});

const value = async (input: { SecretId: string; VersionStage?: string; VersionId?: string }) =>
  (await secrets.send(new GetSecretValueCommand(input))).SecretString;

test('a secret is read by name, by ARN, and by ARN without its suffix', async () => {
  const { ARN = '' } = await secrets.send(new CreateSecretCommand({ Name: 'app/one', SecretString: '{"a":1}' }));
  expect(ARN).toMatch(/^arn:aws:secretsmanager:eu-west-1:000000000000:secret:app\/one-[0-9a-f]{6}$/);
  for (const SecretId of ['app/one', ARN, ARN.slice(0, -7)]) expect(await value({ SecretId })).toBe('{"a":1}');
  const again = secrets.send(new CreateSecretCommand({ Name: 'app/one', SecretString: 'x' }));
  await expect(again).rejects.toMatchObject({ name: 'ResourceExistsException' });
  await expect(value({ SecretId: 'none' })).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});

test('a new value is the current one, the one before it the previous', async () => {
  const SecretId = 'turning';
  const first = await secrets.send(new CreateSecretCommand({ Name: SecretId, SecretString: '1' }));
  for (const SecretString of ['2', '3']) await secrets.send(new PutSecretValueCommand({ SecretId, SecretString }));
  expect(await value({ SecretId })).toBe('3');
  expect(await value({ SecretId, VersionStage: 'AWSPREVIOUS' })).toBe('2');
  expect(await value({ SecretId, VersionId: first.VersionId ?? '' })).toBe('1');
  const { VersionIdsToStages } = await secrets.send(new DescribeSecretCommand({ SecretId }));
  expect(Object.values(VersionIdsToStages ?? {}).sort()).toEqual([['AWSCURRENT'], ['AWSPREVIOUS']]);
});

test('a value put twice with one token is one version, and another value with it is refused', async () => {
  await secrets.send(new CreateSecretCommand({ Name: 'token' }));
  await expect(value({ SecretId: 'token' })).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  const put = { SecretId: 'token', ClientRequestToken: '0'.repeat(32), SecretString: 'a' };
  const first = await secrets.send(new PutSecretValueCommand(put));
  expect((await secrets.send(new PutSecretValueCommand(put))).VersionId).toBe(first.VersionId);
  const other = secrets.send(new PutSecretValueCommand({ ...put, SecretString: 'b' }));
  await expect(other).rejects.toMatchObject({ name: 'ResourceExistsException' });
});

test('bytes come back as they were, and secrets are listed', async () => {
  const SecretBinary = Buffer.from([0, 1, 254, 255]);
  await secrets.send(new CreateSecretCommand({ Name: 'bytes', SecretBinary, Description: 'some' }));
  const got = await secrets.send(new GetSecretValueCommand({ SecretId: 'bytes' }));
  expect(Buffer.from(got.SecretBinary ?? [])).toEqual(SecretBinary);
  const { SecretList } = await secrets.send(new ListSecretsCommand({}));
  expect(SecretList?.find((secret) => secret.Name === 'bytes')).toMatchObject({ Description: 'some' });
});
