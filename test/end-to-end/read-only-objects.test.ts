/**
 * Users of the org as rows, and the owners of loan applications as lookups to them: what happens in Salesforce arrives, an owner that
 * the application chooses goes out, and of the users nothing does. A formula over a user is refreshed although no stamp moves.
 */
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { LocalSystem } from '../../local/system.ts';
import { BothSides, until } from '../support/system/both-sides.ts';
import { copyProject, type ProjectCopy } from '../support/system/project-copy.ts';

vi.setConfig({ testTimeout: 240_000 });

const SCHEMA = `
create table if not exists public.sales_people (
  id bigint generated always as identity primary key, salesforce_id text unique, name text, email text, active boolean);
alter table public.loan_applications add column if not exists owner_id bigint references public.sales_people deferrable;
alter table public.loan_applications add column if not exists owner_name text;
alter table public.loan_applications add column if not exists kind text;
create table if not exists public.record_types (
  id bigint generated always as identity primary key, salesforce_id text unique, developer_name text, sobject_type text,
  unique (developer_name, sobject_type));
`;

const CONFIGURATION = `
import { boolean, date, defineSync, recordType, reference, text } from '../../core/mapping/configuration.ts';

export default defineSync({
  objects: {
    User: {
      direction: 'to-postgres',
      table: 'public.sales_people',
      fields: { Name: text('name'), Email: text('email'), IsActive: boolean('active') },
    },
    RecordType: {
      direction: 'to-postgres',
      table: 'public.record_types',
      fields: { DeveloperName: text('developer_name'), SobjectType: text('sobject_type') },
    },
    Opportunity: {
      delivery: 'api',
      refreshFormulas: true,
      table: 'public.loan_applications',
      fields: {
        Name: text('title'),
        StageName: text('stage'),
        CloseDate: date('closes_on'),
        OwnerId: reference('owner_id', 'User'),
        RecordTypeId: recordType('kind'),
        Owner_Name__c: text('owner_name', { direction: 'to-postgres' }),
      },
    },
  },
  settings: { announceEverySeconds: 1, pushDeadlineSeconds: 10, requestLifeSeconds: 1, sweepGraceMinutes: 1, fullSweepEveryHours: 0 },
});
`;

const READ_ONLY = { createable: false, updateable: false };
const field = (name: string, type: string, more: object = {}) => ({
  ...{ name, label: name, type, length: 80, nillable: true, createable: true, updateable: true },
  ...more,
});

/** As Salesforce describes it, cut down: users are made and changed, but not deleted, and have no IsDeleted. */
const USER = {
  ...{ name: 'User', label: 'User', labelPlural: 'Users', keyPrefix: '005' },
  ...{ createable: true, updateable: true, deletable: false, undeletable: false, queryable: true, replicateable: true },
  fields: [
    field('Id', 'id', { ...READ_ONLY, nillable: false }),
    ...['Username', 'Email', 'Alias', 'TimeZoneSidKey', 'LocaleSidKey', 'LanguageLocaleKey', 'UserType'].map((name) =>
      field(name, 'string'),
    ),
    ...['FirstName', 'LastName'].map((name) => field(name, 'string', { compoundFieldName: 'Name' })),
    field('Name', 'string', { ...READ_ONLY, nameField: true }),
    field('IsActive', 'boolean', { length: 0, nillable: false, defaultedOnCreate: true, defaultValue: true }),
    ...['CreatedDate', 'LastModifiedDate', 'SystemModstamp'].map((name) => field(name, 'datetime', READ_ONLY)),
    ...['CreatedById', 'LastModifiedById'].map((name) =>
      field(name, 'reference', { ...READ_ONLY, referenceTo: ['User'] }),
    ),
  ],
};

const types = (object: string, prefix: string, names: readonly string[]) => [
  { recordTypeId: '012000000000000AAA', name: 'Master', developerName: 'Master', master: true },
  ...names.map((developerName, i) => ({
    ...{ recordTypeId: `012${prefix}00000000${i + 1}`, name: `${developerName} of ${object}`, developerName },
    defaultRecordTypeMapping: i === 0,
  })),
];

