/**
 * Synthesises the stack. `node infra/app.ts [--out <directory>]`; without `--out` into the directory that the CDK CLI
 * asks for, else into `cdk.out/`. Needs no network, account, credentials or Docker.
 */
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { App } from 'aws-cdk-lib';
import { ConfigurationError } from '../core/errors.ts';
import { FunctionBundles } from './function-bundles.ts';
import { SyncStack } from './stack.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

async function synthesise(assembly: string): Promise<void> {
  // Imported here, for that is what checks it: a fault in it is to be told in plain words.
  const { default: configuration } = await import('#sync.config');
  const app = new App({
    outdir: assembly,
    analyticsReporting: false,
    // Here and not in cdk.json, so that the template is the same with and without the CDK CLI.
    postCliContext: { '@aws-cdk/aws-iam:minimizePolicies': true },
  });
  const bundles = new FunctionBundles(root, assembly);
  try {
    new SyncStack(app, 'sfsync', { configuration, bundles });
    app.synth();
  } finally {
    bundles.dispose();
  }
}

try {
  const { values } = parseArgs({ options: { config: { type: 'string' }, out: { type: 'string' } } });
  await synthesise(resolve(values.out ?? process.env.CDK_OUTDIR ?? join(root, 'cdk.out')));
} catch (error) {
  const known =
    error instanceof ConfigurationError ||
    (error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'));
  console.error(known ? (error as Error).message : error);
  process.exitCode = 1;
}
