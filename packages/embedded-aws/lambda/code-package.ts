import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { unzipSync } from 'fflate';
import { AwsError } from '../service.ts';

/** A function's code, unpacked. */
export interface CodePackage {
  readonly directory: string;
  /** SHA-256 of the archive in base64, as GetFunctionConfiguration answers it. */
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * Unpacks an archive into a directory of its own below `parent`, named after its content, so that the same code is
 * unpacked once. Throws AwsError `InvalidParameterValueException` when it is no zip archive or would write elsewhere.
 */
export function unpackCode(archive: Uint8Array, parent: string): CodePackage {
  const digest = createHash('sha256').update(archive).digest();
  const directory = join(parent, digest.toString('hex').slice(0, 32));
  const code: CodePackage = { directory, sha256: digest.toString('base64'), bytes: archive.length };
  if (existsSync(directory)) return code;
  // Unpacked beside and renamed: a directory with the right name is always complete.
  const partial = `${directory}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  for (const [name, content] of Object.entries(entries(archive))) {
    if (name.endsWith('/')) continue;
    const inside = normalize(name);
    if (inside.startsWith('..') || inside.startsWith(sep)) throw unzipFault(`${name} lies outside of the archive`);
    const file = join(partial, inside);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  renameSync(partial, directory);
  return code;
}

function entries(archive: Uint8Array): Record<string, Uint8Array> {
  try {
    return unzipSync(archive);
  } catch (error) {
    throw unzipFault(String(error));
  }
}

function unzipFault(reason: string): AwsError {
  const text = `Could not unzip uploaded file. Please check your file, then try to upload again. (${reason})`;
  return new AwsError('InvalidParameterValueException', text, 400, { Type: 'User' });
}
