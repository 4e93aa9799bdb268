import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const schema = z.object({
  /** Of the packaged server's superuser. */
  postgres: z.string(),
  /** Of the application's role. */
  application: z.string(),
  streamer: z.string(),
  apply: z.string(),
});

/** Passwords of the local run's roles: made at the first start, the same afterwards. */
export type LocalCredentials = Readonly<z.output<typeof schema>>;

/** Reads `credentials.json` of the state directory, or makes it. Only its owner may read it. */
export function localCredentials(directory: string): LocalCredentials {
  const file = join(directory, 'credentials.json');
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    const password = (): string => randomBytes(18).toString('base64url');
    const made = { postgres: password(), application: password(), streamer: password(), apply: password() };
    writeFileSync(file, `${JSON.stringify(made, undefined, 2)}\n`, { mode: 0o600 });
    return made;
  }
  return schema.parse(JSON.parse(content));
}
