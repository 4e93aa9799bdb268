import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProjectFile } from '../../../cli/init/project-files.ts';
import { orgSource, savedSource, survey } from '../../../cli/init/survey.ts';
import type { SyncConfiguration } from '../../../core/mapping/configuration.ts';
import { type StartedOrg, startedOrg } from '../../../packages/salesforce-simulator/test/started-org.ts';
import { createLenderDatabase, type LenderDatabase } from '../../support/postgres/lender-database.ts';

const FACE = fileURLToPath(new URL('../../../sfsync.ts', import.meta.url));
const FILE = 'sync.config.ts';

let lender: LenderDatabase;
let org: StartedOrg;
let directory: string;
beforeAll(async () => {
  [lender, org, directory] = await Promise.all([
    createLenderDatabase(),
    startedOrg(),
    mkdtemp(join(tmpdir(), 'sfsync-init-')).then((path) => realpath(path)),
  ]);
  await lender.application.query(
    `create table public.accounts (id bigint primary key, "name" text, phone text, annual_revenue text)`,
  );
});
afterAll(async () => {
  await org?.[Symbol.asyncDispose]();
  await lender?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

function textOf(files: readonly ProjectFile[], path: string): string | undefined {
  return files.find((file) => file.path === path)?.text;
}

/** The configuration as a team's project would load it. */
async function loaded(files: readonly ProjectFile[], name: string): Promise<SyncConfiguration> {
  const file = join(directory, `${name}.ts`);
  await writeFile(file, (textOf(files, FILE) ?? '').replace("'sfsync'", JSON.stringify(FACE)));
  return (await import(pathToFileURL(file).href)).default;
}

describe('init', () => {
  test('maps what it is asked to: the fields that fit, by the names of both sides', async () => {
    const asked = [
      { object: 'Contact', table: 'public.borrowers' },
      { object: 'Account', table: 'lenders' },
    ];
    const { files, report } = await survey(orgSource(org.connection), lender.database.url, asked, FILE);
    const configuration = await loaded(files, 'asked');
    expect(configuration.objects.map(({ object, schema, table }) => [object, `${schema}.${table}`])).toEqual([
      ['Account', 'public.lenders'],
      ['Contact', 'public.borrowers'],
    ]);
    const contact = configuration.objects[1]?.fields.map(({ field, column, type }) => [field, column, type.name]);
    expect(contact).toEqual(
      expect.arrayContaining([
        ['AccountId', 'lender_id', 'reference'],
        ['FirstName', 'first_name', 'text'],
        ['DoNotCall', 'do_not_call', 'boolean'],
        ['Credit_Score__c', 'credit_score', 'number'],
      ]),
    );
    expect(textOf(files, FILE)).toMatch(/\/\/ Columns without a field: .*born_on/);
    expect(textOf(files, 'schema-additions.sql')).toBeUndefined();
    expect(JSON.parse(textOf(files, 'salesforce/Contact.json') ?? '')).toMatchObject({
      name: 'Contact',
      label: 'Contact',
    });
    expect(report).toEqual([
      expect.stringMatching(/^Account <-> public\.lenders: \d+ fields$/),
      expect.stringMatching(/^Contact <-> public\.borrowers: \d+ fields$/),
    ]);
  });

  test('pairs an object and a table by name, says what does not fit, and writes the DDL that is missing', async () => {
    const { files } = await survey(orgSource(org.connection), lender.database.url, [], FILE);
    const configuration = await loaded(files, 'named');
    expect(configuration.objects).toMatchObject([{ object: 'Account', table: 'accounts', keyColumn: 'id' }]);
    expect(textOf(files, FILE)).toContain('// AnnualRevenue: a currency goes into numeric,');
    const ddl = textOf(files, 'schema-additions.sql') ?? '';
    for (const statement of ddl.split(';').filter((text) => text.trim() !== ''))
      await lender.application.query(statement);
    const again = await survey(orgSource(org.connection), lender.database.url, [], FILE);
    expect(textOf(again.files, 'schema-additions.sql')).toBeUndefined();
  });

  test('makes tables for the objects of an org where there is no database', async () => {
    const asked = ['Account', 'Opportunity'].map((object) => ({ object, table: undefined }));
    const { files } = await survey(orgSource(org.connection), undefined, asked, FILE);
    await loaded(files, 'tables');
    // This org does not describe its stages; the local org then has those of a new one.
    expect(textOf(files, 'salesforce/OpportunityStage.records.json')).toBeUndefined();
    const ddl = (textOf(files, 'schema.sql') ?? '').replaceAll('public.', 'fresh.');
    await lender.application.query(`create schema fresh; ${ddl}`);
    const { rows } = await lender.application.query(
      `select data_type from information_schema.columns where table_schema = 'fresh' and table_name = 'opportunities' and column_name = 'account_id'`,
    );
    expect(rows).toEqual([{ data_type: 'uuid' }]);
  });

  test('makes do with describe results that were saved before', async () => {
    expect(await savedSource(directory)).toBeUndefined();
    const asked = [{ object: 'Contact', table: 'borrowers' }];
    const { files } = await survey(orgSource(org.connection), lender.database.url, asked, FILE);
    await mkdir(join(directory, 'salesforce'));
    await writeFile(join(directory, 'salesforce/Contact.json'), textOf(files, 'salesforce/Contact.json') ?? '');
    const saved = await savedSource(directory);
    if (saved === undefined) throw new Error('nothing was saved');
    expect((await survey(saved, lender.database.url, asked, FILE)).files).toEqual(files);
  });

  test('says which tables there are when none is called like an object', async () => {
    const { connection } = org;
    const nothing = { ...orgSource(connection), list: async () => [] };
    await expect(survey(nothing, lender.database.url, [], FILE)).rejects.toThrow(/public\.borrowers.*--map Contact=/);
  });
});
