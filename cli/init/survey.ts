/** Asks the org and the database, and makes the files that follow from their answers. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigurationError } from '../../core/errors.ts';
import { listTables } from '../../postgres/prepare/table-list.ts';
import { withDatabase } from '../../postgres/session/administration.ts';
import type { SalesforceConnection } from '../../salesforce/connection.ts';
import { askDescribe, readDescribe } from '../../salesforce/describe.ts';
import { listObjects, queryStages } from '../../salesforce/org-objects.ts';
import { configurationText } from './configuration-text.ts';
import { ADDITIONS_FILE } from './earlier-additions.ts';
import { isNew, type ListedObject, type Pair, type TableFacts, tableText } from './facts.ts';
import { type AskedPair, askedPairs, type NamedPair, pairsByName } from './pairing.ts';
import { json, type ProjectFile } from './project-files.ts';
import { type Proposal, propose } from './proposal.ts';
import { schemaAdditions } from './schema-additions.ts';

/** Where describe results come from: an org, or the files of an earlier survey. */
export interface DescribeSource {
  list(): Promise<readonly ListedObject[]>;
  /** As Salesforce answers it; undefined: there is no such object. */
  describe(object: string): Promise<unknown>;
  /** Files beside the describe results that the local org needs for these objects. */
  more(objects: readonly string[]): Promise<readonly ProjectFile[]>;
}

export interface Survey {
  readonly files: readonly ProjectFile[];
  /** `Contact <-> public.borrowers: 8 fields`. */
  readonly report: readonly string[];
}

const FOLDER = 'salesforce';

export async function survey(
  source: DescribeSource,
  databaseUrl: string | undefined,
  asked: readonly AskedPair[],
  configurationFile: string,
): Promise<Survey> {
  const tables = databaseUrl === undefined ? [] : await withDatabase(databaseUrl, listTables);
  const named = await pairsOf(source, tables, asked);
  const answers = new Map<string, unknown>();
  const pairs: Pair[] = [];
  for (const { object, table } of named) {
    const answer = await source.describe(object);
    if (answer === undefined) {
      throw new ConfigurationError('NO_OBJECT', `Salesforce does not describe ${object}: our user may not see it.`);
    }
    answers.set(object, answer);
    pairs.push({ object, described: readDescribe(object, answer), table });
  }
  const proposals = propose(pairs);
  if (proposals.every(({ fields }) => fields.length === 0)) {
    const names = named.map(({ object, table }) => `${object} and ${tableText(table)}`).join(', ');
    throw new ConfigurationError('NOTHING_FITS', `No field of ${names} has a column of its name and type.`);
  }
  const ddl = schemaAdditions(proposals);
  // Without a database these are all tables that there are, and the local run makes them.
  const ddlFile = databaseUrl === undefined ? 'schema.sql' : ADDITIONS_FILE;
  return {
    files: [
      { path: configurationFile, text: configurationText(proposals) },
      ...(ddl === undefined ? [] : [{ path: ddlFile, text: ddl }]),
      ...Array.from(answers, ([object, answer]) => ({
        path: `${FOLDER}/${object}.json`,
        text: json(answer as object),
      })),
      ...(await source.more(named.map(({ object }) => object))),
    ],
    report: proposals.flatMap((proposal) => reportOf(proposal, databaseUrl !== undefined)),
  };
}

/** Without a database every table is a new one. */
function reportOf({ object, table, fields, unfit }: Proposal, hasDatabase: boolean): string[] {
  const name = tableText(table);
  const count = `${fields.length} ${fields.length === 1 ? 'field' : 'fields'}`;
  const misfits = unfit.length === 0 ? '' : `, ${unfit.length} of another type`;
  return [
    `${object} <-> ${name}: ${count}${misfits}`,
    ...(hasDatabase && isNew(table) ? [`${name} does not exist: ${ADDITIONS_FILE} makes it`] : []),
  ];
}

async function pairsOf(
  source: DescribeSource,
  tables: readonly TableFacts[],
  asked: readonly AskedPair[],
): Promise<NamedPair[]> {
  const objects = await source.list();
  if (asked.length > 0) return askedPairs(asked, objects, tables);
  const found = pairsByName(objects, tables);
  if (found.length > 0) return found;
  const names = tables.map(tableText).join(', ');
  throw new ConfigurationError(
    'NO_PAIRS',
    `${tables.length === 0 ? 'There is no table' : `None of the tables ${names} is`} called like an object of Salesforce. Say which belong together: --map Contact=public.borrowers.`,
  );
}

export function orgSource(connection: SalesforceConnection): DescribeSource {
  return {
    list: () => listObjects(connection),
    describe: (object) => askDescribe(connection, object),
    more: async (objects) => {
      const stages = objects.includes('Opportunity') ? await queryStages(connection) : undefined;
      return stages === undefined
        ? []
        : [{ path: `${FOLDER}/OpportunityStage.records.json`, text: json(stages as object) }];
    },
  };
}

/** undefined: nothing was saved in the project's folder. */
export async function savedSource(directory: string): Promise<DescribeSource | undefined> {
  const folder = join(directory, FOLDER);
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const saved = new Map<string, ListedObject>();
  for (const name of names.filter((file) => file.endsWith('.json') && !file.endsWith('.records.json'))) {
    const described: ListedObject = JSON.parse(await readFile(join(folder, name), 'utf8'));
    saved.set(described.name, described);
  }
  if (saved.size === 0) return undefined;
  return {
    list: async () => [...saved.values()],
    describe: async (object) => saved.get(object),
    more: async () => [],
  };
}
