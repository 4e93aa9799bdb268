/** What every project of sfsync has beside its configuration. No I/O. */

/** Path within the project, and the text of the file. */
export interface ProjectFile {
  readonly path: string;
  readonly text: string;
}

export function frameFiles(configurationFile: string, name: string): ProjectFile[] {
  return [
    { path: 'app.ts', text: appText(configurationFile, name) },
    { path: 'cdk.json', text: json(CDK) },
    { path: 'tsconfig.json', text: json(TYPESCRIPT) },
  ];
}

function appText(configurationFile: string, name: string): string {
  return `import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { SyncStack } from 'sfsync/cdk';
import configuration from './${configurationFile}';

/**
 * What \`npx cdk deploy\` deploys. Network, database and org are parameters of the stack; in a stack of your own, the construct
 * SalesforcePostgresSync takes them as vpc, database and salesforce.
 *
 * The name is in everything that has a fixed name in the account and in the database, so that several deployments live beside
 * each other: a second stage, or another pair of systems, is a second stack with a name of its own. The command line is
 * given the same one: \`npx sfsync check --name ${name}\`.
 */
const app = new App();
new SyncStack(app, '${name}', {
  configuration,
  configurationFile: join(import.meta.dirname, '${configurationFile}'),
  name: '${name}',
});
`;
}

const CDK = {
  app: 'node app.ts',
  output: 'cdk.out',
  versionReporting: false,
  context: { '@aws-cdk/aws-iam:minimizePolicies': true },
};

/** Node runs the sources as they are, which these options check. */
const TYPESCRIPT = {
  compilerOptions: {
    target: 'es2024',
    lib: ['es2024'],
    module: 'nodenext',
    types: ['node'],
    strict: true,
    noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: true,
    erasableSyntaxOnly: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    noEmit: true,
  },
  include: ['*.ts'],
};

const SCRIPTS = {
  dev: 'sfsync dev',
  synth: 'cdk synth --quiet',
  check: 'sfsync check',
  typecheck: 'tsc --noEmit',
};

export interface Manifest {
  readonly type?: unknown;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly [member: string]: unknown;
}

export interface ManifestChange {
  readonly manifest: Manifest;
  /** What is now otherwise, and what was left alone. */
  readonly changed: readonly string[];
  readonly kept: readonly string[];
}

/** `npm init -y` writes "type": "commonjs", or none, which code that is there already may need. */
export function changedManifest(manifest: Manifest, hasOtherCode: boolean, force: boolean): ManifestChange {
  const changed: string[] = [];
  const kept: string[] = [];
  let type = manifest.type;
  if (type !== 'module') {
    if (!hasOtherCode || force) {
      changed.push(`"type": "module"${type === undefined ? '' : ` (was ${JSON.stringify(type)})`}`);
      type = 'module';
    } else {
      kept.push(
        `${type === undefined ? 'no "type"' : `"type": ${JSON.stringify(type)}`}, for there is other code. sync.config.ts and app.ts are ES modules: set "type": "module", or rename them to .mts`,
      );
    }
  }
  const scripts: Record<string, string> = { ...manifest.scripts };
  for (const [name, command] of Object.entries(SCRIPTS)) {
    if (scripts[name] === command) continue;
    if (scripts[name] !== undefined && !force) {
      kept.push(`script ${name}: ${scripts[name]}`);
      continue;
    }
    changed.push(`script ${name}`);
    scripts[name] = command;
  }
  return { manifest: { ...manifest, type, scripts }, changed, kept };
}

const IGNORED = ['node_modules/', '.local/', 'cdk.out/'];

/** undefined: it holds all of them already. */
export function changedIgnores(text: string): string | undefined {
  const lines = text.split('\n').map((line) => line.trim().replace(/^\//, '').replace(/\/?$/, '/'));
  const missing = IGNORED.filter((line) => !lines.includes(line));
  if (missing.length === 0) return undefined;
  return `${text === '' || text.endsWith('\n') ? text : `${text}\n`}${missing.join('\n')}\n`;
}

export function json(content: object): string {
  return `${JSON.stringify(content, undefined, 2)}\n`;
}
