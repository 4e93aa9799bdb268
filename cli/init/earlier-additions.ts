/** schema-additions.sql of an earlier init, of which the tables lack nothing any more. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProjectFile } from './project-files.ts';

export const ADDITIONS_FILE = 'schema-additions.sql';

/** The line that says so; none when there is no such file, or when this init writes one. */
export async function earlierAdditions(directory: string, files: readonly ProjectFile[]): Promise<string[]> {
  if (files.some(({ path }) => path === ADDITIONS_FILE)) return [];
  try {
    await access(join(directory, ADDITIONS_FILE));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
  return [`${ADDITIONS_FILE} is from an earlier init and left alone: the tables lack nothing now`];
}
