/** Which project a command is about: its sync.config.ts, and the name of the deployment. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { type Command, Option } from 'commander';
import { DEFAULT_NAME, deploymentNameOf } from '../core/contracts/deployment-name.ts';
import { ConfigurationError } from '../core/errors.ts';
import type { SyncConfiguration } from '../core/mapping/configuration.ts';

const DEFAULT_FILE = 'sync.config.ts';
/** `init` writes the configuration, and the process of `dev` reads it. */
const NEVER_READ: readonly (string | undefined)[] = ['init', 'dev'];

export interface ProjectOptions {
  /** As given: relative to the working directory. */
  readonly config: string;
  readonly name: string;
}

export function withProjectOptions(program: Command): Command {
  return program
    .addOption(new Option('--config <file>', 'the configuration').env('SFSYNC_CONFIG').default(DEFAULT_FILE))
    .addOption(new Option('--name <name>', 'of the deployment').env('SFSYNC_NAME').default(DEFAULT_NAME));
}

export interface Project extends ProjectOptions {
  /** undefined: the command does without. */
  readonly configuration: SyncConfiguration | undefined;
}

/**
 * The project that the arguments name. It is read before the commands are made, for their help and their choices name its
 * objects. Throws ConfigurationError when there is none and the command needs one.
 */
export async function openProject(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Project> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    options: { config: { type: 'string' }, name: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    strict: false,
    allowPositionals: true,
  });
  const config = textOf(values.config) ?? textOf(environment.SFSYNC_CONFIG) ?? DEFAULT_FILE;
  const name = deploymentNameOf(textOf(values.name) ?? textOf(environment.SFSYNC_NAME));
  const [command] = positionals;
  if (NEVER_READ.includes(command)) return { config, name, configuration: undefined };
  const asksForHelp = values.help === true || command === undefined || command === 'help';
  if (asksForHelp && !existsSync(config)) return { config, name, configuration: undefined };
  return { config, name, configuration: await loadConfiguration(config) };
}

function textOf(value: string | boolean | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Throws ConfigurationError when there is no such file, when it cannot be read, or when it exports no configuration. */
export async function loadConfiguration(file: string): Promise<SyncConfiguration> {
  const path = resolve(file);
  if (!existsSync(path)) {
    throw new ConfigurationError(
      'NO_CONFIGURATION',
      `There is no ${path}. Run \`npx sfsync init\` to write one, or name yours with --config.`,
    );
  }
  const { default: configuration } = await importFrom(path);
  if (isConfiguration(configuration)) return configuration;
  throw new ConfigurationError(
    'NO_CONFIGURATION',
    `${path} exports no configuration: \`export default defineSync({ ... })\` is missing.`,
  );
}

async function importFrom(path: string): Promise<{ readonly default?: unknown }> {
  try {
    return await import(pathToFileURL(path).href);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_UNKNOWN_FILE_EXTENSION')) throw error;
    throw new ConfigurationError(
      'OLD_NODE',
      `Node ${process.versions.node} does not read ${path}: TypeScript needs Node 24. \`npx sfsync\` and npm scripts run the Node that the package brings.`,
      { cause: error },
    );
  }
}

function isConfiguration(value: unknown): value is SyncConfiguration {
  return (
    typeof value === 'object' &&
    value !== null &&
    'objects' in value &&
    Array.isArray(value.objects) &&
    'settings' in value
  );
}
