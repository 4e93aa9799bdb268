/** Writes a project's files into its folder. What is there already stays, and is reported, unless it may be overwritten. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ConfigurationError } from '../../core/errors.ts';
import { changedIgnores, changedManifest, json, type Manifest, type ProjectFile } from './project-files.ts';

export interface Written {
  readonly written: readonly string[];
  /** Files that hold something else, and members of package.json. */
  readonly leftAlone: readonly string[];
}

export async function writeProject(directory: string, files: readonly ProjectFile[], force: boolean): Promise<Written> {
  await mkdir(directory, { recursive: true });
  const manifest = await writeManifest(directory, files, force);
  const written = [...manifest.written];
  const leftAlone = [...manifest.leftAlone];
  for (const { path, text } of files) {
    const there = await textOf(join(directory, path));
    if (there === text) continue;
    if (there !== undefined && !force) {
      leftAlone.push(path);
      continue;
    }
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
    written.push(there === undefined ? path : `${path} (overwritten)`);
  }
  const ignores = changedIgnores((await textOf(join(directory, '.gitignore'))) ?? '');
  if (ignores !== undefined) {
    await writeFile(join(directory, '.gitignore'), ignores);
    written.push('.gitignore');
  }
  return { written, leftAlone };
}

async function writeManifest(directory: string, files: readonly ProjectFile[], force: boolean): Promise<Written> {
  const path = join(directory, 'package.json');
  const text = await textOf(path);
  const before = text === undefined ? { name: basename(directory).toLowerCase(), private: true } : parsed(text);
  const own = new Set(files.map((file) => join(directory, file.path)));
  const { manifest, changed, kept } = changedManifest(before, await hasOtherCode(directory, own), force);
  if (changed.length > 0) await writeFile(path, json(manifest));
  return {
    written: changed.length > 0 ? [`package.json: ${changed.join(', ')}`] : [],
    leftAlone: kept.map((member) => `package.json: ${member}`),
  };
}

/** Installed or made by tools; the code in them says nothing about the project's own. */
const NOT_OWN_CODE = ['node_modules', 'dist', 'cdk.out'];

/** Whether a file of JavaScript or TypeScript is there that init does not write. */
async function hasOtherCode(folder: string, own: ReadonlySet<string>): Promise<boolean> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      const isSearched = !entry.name.startsWith('.') && !NOT_OWN_CODE.includes(entry.name);
      if (isSearched && (await hasOtherCode(path, own))) return true;
    } else if (/\.[cm]?[jt]sx?$/.test(entry.name) && !own.has(path)) return true;
  }
  return false;
}

function parsed(text: string): Manifest {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConfigurationError('PACKAGE_JSON', 'package.json is no JSON; correct it, then run this again.', {
      cause,
    });
  }
}

/** undefined: there is no such file. */
async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
