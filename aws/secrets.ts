import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { z } from 'zod';
import { ConfigurationError } from '../core/errors.ts';
import type { AwsConnection } from './aws-connection.ts';

const client = new SecretsManagerClient();

/**
 * Reads a secret that holds JSON; `connection`: other than the environment's. Throws ConfigurationError
 * naming the members that are missing, never a value.
 */
export async function readSecret<Schema extends z.ZodType>(
  secretId: string,
  schema: Schema,
  connection?: AwsConnection,
): Promise<z.output<Schema>> {
  const reader = connection === undefined ? client : new SecretsManagerClient(connection);
  const { SecretString } = await reader.send(new GetSecretValueCommand({ SecretId: secretId }));
  const parsed = schema.safeParse(parseJson(SecretString ?? ''));
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues
    .map((issue) => `${issue.path.join('.') || 'the secret'}: ${issue.code}`)
    .join(', ');
  throw new ConfigurationError(
    'FAULTY_SECRET',
    `Secret ${secretId} must be JSON with the members that sfsync needs: ${faults}.`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
