/** What makes a folder below `packages/` a package of its own. */
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const IMPORT = /(?:^(?:import|export|\})[^'\n]* from |^import |\bimport\()'([^'\n]+)'/gm;

interface Manifest {
  readonly exports: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

function manifestOf(directory: string): Manifest {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Manifest;
}

interface Import {
  readonly file: string;
  readonly source: string;
}

function importsOf(directory: string): Import[] {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  return files.flatMap((file) => {
    const code = readFileSync(join(directory, file), 'utf8').replace(/^\s*(\*|\/\/).*$/gm, '');
    return Array.from(code.matchAll(IMPORT), ([, source = '']) => ({ file, source }));
  });
}

/** `zod` of `zod`, `@scope/name` of `@scope/name/part`. */
function packageOf(source: string): string {
  return source.split('/', source.startsWith('@') ? 2 : 1).join('/');
}

const isRelative = ({ source }: Import): boolean => source.startsWith('.');
const isOfNode = ({ source }: Import): boolean => source.startsWith('node:') || builtinModules.includes(source);

describe.each(['embedded-aws', 'salesforce-simulator'])('packages/%s', (name) => {
  const directory = join(PROJECT, 'packages', name);
  const { exports, dependencies, devDependencies } = manifestOf(directory);
  const imports = importsOf(directory);
  const own = imports.filter(({ file }) => !file.startsWith('test/'));
  const npm = (from: readonly Import[]) => [
    ...new Set(from.filter((each) => !isRelative(each) && !isOfNode(each)).map(({ source }) => packageOf(source))),
  ];

  test('imports no file outside of itself', () => {
    expect(own.length).toBeGreaterThan(100);
    const outside = own
      .filter(isRelative)
      .filter(({ file, source }) => relative(directory, resolve(directory, dirname(file), source)).startsWith('..'));
    expect(outside).toEqual([]);
  });

  test('lists the npm packages that it needs, and no others', () => {
    expect(npm(own).sort()).toEqual(Object.keys(dependencies).sort());
    const ofTests = npm(imports.filter(({ file }) => file.startsWith('test/')));
    expect(ofTests.filter((each) => dependencies[each] === undefined).sort()).toEqual(
      Object.keys(devDependencies).sort(),
    );
  });

  test('needs the versions that the root installs', () => {
    const root = manifestOf(PROJECT);
    const installed = { ...root.devDependencies, ...root.dependencies };
    const listed = { ...dependencies, ...devDependencies };
    expect(listed).toEqual(Object.fromEntries(Object.keys(listed).map((each) => [each, installed[each]])));
  });

  test('its public face is one module', async () => {
    expect(Object.keys(exports)).toEqual(['.']);
    const face: unknown = await import(join(directory, exports['.'] ?? ''));
    expect(Object.keys(face as object)).not.toEqual([]);
  });
});
