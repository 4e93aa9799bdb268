/** What a local run writes about itself into `.local/endpoints.json`. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { ConfigurationError } from '../core/errors.ts';

const endpoints = z.object({
  aws: z.object({
    endpoint: z.url(),
    region: z.string(),
    accessKeyId: z.string(),
    secretAccessKey: z.string(),
  }),
  postgres: z.object({ url: z.string() }),
  salesforce: z.object({ instanceUrl: z.string(), clientId: z.string(), clientSecret: z.string() }),
});
export type LocalEndpoints = Readonly<z.output<typeof endpoints>>;

/** undefined: there is no such file. Throws ConfigurationError when it cannot be read, or holds something else. */
export async function readLocalEndpoints(file: string): Promise<LocalEndpoints | undefined> {
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new ConfigurationError('ENDPOINTS', `${file} cannot be read: ${String(cause)}.`, { cause });
  }
  const parsed = endpoints.safeParse(parseJson(content));
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path }) => path.join('.') || 'the file').join(', ');
  const text = `${file} is not what \`npm start\` writes (at fault: ${faults}). Give another file with --endpoints, or --no-endpoints.`;
  throw new ConfigurationError('ENDPOINTS', text);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
