/**
 * Synthesises a stack for a configuration:
 * `node infra/app.ts [--config <file>] [--out <directory>] [--name <name>]`. Without `--config` for `sync.config.ts` of the
 * working directory; without `--out` into the directory that the CDK CLI asks for, else into `cdk.out/`. Needs no network,
 * account, credentials or Docker.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { App } from 'aws-cdk-lib';
import { deploymentNameOf } from '../core/contracts/deployment-name.ts';
import { ConfigurationError } from '../core/errors.ts';
import type { SyncConfiguration } from '../core/mapping/configuration.ts';
import { SyncStack } from './stack.ts';

interface Wanted {
  readonly configurationFile: string;
  readonly assembly: string;
  readonly name: string;
}

async function synthesise({ configurationFile, assembly, name }: Wanted): Promise<void> {
  const configuration = await readConfiguration(configurationFile);
  const app = new App({
    outdir: assembly,
    analyticsReporting: false,
    // Here and not in cdk.json, so that the template is the same with and without the CDK CLI.
    postCliContext: { '@aws-cdk/aws-iam:minimizePolicies': true },
  });
  new SyncStack(app, name, { configuration, configurationFile, name });
  app.synth();
}

/** The configuration checks itself while it is imported: what is at fault in it is thrown here. */
async function readConfiguration(file: string): Promise<SyncConfiguration> {
  if (!existsSync(file)) {
    throw new ConfigurationError(
      'NO_CONFIGURATION',
      `There is no ${file}: name the configuration with --config, or let \`npx sfsync init\` write one.`,
    );
  }
  const { default: configuration } = await import(pathToFileURL(file).href);
  return configuration;
}

try {
  const { values } = parseArgs({
    options: { config: { type: 'string' }, out: { type: 'string' }, name: { type: 'string' } },
  });
  await synthesise({
    configurationFile: resolve(values.config ?? 'sync.config.ts'),
    assembly: resolve(values.out ?? process.env.CDK_OUTDIR ?? 'cdk.out'),
    name: deploymentNameOf(values.name),
  });
} catch (error) {
  const known =
    error instanceof ConfigurationError ||
    (error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'));
  console.error(known ? (error as Error).message : error);
  process.exitCode = 1;
}
