import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';

export interface SynthesisOptions {
  readonly projectDirectory: string;
  /** Where the cloud assembly goes. */
  readonly outputDirectory: string;
}

/** What the assembly is made of; a change in any of these files makes it anew. */
const SOURCES = [
  'aws',
  'core',
  'examples',
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
const SOURCE_FILES = /\.(ts|json)$/;

/** Written last, so an assembly that was broken off has none. */
const STAMP = 'sources.sha256';

/**
 * Synthesises the CDK app in a process of its own, unless the assembly of these very sources is there. Answers whether
 * it was. Throws an Error with the app's own output when it fails.
 */
export async function synthesise({ projectDirectory, outputDirectory }: SynthesisOptions): Promise<boolean> {
  const hash = await hashOf(projectDirectory);
  const stamp = join(outputDirectory, STAMP);
  const before = await readFile(stamp, 'utf8').catch(() => undefined);
  if (before === hash) return true;
  await rm(outputDirectory, { recursive: true, force: true });
  try {
    await promisify(execFile)(process.execPath, ['infra/app.ts', '--out', outputDirectory], {
      cwd: projectDirectory,
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

async function hashOf(projectDirectory: string): Promise<string> {
  const beside = (await readdir(projectDirectory)).filter((name) => SOURCE_FILES.test(name));
  const below = await Promise.all(SOURCES.map((source) => filesBelow(projectDirectory, source)));
  const files = [...beside, ...below.flat()].sort();
  const contents = await Promise.all(files.map((file) => readFile(join(projectDirectory, file))));
  const hash = createHash('sha256').update(process.version);
  files.forEach((file, i) => {
    hash.update(`\0${file}\0`).update(contents[i] ?? '');
  });
  return hash.digest('hex');
}

async function filesBelow(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(root, join(entry.parentPath, entry.name)));
}
