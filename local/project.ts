import { access, readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigurationError } from '../core/errors.ts';
import type { SyncConfiguration } from '../core/mapping/configuration.ts';
import {
  DescribeFault,
  type ObjectDefinition,
  type OpportunityStage,
  objectsFromDescribes,
  PLATFORM_OBJECT_NAMES,
  type SeedRecord,
  stagesFromQuery,
} from '../packages/salesforce-simulator/org-simulator.ts';

/** A folder with a `sync.config.ts`, and what lies beside it: tables, objects and sample records of the local run. */
export interface Project {
  readonly directory: string;
  readonly configurationFile: string;
  readonly configuration: SyncConfiguration;
  /** Made of the folder's name; the local database and the application's role are called so. */
  readonly name: string;
  /** The application's tables as SQL. Undefined: they are in the database already. */
  readonly schemaFile: string | undefined;
  readonly org: ProjectOrg;
}

/** The Salesforce org as the project describes it. */
export interface ProjectOrg {
  readonly objects: readonly ObjectDefinition[];
  /** Undefined: those of a new org. */
  readonly stages: readonly OpportunityStage[] | undefined;
  readonly seed: (now: number) => readonly SeedRecord[];
  /** What the simulator does not hold as Salesforce described it. */
  readonly notes: readonly string[];
}

export const CONFIGURATION_FILE = 'sync.config.ts';
const DESCRIBES = 'salesforce';
/** Answer to `SELECT ApiName, DefaultProbability, IsClosed, IsWon, ForecastCategoryName FROM OpportunityStage`. */
const STAGES = 'OpportunityStage.records.json';

/**
 * Reads the project of this configuration file, a path relative to the working directory. Throws ConfigurationError when
 * the file, or the describe result of one of its objects, is missing, and whatever importing the file throws.
 */
export async function loadProject(file: string): Promise<Project> {
  const configurationFile = resolve(file);
  const directory = dirname(configurationFile);
  const beside = new Set(await readdir(directory).catch(() => []));
  if (!beside.has(basename(configurationFile))) {
    throw new ConfigurationError(
      'NO_CONFIGURATION',
      `There is no ${configurationFile}. Run \`npx sfsync init\` to write one, or name yours with --config.`,
    );
  }
  const configuration = configurationIn(await importFile(configurationFile), configurationFile);
  return {
    directory,
    configurationFile,
    configuration,
    name: nameOf(directory),
    schemaFile: await schemaFileIn(directory),
    org: await readOrg(directory, beside, configuration),
  };
}

/** The second one is what Rails writes, with `config.active_record.schema_format = :sql`. */
const SCHEMA_FILES = ['schema.sql', 'db/structure.sql'];

async function schemaFileIn(directory: string): Promise<string | undefined> {
  for (const name of SCHEMA_FILES) {
    const file = join(directory, name);
    if (
      await access(file).then(
        () => true,
        () => false,
      )
    )
      return file;
  }
  return undefined;
}

async function importFile(file: string): Promise<unknown> {
  const module: { readonly default?: unknown } = await import(pathToFileURL(file).href);
  return module.default;
}

function configurationIn(content: unknown, file: string): SyncConfiguration {
  if (isConfiguration(content)) return content;
  throw new ConfigurationError(
    'NO_CONFIGURATION',
    `${file} exports no configuration: \`export default defineSync({ ... })\` is missing.`,
  );
}

function isConfiguration(content: unknown): content is SyncConfiguration {
  return typeof content === 'object' && content !== null && 'objects' in content && Array.isArray(content.objects);
}

const RESERVED = /^(pg_|sfsync_|postgres$|template[01]$)/;

/** A name that PostgreSQL takes without quotes, of the folder's name; `application` where the server has a use for that. */
function nameOf(directory: string): string {
  const name = basename(directory)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^[0-9_]+|_+$/g, '')
    .slice(0, 63);
  return name === '' || RESERVED.test(name) ? 'application' : name;
}

async function readOrg(
  directory: string,
  beside: ReadonlySet<string>,
  configuration: SyncConfiguration,
): Promise<ProjectOrg> {
  const folder = join(directory, DESCRIBES);
  const names = beside.has(DESCRIBES) ? (await readdir(folder)).filter((name) => name.endsWith('.json')) : [];
  const isGiven = (object: string) => names.includes(`${object}.json`) || PLATFORM_OBJECT_NAMES.includes(object);
  const missing = configuration.objects.filter(({ object }) => !isGiven(object));
  if (missing.length > 0) {
    const files = missing.map(({ object }) => relative(process.cwd(), join(folder, `${object}.json`))).join(', ');
    throw new ConfigurationError(
      'NO_DESCRIBE',
      `The local org needs ${files}: what Salesforce answers to sobjects/<Object>/describe. \`npx sfsync init\` saves it.`,
    );
  }
  const read = (name: string) => readJson(join(folder, name));
  const described = await Promise.all(names.filter((name) => !name.endsWith('.records.json')).map(read));
  const { objects, notes } = inWords(folder, () => objectsFromDescribes(described));
  const stages = names.includes(STAGES) ? await read(STAGES) : undefined;
  return {
    objects,
    notes,
    stages: stages === undefined ? undefined : inWords(join(folder, STAGES), () => stagesFromQuery(stages)),
    seed: await readSeed(directory, beside),
  };
}

async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8');
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConfigurationError('NO_JSON', `${file} is not JSON: ${String(cause)}`, { cause });
  }
}

function inWords<T>(place: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof DescribeFault)) throw cause;
    throw new ConfigurationError('NO_DESCRIBE', `${place}: ${cause.message}`, { cause });
  }
}

async function readSeed(directory: string, beside: ReadonlySet<string>): Promise<ProjectOrg['seed']> {
  const file = ['seed.ts', 'seed.js'].find((name) => beside.has(name));
  if (file === undefined) return () => [];
  const seed = await importFile(join(directory, file));
  if (Array.isArray(seed)) return () => seed as readonly SeedRecord[];
  if (typeof seed === 'function') return seed as ProjectOrg['seed'];
  throw new ConfigurationError(
    'NO_SEED',
    `${join(directory, file)}: export default the sample records, or a function that makes them.`,
  );
}
