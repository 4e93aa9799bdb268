/** Makes `dist/`, which `npm pack` packs: compiled JavaScript and types in the tree of the sources, and the data beside them. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, rmSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OUTPUT = join(ROOT, 'dist');

/** Folders whose code finds its data by relative paths: SQL, state machines, the image's Dockerfile, pages. */
const WITH_DATA = [
  'cli',
  'console',
  'functions',
  'infra',
  'local',
  'packages',
  'sql',
  'state-machines',
  'wal-streamer',
];
/** Of no use to a running package. */
const LEFT_OUT = ['README.md', 'package.json', 'test', 'node_modules'];

rmSync(OUTPUT, { recursive: true, force: true });
const compiler = spawnSync(
  process.execPath,
  [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'],
  {
    cwd: ROOT,
    stdio: 'inherit',
  },
);
if (compiler.status !== 0) process.exit(compiler.status ?? 1);

for (const folder of WITH_DATA.filter((name) => existsSync(join(ROOT, name)))) {
  copy(folder, (source) => !['.ts', '.md'].includes(extname(source)));
}
// `sfsync init` writes the lender's project from these, so they stay sources.
copy('examples/lender', () => true);

function copy(folder: string, wanted: (source: string) => boolean): void {
  cpSync(join(ROOT, folder), join(OUTPUT, folder), {
    recursive: true,
    filter: (source) => {
      const name = source.slice(source.lastIndexOf('/') + 1);
      return !LEFT_OUT.includes(name) && (statSync(source).isDirectory() || wanted(source));
    },
  });
}
