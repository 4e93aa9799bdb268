/** The lender's project, of which the local run needs neither a database nor an org. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ProjectFile } from './project-files.ts';

const LENDER = fileURLToPath(new URL('../../examples/lender/', import.meta.url));
const DESCRIBES = 'salesforce';

export async function exampleFiles(): Promise<ProjectFile[]> {
  const describes = (await readdir(join(LENDER, DESCRIBES))).map((name) => join(DESCRIBES, name));
  const paths = ['sync.config.ts', 'schema.sql', 'seed.ts', ...describes.sort()];
  return Promise.all(paths.map(async (path) => ({ path, text: imported(await readFile(join(LENDER, path), 'utf8')) })));
}

/** What the example imports from the repository that it lies in, a team imports from the package. */
function imported(text: string): string {
  return text.replace(/^(.*\bfrom )'\.\.\/\.\.\/[^']+'/gm, "$1'sfsync'");
}
