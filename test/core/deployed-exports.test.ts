/**
 * What core/ offers is what runs: every value that it exports is reached from a folder that is deployed, or from the
 * package's public face. A rule that only an explorer calls proves nothing of the program.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DEPLOYED = ['steps', 'postgres', 'salesforce', 'aws', 'functions', 'wal-streamer', 'infra', 'cli'];
/** What teams import, and a team's configuration. */
const FACES = ['sfsync.ts', 'cdk.ts', 'examples/lender/sync.config.ts'];

interface Declaration {
  readonly isExported: boolean;
  /** It leaves something at run time: no interface, no type. */
  readonly isValue: boolean;
  /** The names that occur in it. */
  readonly names: ReadonlySet<string>;
}

/** A name of another module. */
interface Origin {
  readonly file: string;
  readonly name: string;
}

interface Module {
  readonly declarations: ReadonlyMap<string, Declaration>;
  /** What each imported or re-exported name stands for; `*`: all that the other module exports. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** Modules whose exports this one passes on as they are. */
  readonly passed: readonly string[];
}

const DECLARATION =
  /^(export )?(?:default )?(?:declare )?(?:async )?(?:abstract )?(function\*?|const|let|class|enum|interface|type) ([\w$]+)/;

/** Top-level declarations begin at the start of a line: the formatter sees to that. */
function moduleOf(file: string, source: string): Module {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
  const declarations = new Map<string, Declaration & { readonly names: Set<string> }>();
  const origins = new Map<string, Origin>();
  const passed: string[] = [];
  const imports = /^(?:import|export) (?:type )?(?:\{([^}]*)\}|\*(?: as ([\w$]+))?|([\w$]+)) from '(\.[^']+)';$/gm;
  for (const [statement, list, namespace, whole, path = ''] of code.matchAll(imports)) {
    const from = normalize(join(file, '..', path));
    if (list === undefined) {
      if (statement.startsWith('export')) passed.push(from);
      else origins.set(namespace ?? whole ?? '', { file: from, name: namespace === undefined ? 'default' : '*' });
      continue;
    }
    for (const entry of list.split(',')) {
      const [name = '', as = name] = entry
        .trim()
        .replace(/^type /, '')
        .split(' as ');
      if (name !== '') origins.set(as, { file: from, name });
    }
  }
  let current: Set<string> | undefined;
  for (const line of code.replace(imports, '').split('\n')) {
    const [, exported, kind = '', name] = DECLARATION.exec(line) ?? [];
    if (name !== undefined) {
      // Overloads are one declaration.
      current = declarations.get(name)?.names ?? new Set();
      const isValue = kind !== 'interface' && kind !== 'type';
      declarations.set(name, { isExported: exported !== undefined, isValue, names: current });
    }
    // Members of other things, and texts, are no names.
    const names = line.replace(/'(?:[^'\\]|\\.)*'/g, '').matchAll(/(?<![\w$]|(?<!\.)\.)[A-Za-z_$][\w$]*/g);
    for (const [each] of names) current?.add(each);
  }
  return { declarations, origins, passed };
}

/** Exported values of core/, as `file name`, that nothing deployed reaches. */
function unreached(sources: ReadonlyMap<string, string>, isDeployed: (file: string) => boolean): string[] {
  const modules = new Map([...sources].map(([file, source]) => [file, moduleOf(file, source)]));
  const reached = new Set<string>();
  const waiting: Origin[] = [];
  const reach = (file: string, name: string): void => {
    const place = `${file} ${name}`;
    const module = modules.get(file);
    if (module === undefined || reached.has(place)) return;
    reached.add(place);
    waiting.push({ file, name });
  };
  for (const [file, { origins, passed }] of modules) {
    if (!isDeployed(file)) continue;
    for (const origin of origins.values()) reach(origin.file, origin.name);
    for (const from of passed) reach(from, '*');
  }
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { file, name } = next;
    const { declarations, origins, passed } = modules.get(file) as Module;
    const all =
      name === '*' ? [...declarations].filter(([, { isExported }]) => isExported).map(([each]) => each) : [name];
    for (const each of all) {
      if (name === '*') reach(file, each);
      const origin = origins.get(each);
      if (origin !== undefined) reach(origin.file, origin.name);
      if (origin === undefined && !declarations.has(each)) for (const from of passed) reach(from, each);
      for (const used of declarations.get(each)?.names ?? []) {
        const other = origins.get(used);
        if (other !== undefined) reach(other.file, other.name);
        else if (declarations.has(used)) reach(file, used);
      }
    }
  }
  return [...modules].flatMap(([file, { declarations }]) =>
    [...declarations]
      .filter(([name, { isExported, isValue }]) => {
        return file.startsWith('core/') && isExported && isValue && !reached.has(`${file} ${name}`);
      })
      .map(([name]) => `${file} ${name}`),
  );
}

function sourcesOf(folders: readonly string[], files: readonly string[]): Map<string, string> {
  const found = folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.includes('node_modules'))
      .map((path) => `${folder}/${path}`),
  );
  return new Map([...found, ...files].map((file) => [file, readFileSync(join(ROOT, file), 'utf8')]));
}

describe('exports of core/', () => {
  test('are all reached from what is deployed', () => {
    const faces = FACES.filter((file) => existsSync(join(ROOT, file)));
    const sources = sourcesOf(['core', ...DEPLOYED], faces);
    expect(sources.size).toBeGreaterThan(100);
    expect(unreached(sources, (file) => !file.startsWith('core/'))).toEqual([]);
  });

  test('count as reached through what a reached one uses, and through re-exports; not through tests of their own', () => {
    const sources = new Map([
      [
        'core/a.ts',
        "export function used() {\n  return helper() + 'unused';\n}\n\nfunction helper() {\n  return inner;\n}\n",
      ],
      ['core/b.ts', 'export const inner = 1;\n\nexport const unused = 2;\n\nexport interface Shape {}\n'],
      ['core/c.ts', "export { used as renamed } from './a.ts';\nexport * from './d.ts';\n"],
      ['core/d.ts', 'export const passed = 1;\n\nexport class Idle {}\n'],
      ['steps/one.ts', "import { passed, renamed } from '../core/c.ts';\n"],
    ]);
    sources.set('core/a.ts', `import { inner } from './b.ts';\n${sources.get('core/a.ts')}`);
    expect(unreached(sources, (file) => file.startsWith('steps/'))).toEqual(['core/b.ts unused', 'core/d.ts Idle']);
  });
});
