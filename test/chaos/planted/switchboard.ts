/**
 * All bugs in one copy of the project, each behind a switch: a system takes a minute to start, and a bug a moment to switch on. A file
 * that bugs change is there as it is, and once more for each of them; under its name stands a module that hands every call on
 * to the one that is switched on. What is under way when a switch is thrown ends as it began.
 */
import { basename, dirname, relative } from 'node:path/posix';
import type { PlantedBug } from './planted-bug.ts';
import { overlaysOf } from './planted-bug.ts';

/** Of the copy: says which bug is switched on. */
const SWITCH_MODULE = 'core/planted-bug.ts';
/** How long a process may go on with what it knows of the switch. */
export const SWITCHED_WITHIN_MS = 100;

/** The files of the copy that differ. `read`: a file of the project; `switchFile`: holds the name of the bug that is on, or nothing. */
export function switchboard(
  bugs: readonly PlantedBug[],
  read: (file: string) => string,
  switchFile: string,
): Readonly<Record<string, string>> {
  const files: Record<string, string> = { [SWITCH_MODULE]: switchModule(switchFile) };
  const variants = Map.groupBy(
    bugs.flatMap((bug) => Object.entries(overlaysOf(bug)).map(([file, edit]) => ({ name: bug.name, file, edit }))),
    ({ file }) => file,
  );
  for (const [file, found] of variants) {
    const text = read(file);
    files[beside(file, 'original')] = text;
    for (const [i, { edit }] of found.entries()) files[beside(file, `planted-${i}`)] = edit(text);
    const names = found.map(({ name }) => name);
    files[file] = dispatcher(file, text, names);
  }
  return files;
}

function beside(file: string, what: string): string {
  return file.replace(/\.ts$/, `.${what}.ts`);
}

function switchModule(switchFile: string): string {
  return `import { readFileSync } from 'node:fs';
let name = '';
let readAt = 0;
export function plantedBug(): string {
  const now = Date.now();
  if (now - readAt > ${SWITCHED_WITHIN_MS}) {
    readAt = now;
    try {
      name = readFileSync(${JSON.stringify(switchFile)}, 'utf8');
    } catch {
      name = '';
    }
  }
  return name;
}
`;
}

function dispatcher(file: string, text: string, names: readonly string[]): string {
  const of = (pattern: RegExp) => [...text.matchAll(pattern)].map(([, name]) => name ?? '');
  const functions = of(/^export (?:async )?function\*? (\w+)/gm);
  const classes = of(/^export class (\w+)/gm);
  const constants = of(/^export const (\w+)/gm);
  const place = relative(dirname(file), SWITCH_MODULE);
  const module = (what: string) => `./${basename(beside(file, what))}`;
  return [
    `import { plantedBug } from '${place.startsWith('.') ? place : `./${place}`}';`,
    `import * as original from '${module('original')}';`,
    ...names.map((_, i) => `import * as planted${i} from '${module(`planted-${i}`)}';`),
    'function chosen(): any {',
    '  switch (plantedBug()) {',
    ...names.map((name, i) => `    case ${JSON.stringify(name)}: return planted${i};`),
    '    default: return original;',
    '  }',
    '}',
    ...functions.map((name) => `export function ${name}(...given: any[]): any { return chosen().${name}(...given); }`),
    ...classes.map(
      (name) =>
        `export const ${name}: any = new Proxy(original.${name}, { construct: (_, given) => new (chosen().${name})(...given), get: (_, member) => Reflect.get(chosen().${name}, member) });`,
    ),
    ...(constants.length === 0 ? [] : [`export { ${constants.join(', ')} } from '${module('original')}';`]),
    '',
  ].join('\n');
}
