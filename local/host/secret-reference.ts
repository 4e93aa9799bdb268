/** What `ValueFrom` of a container's secret names: the whole secret, or one key of its JSON. */
export interface SecretReference {
  readonly secretId: string;
  readonly jsonKey: string | undefined;
}

/**
 * Reads `arn:aws:secretsmanager:<region>:<account>:secret:<name>[:<json-key>[:<stage>[:<version>]]]`
 * (ECS Developer Guide, "Pass sensitive data to a container").
 */
export function parseSecretReference(valueFrom: string): SecretReference {
  const parts = valueFrom.split(':');
  return { secretId: parts.slice(0, 7).join(':'), jsonKey: parts[7] || undefined };
}

/** The value of the variable. Throws an Error that names the secret and the key, never the value. */
export function secretVariable({ secretId, jsonKey }: SecretReference, secret: string): string {
  if (jsonKey === undefined) return secret;
  let values: unknown;
  try {
    values = JSON.parse(secret);
  } catch {
    throw new Error(`The secret ${secretId} is not JSON, so it has no key ${jsonKey}`);
  }
  const value = typeof values === 'object' && values !== null ? Reflect.get(values, jsonKey) : undefined;
  if (value === undefined) throw new Error(`The secret ${secretId} has no key ${jsonKey}`);
  return String(value);
}
