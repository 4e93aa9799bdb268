import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import lenderConfiguration from '../../examples/lender/sync.config.ts';
import { loadProject } from '../../local/project.ts';

const CONFIGURATION = `export default {
  objects: [{ object: 'Property__c', schema: 'public', table: 'properties', fields: [] }],
  settings: {},
};`;
const DESCRIBE = {
  name: 'Property__c',
  keyPrefix: 'a01',
  fields: [
    { name: 'Name', type: 'string', length: 80 },
    { name: 'Open__c', type: 'time' },
  ],
};
const SEED = `export default (now) => [{ object: 'Property__c', values: { Name: 'House' }, createdAt: now }];`;

let directory: string;
beforeEach(async () => {
  directory = join(await realpath(await mkdtemp(join(tmpdir(), 'sfsync-team-'))), 'My shop');
  await mkdir(join(directory, 'salesforce'), { recursive: true });
  await write('sync.config.ts', CONFIGURATION);
  await write('salesforce/Property__c.json', JSON.stringify(DESCRIBE));
});
afterEach(() => rm(join(directory, '..'), { recursive: true, force: true }));

function write(name: string, text: string): Promise<void> {
  return writeFile(join(directory, name), text);
}

const load = () => loadProject(join(directory, 'sync.config.ts'));

test("a team's folder: mapping, tables, objects, stages and sample records", async () => {
  await write('schema.sql', 'create table properties ();');
  await write('seed.ts', SEED);
  const stage = {
    ApiName: 'New',
    DefaultProbability: 5,
    IsClosed: false,
    IsWon: false,
    ForecastCategoryName: 'Pipeline',
  };
  await write('salesforce/OpportunityStage.records.json', JSON.stringify({ records: [stage] }));
  const { name, schemaFile, configuration, org } = await load();
  expect({ name, schemaFile }).toEqual({ name: 'my_shop', schemaFile: join(directory, 'schema.sql') });
  expect(configuration.objects.map(({ object }) => object)).toEqual(['Property__c']);
  expect(org).toMatchObject({
    objects: [{ name: 'Property__c', keyPrefix: 'a01', fields: [{ name: 'Name' }, { name: 'Open__c', type: 'time' }] }],
    stages: [stage],
    notes: [],
  });
  expect(org.seed(7)).toEqual([{ object: 'Property__c', values: { Name: 'House' }, createdAt: 7 }]);
});

test('tables and sample records may be left out', async () => {
  const { schemaFile, org } = await load();
  expect([schemaFile, org.stages, org.seed(7)]).toEqual([undefined, undefined, []]);
  await mkdir(join(directory, 'db'));
  await write('db/structure.sql', 'create table properties ();');
  expect((await load()).schemaFile).toBe(join(directory, 'db/structure.sql'));
});

test('the sample is such a folder', async () => {
  const { name, configuration, org } = await loadProject('examples/lender/sync.config.ts');
  expect(configuration).toEqual(lenderConfiguration);
  expect([name, org.notes, org.seed(Date.UTC(2026, 2)).length]).toEqual(['lender', [], 860]);
});

test.each([
  ['postgres', 'application'],
  ['pg_shop', 'application'],
  ['sfsync_apply', 'application'],
  ['2026-portal', 'portal'],
  ['...', 'application'],
])('the database of folder %s is called %s', async (folder, name) => {
  const other = join(directory, folder === '...' ? '---' : folder);
  await mkdir(join(other, 'salesforce'), { recursive: true });
  await writeFile(join(other, 'sync.config.ts'), CONFIGURATION);
  await writeFile(join(other, 'salesforce/Property__c.json'), JSON.stringify(DESCRIBE));
  expect((await loadProject(join(other, 'sync.config.ts'))).name).toBe(name);
});

test.each([
  ['sync.config.ts', undefined, /There is no .*sync\.config\.ts\. Run `npx sfsync init`/],
  ['sync.config.ts', 'export const objects = [];', /exports no configuration/],
  ['salesforce/Property__c.json', undefined, /needs .*My shop\/salesforce\/Property__c\.json: .*`npx sfsync init`/],
  ['salesforce/Property__c.json', '{', /Property__c\.json is not JSON/],
  ['salesforce/Property__c.json', '[{ "message": "expired" }]', /salesforce: This is no describe result/],
  ['salesforce/OpportunityStage.records.json', '{}', /OpportunityStage\.records\.json: This is no answer/],
  ['seed.js', 'export const records = [];', /seed\.js: export default the sample records/],
])('%s with %j is one clear message', async (name, text, message) => {
  if (text === undefined) await rm(join(directory, name));
  else await write(name, text);
  await expect(load()).rejects.toMatchObject({ name: 'ConfigurationError', message: expect.stringMatching(message) });
});
