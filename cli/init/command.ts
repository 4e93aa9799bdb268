/** `sfsync init`: writes the project of a team. */
import { basename, dirname, relative, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { ConfigurationError } from '../../core/errors.ts';
import type { ProjectOptions } from '../project.ts';
import { findSalesforce, isSalesforceKnown, type SalesforceOptions, withSalesforceOptions } from '../salesforce.ts';
import { processTerminal, type Terminal } from '../terminal.ts';
import { ADDITIONS_FILE, earlierAdditions } from './earlier-additions.ts';
import { exampleFiles } from './example.ts';
import type { AskedPair } from './pairing.ts';
import { frameFiles } from './project-files.ts';
import { writeProject } from './project-writer.ts';
import { type DescribeSource, orgSource, type Survey, savedSource, survey } from './survey.ts';

interface InitOptions extends SalesforceOptions {
  readonly databaseUrl?: string;
  readonly map: readonly AskedPair[];
  readonly example?: boolean;
  readonly force?: boolean;
}

export function addInitCommand(program: Command, { config, name }: ProjectOptions): void {
  withSalesforceOptions(program.command('init'))
    .description(
      'Writes a project into the folder of the configuration, by default this one: sync.config.ts, a CDK app, what the local run needs. With a database or an org within reach the mapping is made of what they hold; otherwise it is the example of a lender.',
    )
    .addOption(new Option('--database-url <url>', 'postgres://user:password@host:5432/name').env('DATABASE_URL'))
    .addOption(
      new Option('--map <object[=table]>', 'this object with this table, such as Contact=public.borrowers; repeatable')
        .argParser(collectPairs)
        .default([], 'objects and tables of the same name'),
    )
    .option('--example', 'write the example although a database or an org is known')
    .option('--force', 'overwrite what is there')
    .action(async (options: InitOptions) => {
      const directory = dirname(resolve(config));
      const file = basename(config);
      const { files, report } = await contentOf(options, directory, file);
      const outcome = await writeProject(directory, [...files, ...frameFiles(file, name)], options.force === true);
      describe(outcome, report, directory, processTerminal);
    });
}

async function contentOf(options: InitOptions, directory: string, file: string): Promise<Survey> {
  const databaseUrl = options.databaseUrl || undefined;
  const source = options.example === true ? undefined : await sourceOf(options, databaseUrl, directory);
  if (source !== undefined) {
    const { files, report } = await survey(source, databaseUrl, options.map, file);
    const earlier = databaseUrl === undefined ? [] : await earlierAdditions(directory, files);
    return { files, report: [...report, ...earlier] };
  }
  const example = await exampleFiles();
  return {
    files: example.map((each) => (each.path === 'sync.config.ts' ? { ...each, path: file } : each)),
    report: ['the example: a lender, with its own database and org (--database-url and --salesforce-secret: yours)'],
  };
}

/** undefined: neither a database nor an org was named. */
async function sourceOf(
  options: InitOptions,
  databaseUrl: string | undefined,
  directory: string,
): Promise<DescribeSource | undefined> {
  const surroundings = { name: 'the org', aws: regionOf(options), databaseUrl, salesforce: undefined };
  if (isSalesforceKnown(surroundings, options)) return orgSource(await findSalesforce(surroundings, options));
  if (databaseUrl === undefined && options.map.length === 0) return undefined;
  const saved = await savedSource(directory);
  if (saved !== undefined) return saved;
  throw new ConfigurationError(
    'NO_SALESFORCE',
    'Which org? Give --salesforce-secret, or set SALESFORCE_INSTANCE_URL, SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET, or save describe results as salesforce/<Object>.json. --example writes the example of a lender.',
  );
}

function regionOf({ region }: InitOptions): { readonly region?: string } {
  return region === undefined ? {} : { region };
}

function describe(
  { written, leftAlone }: { readonly written: readonly string[]; readonly leftAlone: readonly string[] },
  report: readonly string[],
  directory: string,
  terminal: Terminal,
): void {
  for (const line of report) terminal.print(line);
  for (const path of written) terminal.print(`wrote       ${path}`);
  for (const path of leftAlone) terminal.print(`left alone  ${path}`);
  if (leftAlone.length > 0) terminal.print('What was left alone differs from what init writes; --force overwrites it.');
  if (written.some((path) => path.startsWith(ADDITIONS_FILE))) {
    terminal.print(`The tables lack what is in ${ADDITIONS_FILE}: read it, and make a migration of it.`);
  }
  const folder = relative(process.cwd(), directory);
  const enter = folder === '' ? '' : `cd ${folder} && `;
  terminal.print(`next: ${enter}npx tsc --noEmit && npx cdk synth --quiet && npx sfsync dev`);
}

/** `Contact=public.borrowers`, or `Contact`. */
function collectPairs(text: string, before: readonly AskedPair[]): AskedPair[] {
  const parts = /^([A-Za-z]\w*)(?:=([^=\s]+))?$/.exec(text);
  if (parts?.[1] === undefined) throw new InvalidArgumentError('Give an object and a table: Contact=public.borrowers.');
  return [...before, { object: parts[1], table: parts[2] }];
}