/** With a formula over the owner, and with record types; one of them is called like one of another object. */
function ofLender(describe: string): string {
  const described = JSON.parse(describe);
  const owner = field('Owner_Name__c', 'string', { ...READ_ONLY, calculated: true, calculatedFormula: 'Owner.Name' });
  const type = field('RecordTypeId', 'reference', { referenceTo: ['RecordType'], relationshipName: 'RecordType' });
  const recordTypeInfos = types('Opportunity', 'OPP', ['Home_Loan', 'Car_Loan']);
  return JSON.stringify({ ...described, recordTypeInfos, fields: [...described.fields, owner, type] });
}

function ofAccounts(describe: string): string {
  const described = JSON.parse(describe);
  const type = field('RecordTypeId', 'reference', { referenceTo: ['RecordType'], relationshipName: 'RecordType' });
  const recordTypeInfos = types('Account', 'ACC', ['Home_Loan']);
  return JSON.stringify({ ...described, recordTypeInfos, fields: [...described.fields, type] });
}

let project: ProjectCopy | undefined;
let system: LocalSystem;
let sides: BothSides;

beforeAll(async () => {
  project = await copyProject({
    configuration: CONFIGURATION,
    schema: SCHEMA,
    overlays: {
      'examples/lender/salesforce/User.json': JSON.stringify(USER),
      'examples/lender/salesforce/Opportunity.json': ofLender,
      'examples/lender/salesforce/Account.json': ofAccounts,
    },
  });
  const module: typeof import('../../local/system.ts') = await import(
    pathToFileURL(`${project.directory}/local/system.ts`).href
  );
  system = await module.startLocal({
    configurationFile: project.configurationFile,
    directory: project.stateDirectory,
    pollMs: 1_000,
  });
  sides = new BothSides(system);
  await until(
    'the sample',
    async () => (await sides.row('select from loan_applications having count(*) = 500')) !== undefined,
  );
}, 300_000);
afterAll(async () => {
  await sides?.detach();
  await system?.stop();
  await project?.[Symbol.asyncDispose]();
}, 60_000);

const made = async (object: string, fields: Readonly<Record<string, unknown>>) =>
  (await sides.salesforce.sobject(object).create(fields)).id ?? '';
const person = (id: string) => sides.row('select * from sales_people where salesforce_id = $1', [id]);
const loanOf = (id: string) => sides.row('select * from loan_applications where salesforce_id = $1', [id]);

test('a read-only object has an inbound flow, and neither queue nor outbound flow nor a place in the publication', async () => {
  const names = Object.keys(system.endpoints.resources).filter((name) => name.endsWith('.User'));
  expect(names).toEqual(['inboundFlow.User']);
  const published = await sides.rows('select tablename from pg_publication_tables');
  expect(published).toEqual([{ tablename: 'loan_applications' }]);
  const template = await readFile(`${project?.stateDirectory}/cdk.out/sfsync.template.json`, 'utf8');
  expect(template).not.toContain('sfsync-postgres-to-salesforce-User');
});

test('users arrive and change, and are the owners of loans on both sides', async () => {
  const ada = await made('User', { Username: 'ada@lender.example', FirstName: 'Ada', LastName: 'Moss' });
  const ben = await made('User', { Username: 'ben@lender.example', FirstName: 'Ben', LastName: 'Nye' });
  const loan = await made('Opportunity', {
    Name: 'Barn',
    StageName: 'Qualification',
    CloseDate: '2031-05-31',
    OwnerId: ada,
  });
  await until('both users', async () => (await person(ada)) !== undefined && (await person(ben)) !== undefined);
  await until('the loan with its owner', async () => (await loanOf(loan))?.owner_id === (await person(ada))?.id);
  expect(await person(ada)).toMatchObject({ name: 'Ada Moss', active: true });

  // The application gives the loan to another one.
  await sides.rows('update loan_applications set owner_id = $2 where salesforce_id = $1', [
    loan,
    (await person(ben))?.id,
  ]);
  await until(
    'the other owner in Salesforce',
    async () => (await sides.record('Opportunity', loan, 'OwnerId'))?.OwnerId === ben,
  );

  await sides.salesforce.sobject('User').update({ Id: ben, LastName: 'Noble', IsActive: false });
  await until('the new name', async () => (await person(ben))?.name === 'Ben Noble');
  expect(await person(ben)).toMatchObject({ active: false });

  // What the application does to a row of a user stays with it, and is overwritten when the user changes again.
  await sides.rows("update sales_people set name = 'Nobody' where salesforce_id = $1", [ben]);
  await sides.salesforce.sobject('User').update({ Id: ben, Email: 'b@lender.example' });
  await until('the name of Salesforce', async () => (await person(ben))?.name === 'Ben Noble');
  await sides.rest();
  const kinds = (await sides.writesToRecord(ben)).map(({ kind }) => kind);
  expect(kinds).toEqual(['create', 'update', 'update']);
});

