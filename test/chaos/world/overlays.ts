/** Files of the project's copy that differ from the project's: what makes faults possible inside of what is deployed. */
import type { Overlay } from '../../support/system/project-copy.ts';
import { SMALL_PAGES } from './small-pages.ts';

export const OVERLAYS: Readonly<Record<string, Overlay>> = {
  // All records are made by the run, so that each has a history from its beginning.
  'examples/lender/seed.ts': 'export default () => [];\n',
  ...SMALL_PAGES,
};

/** The file as the copy has it, before anything is planted in it. */
export function laid(file: string, text: string): string {
  const overlay = OVERLAYS[file];
  return typeof overlay === 'function' ? overlay(text) : (overlay ?? text);
}

/** What is planted, in files as the copy has them. */
export function laidWith(planted: Readonly<Record<string, Overlay>>): Readonly<Record<string, Overlay>> {
  const over = Object.entries(planted).map(([file, overlay]): [string, Overlay] => [
    file,
    typeof overlay === 'string' ? overlay : (text) => overlay(laid(file, text)),
  ]);
  return { ...OVERLAYS, ...Object.fromEntries(over) };
}
