/** The file that takes the place of `core/failpoint.ts` in a project copy. */
import { readFileSync } from 'node:fs';

export interface Overlay {
  /** In the project. */
  readonly file: string;
  readonly text: string;
}

/** Failpoints that kill where a file in this directory says so. */
export function failpointOverlay(directory: string): Overlay {
  const file = 'core/failpoint.ts';
  const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
  const [list, ...others] = read(`../../../${file}`).split('/** @__NO_SIDE_EFFECTS__ */');
  if (list === undefined || others.length !== 1)
    throw new Error(`${file} is not what it was: where does its function begin?`);
  const deadly = read('./deadly-failpoint.ts')
    .replace(/^import type \{ Failpoint \}.*\n/m, '')
    .replace("'no directory'", JSON.stringify(directory));
  return { file, text: `${deadly}\n${list}` };
}