test('a formula over the owner is refreshed by a sweep, although the stamp of the loan stays', async () => {
  const eve = await made('User', { Username: 'eve@lender.example', FirstName: 'Eve', LastName: 'Orr' });
  const loan = await made('Opportunity', {
    Name: 'Mill',
    StageName: 'Qualification',
    CloseDate: '2031-05-31',
    OwnerId: eve,
  });
  await until('the loan', async () => (await loanOf(loan))?.owner_name === 'Eve Orr');
  await sides.salesforce.sobject('User').update({ Id: eve, LastName: 'Ord' });
  await until('the new name', async () => (await person(eve))?.name === 'Eve Ord');
  await sides.rest();
  expect(await loanOf(loan)).toMatchObject({ owner_name: 'Eve Orr' });
  const sweep = async () => {
    const input = JSON.stringify({ object: 'Opportunity', full: false });
    await system.call('states', 'StartExecution', { stateMachineArn: sides.resource('stateMachine.sweep'), input });
    return (await loanOf(loan))?.owner_name === 'Eve Ord';
  };
  await until('the name in the formula', async () => {
    if (await sweep()) return true;
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    return false;
  });
});

test('the record type is the developer name in the row, and chosen by it', async () => {
  // Older than what the first run of a flow reaches back to: a full sweep brings them, as `sfsync load` does.
  const input = JSON.stringify({ object: 'RecordType', full: true });
  await system.call('states', 'StartExecution', { stateMachineArn: sides.resource('stateMachine.sweep'), input });
  const sorted = 'select * from record_types order by sobject_type, developer_name';
  const named = await until('the record types', async () => {
    const found = await sides.rows(sorted);
    return found.length === 3 && found;
  });
  expect(named.map(({ sobject_type, developer_name }) => [sobject_type, developer_name])).toEqual([
    ['Account', 'Home_Loan'],
    ['Opportunity', 'Car_Loan'],
    ['Opportunity', 'Home_Loan'],
  ]);
  const loan = await made('Opportunity', { Name: 'Flat', StageName: 'Qualification', CloseDate: '2031-05-31' });
  await until('the default type', async () => (await loanOf(loan))?.kind === 'Home_Loan');
  const typeOf = async () => (await sides.record('Opportunity', loan, 'RecordType.DeveloperName'))?.RecordType;
  await sides.rows("update loan_applications set kind = 'Car_Loan' where salesforce_id = $1", [loan]);
  await until('the other type in Salesforce', async () => JSON.stringify(await typeOf()).includes('Car_Loan'));
  // Of the two record types of that name, that of opportunities.
  await sides.rows("update loan_applications set kind = 'Home_Loan' where salesforce_id = $1", [loan]);
  await until('the first type again', async () => JSON.stringify(await typeOf()).includes('Home_Loan'));

  await sides.rows("update loan_applications set kind = 'Boat_Loan' where salesforce_id = $1", [loan]);
  const reject = () =>
    sides.row('select * from sfsync.rejected_record where salesforce_id = $1 and resolved_at is null', [loan]);
  expect(await until('the reject of an unknown name', reject)).toMatchObject({
    ...{ code: 'PARENT_WITHOUT_RECORD', field: 'RecordTypeId' },
  });
  await sides.rows("update loan_applications set kind = 'Home_Loan' where salesforce_id = $1", [loan]);
  await until('the end of the reject', async () => (await reject()) === undefined);
});
