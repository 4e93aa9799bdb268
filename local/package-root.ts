/** The code of the product, of which this folder is a part: TypeScript in the repository, JavaScript in the package. */
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The directory that holds `cli/`, `infra/`, `functions/` and the others. */
export const PACKAGE_ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/[/\\]$/, '');

/** The file that Node runs for a module such as `infra/app`, relative to PACKAGE_ROOT: it is compiled as this one is. */
export function entryFile(name: string): string {
  return name + extname(fileURLToPath(import.meta.url));
}
