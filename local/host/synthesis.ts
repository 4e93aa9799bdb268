import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';

export interface SynthesisOptions {
  /** Holds the CDK app and what it bundles. */
  readonly packageRoot: string;
  /** The CDK app, relative to `packageRoot`. */
  readonly app: string;
  /** The project's `sync.config.ts`. */
  readonly configurationFile: string;
  /** Where the cloud assembly goes. */
  readonly outputDirectory: string;
}

/** What the assembly is made of, beside the configuration; a change in any of these files makes it anew. */
const SOURCES = [
  'aws',
  'core',
  'functions',
  'infra',
  'postgres',
  'salesforce',
  'sql',
  'state-machines',
  'steps',
  'wal-streamer',
];
/** And the files beside them, among them the package's lock. */
const SOURCE_FILES = /\.(ts|js|json)$/;
/** Of the project's own modules that a module imports. */
const RELATIVE_IMPORT = /(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g;

/** Written last, so an assembly that was broken off has none. */
const STAMP = 'sources.sha256';

/**
 * Synthesises the CDK app in a process of its own, unless the assembly of these very sources is there. Answers whether
 * it was. Throws an Error with the app's own output when it fails.
 */
export async function synthesise(options: SynthesisOptions): Promise<boolean> {
  const { packageRoot, app, configurationFile, outputDirectory } = options;
  const hash = await hashOf(packageRoot, configurationFile);
  const stamp = join(outputDirectory, STAMP);
  const before = await readFile(stamp, 'utf8').catch(() => undefined);
  if (before === hash) return true;
  await rm(outputDirectory, { recursive: true, force: true });
  try {
    await promisify(execFile)(process.execPath, [app, '--config', configurationFile, '--out', outputDirectory], {
      cwd: packageRoot,
      env: { ...process.env, NODE_OPTIONS: '--disable-warning=ExperimentalWarning' },
      maxBuffer: 16 * 1024 * 1024,
    });
  } catch (cause) {
    const output = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : String(cause);
    throw new Error(`The infrastructure could not be synthesised (npm run synth):\n${output}`, { cause });
  }
  await writeFile(stamp, hash);
  return false;
}

async function hashOf(packageRoot: string, configurationFile: string): Promise<string> {
  const beside = (await readdir(packageRoot)).filter((name) => SOURCE_FILES.test(name));
  const below = await Promise.all(SOURCES.map((source) => filesBelow(packageRoot, source)));
  const own = [...beside, ...below.flat()].map((file) => join(packageRoot, file));
  const files = [...new Set([...own, ...(await withImports(configurationFile))])].sort();
  const contents = await Promise.all(files.map((file) => readFile(file)));
  const hash = createHash('sha256').update(process.version);
  files.forEach((file, i) => {
    hash.update(`\0${relative(packageRoot, file)}\0`).update(contents[i] ?? '');
  });
  return hash.digest('hex');
}

async function filesBelow(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

/**
 * The file, and the project's files that it imports, directly or through others. One that does not exist is passed over:
 * a comment may name it, and a real import of it fails with its own message.
 */
async function withImports(file: string, found: Set<string> = new Set()): Promise<ReadonlySet<string>> {
  if (found.has(file)) return found;
  const text = await textOf(file);
  if (text === undefined) return found;
  found.add(file);
  for (const [, path = ''] of text.matchAll(RELATIVE_IMPORT)) await withImports(resolve(dirname(file), path), found);
  return found;
}

/** undefined: there is no such file; a folder is none. */
async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'EISDIR'))
      return undefined;
    throw error;
  }
}
