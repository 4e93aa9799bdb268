/**
 * The project as another user of it would have it: a copy of its sources in a directory of its own, with a configuration
 * of its own. What runs there leaves its state there.
 */
import {
  appendFile,
  chown,
  cp,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { removeServerFiles } from '../../../local/postgres/server-files.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

const SOURCES = [
  'aws',
  'cdk.json',
  'cli',
  'core',
  'examples',
  'functions',
  'infra',
  'local',
  'package-lock.json',
  'package.json',
  'packages',
  'postgres',
  'salesforce',
  'sql',
  'state-machines',
  'steps',
  'tsconfig.json',
  'wal-streamer',
];

/** What `npm start` runs. */
const EXAMPLE = 'lender';

/**
 * The sample, with the waits of the real world cut short where a test has to sit them out: an API push whose execution
 * died is over after 11 s instead of 15 min. A quarter of a megabyte is a range, so that a file of some megabytes has
 * many. Failed executions wait for the test. Loan applications travel through the API, the others through AppFlow. Lenders are deleted for good, and those
 * that are called private are kept from Salesforce.
 */
const IMPATIENT_CONFIGURATION = `import sample from './sync.config.sample.ts';

const filter = { where: "description is distinct from 'private'", leaving: 'delete' as const };
const changes: Record<string, object> = { Opportunity: { delivery: 'api' }, Account: { deleteRecord: 'hard', filter } };

export default {
  objects: sample.objects.map((mapping) => ({ ...mapping, ...changes[mapping.object] })),
  settings: {
    ...sample.settings,
    ...{ announceEverySeconds: 1, pushDeadlineSeconds: 10, requestLifeSeconds: 1, rangeMegabytes: 0.25, redriveEveryMinutes: 0 },
  },
};
`;

/** Any other example as it is, with those waits. */
const IMPATIENT_EXAMPLE = `import sample from './sync.config.sample.ts';

const impatient = { announceEverySeconds: 1, pushDeadlineSeconds: 10, requestLifeSeconds: 1 };

export default { ...sample, settings: { ...sample.settings, ...impatient } };
`;

export interface ProjectCopy {
  readonly directory: string;
  readonly configurationFile: string;
  /** Where what runs there leaves its state. */
  readonly stateDirectory: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What takes the place of a file: a text, or what is made of the one that is there. */
export type Overlay = string | ((text: string) => string);

export interface CopyOptions {
  /** Whose it is; left out: of the user that runs the test. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Which of the folders in `examples` is its project. @default lender */
  readonly example?: string;
  /** Text of its `sync.config.ts`; the sample lies beside it as `sync.config.sample.ts`. @default the impatient one */
  readonly configuration?: string;
  /** SQL that is run after the sample's schema. @default none */
  readonly schema?: string;
  /** A cloud assembly of just these sources, so that the copy need not synthesise its own. */
  readonly assembly?: string;
  /** Files of the copy that differ, by their path in the project. @default none */
  readonly overlays?: Readonly<Record<string, Overlay>>;
  /** What the directory's name begins with. */
  readonly prefix?: string;
}

/** Copies the project, with the impatient configuration or another one. */
export async function copyProject({
  owner,
  example: name = EXAMPLE,
  configuration = name === EXAMPLE ? IMPATIENT_CONFIGURATION : IMPATIENT_EXAMPLE,
  schema = '',
  assembly,
  overlays = {},
  prefix = 'sfsync-project-',
}: CopyOptions = {}): Promise<ProjectCopy> {
  const directory = await mkdtemp(join(await realpath(tmpdir()), prefix));
  await Promise.all(SOURCES.map((source) => cp(join(ROOT, source), join(directory, source), { recursive: true })));
  await symlink(await realpath(join(ROOT, 'node_modules')), join(directory, 'node_modules'));
  const example = join(directory, 'examples', name);
  await rename(join(example, 'sync.config.ts'), join(example, 'sync.config.sample.ts'));
  await writeFile(join(example, 'sync.config.ts'), configuration);
  if (schema !== '') await appendFile(join(example, 'schema.sql'), schema);
  for (const [file, overlay] of Object.entries(overlays)) await lay(join(directory, file), overlay);
  if (assembly !== undefined) await cp(assembly, join(directory, '.local', 'cdk.out'), { recursive: true });
  if (owner !== undefined) await giveTo(directory, owner);
  return {
    directory,
    configurationFile: join(example, 'sync.config.ts'),
    stateDirectory: join(directory, '.local'),
    async [Symbol.asyncDispose]() {
      // Where the database server's user cannot reach the directory, `postgres` in it is a link to its data.
      await removeServerFiles(join(directory, '.local'));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function lay(file: string, overlay: Overlay): Promise<void> {
  await writeFile(file, typeof overlay === 'string' ? overlay : overlay(await readFile(file, 'utf8')));
}

async function giveTo(directory: string, { uid, gid }: { readonly uid: number; readonly gid: number }): Promise<void> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isSymbolicLink()).map((entry) => join(entry.parentPath, entry.name));
  await Promise.all([directory, ...files].map((file) => chown(file, uid, gid)));
}
