import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { synthesise } from '../../../local/host/synthesis.ts';

const FOLDERS = [
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
const FILES = ['package-lock.json', 'package.json', 'tsconfig.json'];
const APP = `import { mkdirSync, writeFileSync } from 'node:fs';
  const [, , , , , out] = process.argv;
  mkdirSync(out, { recursive: true });
  writeFileSync(out + '/made', String(process.hrtime.bigint()));`;

let project: string;
let outputDirectory: string;
beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'sfsync-project-'));
  outputDirectory = join(project, '.local', 'cdk.out');
  for (const folder of FOLDERS) await mkdir(join(project, folder));
  for (const file of FILES) await writeFile(join(project, file), '{ "type": "module" }');
  await writeFile(join(project, 'infra', 'app.ts'), APP);
  await mkdir(join(project, 'team', 'mapping'), { recursive: true });
  await writeFile(join(project, 'team', 'sync.config.ts'), "import contact from './mapping/contact.ts';");
  await writeFile(join(project, 'team', 'mapping', 'contact.ts'), "import '../sync.config.ts';");
  await writeFile(join(project, 'team', 'other.ts'), '');
});
afterEach(() => rm(project, { recursive: true, force: true }));

const run = () =>
  synthesise({
    packageRoot: project,
    app: 'infra/app.ts',
    configurationFile: join(project, 'team', 'sync.config.ts'),
    outputDirectory,
  });
const made = () => readFile(join(outputDirectory, 'made'), 'utf8');

test('the same sources are synthesised once, changed ones again', async () => {
  expect(await run()).toBe(false);
  const first = await made();
  expect(await run()).toBe(true);
  expect(await made()).toBe(first);
  await writeFile(join(project, 'core', 'new.ts'), '');
  expect(await run()).toBe(false);
  expect(await made()).not.toBe(first);
});

test('the configuration counts with what it imports, and nothing else of the project does', async () => {
  await run();
  await writeFile(join(project, 'team', 'other.ts'), 'export {};');
  expect(await run()).toBe(true);
  await writeFile(join(project, 'team', 'mapping', 'contact.ts'), 'export default {};');
  expect(await run()).toBe(false);
});

test('an import in a comment, of a file that does not exist, is passed over', async () => {
  await writeFile(join(project, 'team', 'sync.config.ts'), "// import old from './mapping/old.ts';\n");
  expect(await run()).toBe(false);
  expect(await run()).toBe(true);
});

test('a failure is reported in the words of the app, and leaves no assembly that counts', async () => {
  await writeFile(
    join(project, 'infra', 'app.ts'),
    `${APP} console.error('objects: name at least one'); process.exit(1);`,
  );
  await expect(run()).rejects.toThrow(/could not be synthesised.*\n.*name at least one/);
  await expect(run()).rejects.toThrow('name at least one');
});
