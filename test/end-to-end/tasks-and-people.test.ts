/**
 * Person accounts, and tasks about them: a lookup to several objects in the two columns that Rails makes of it, and one with a column for
 * each object. Companies, people, their contacts, leads and loans are what tasks point to.
 */
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { LocalSystem } from '../../local/system.ts';
import { BothSides, until } from '../support/system/both-sides.ts';
import { copyProject, type ProjectCopy } from '../support/system/project-copy.ts';

vi.setConfig({ testTimeout: 240_000 });

const KEY = 'id bigint generated always as identity primary key, salesforce_id text unique';
const SCHEMA = `
create table if not exists public.clients (
  ${KEY}, name text, first_name text, last_name text, email text, is_person boolean);
create table if not exists public.contacts (
  ${KEY}, last_name text, email text, client_id bigint references public.clients on delete cascade deferrable, is_person boolean);
create table if not exists public.leads (${KEY}, last_name text not null, company text not null);
create table if not exists public.loans (${KEY}, title text, client_id bigint references public.clients deferrable);
create table if not exists public.tasks (
  ${KEY}, title text, subject_type varchar, subject_id bigint,
  contact_id bigint references public.contacts deferrable, lead_id bigint references public.leads deferrable);
`;

const CONFIGURATION = `
import { boolean, defineSync, reference, text } from '../../core/mapping/configuration.ts';

const both = { delivery: 'api', insert: true, externalId: 'External_Id__c', deleteGuard: false } as const;

export default defineSync({
  objects: {
    Account: {
      ...both,
      table: 'public.clients',
      fields: {
        Name: text('name', { direction: 'to-postgres' }),
        FirstName: text('first_name'),
        LastName: text('last_name'),
        PersonEmail: text('email'),
        IsPersonAccount: boolean('is_person', { direction: 'to-postgres' }),
      },
      filter: { where: 'is_person is not false' },
    },
    Contact: {
      delivery: 'api',
      table: 'public.contacts',
      fields: {
        LastName: text('last_name'),
        Email: text('email'),
        AccountId: reference('client_id', 'Account'),
        IsPersonAccount: boolean('is_person', { direction: 'to-postgres' }),
      },
      filter: { where: 'is_person is not true' },
    },
    Lead: { delivery: 'api', table: 'public.leads', fields: { LastName: text('last_name'), Company: text('company') } },
    Opportunity: { delivery: 'api', table: 'public.loans', fields: { Name: text('title'), AccountId: reference('client_id', 'Account') } },
    Task: {
      ...both,
      table: 'public.tasks',
      fields: {
        Subject: text('title'),
        WhatId: reference({ type: 'subject_type', key: 'subject_id' }, { Account: 'Client', Opportunity: 'Loan' }),
        WhoId: reference({ Contact: 'contact_id', Lead: 'lead_id' }),
      },
    },
  },
  settings: { announceEverySeconds: 1, pushDeadlineSeconds: 10, requestLifeSeconds: 1, sweepGraceMinutes: 1, fullSweepEveryHours: 0 },
});
`;

const READ_ONLY = { createable: false, updateable: false };
const field = (name: string, type = 'string', more: object = {}) => ({
  ...{ name, label: name, type, length: 80, nillable: true, createable: true, updateable: true },
  ...more,
});
const lookup = (name: string, ...referenceTo: string[]) =>
  field(name, 'reference', { length: 18, referenceTo, relationshipName: name.replace(/Id$/, '') });
const EXTERNAL_ID = field('External_Id__c', 'string', { externalId: true, unique: true, idLookup: true });
const IS_PERSON = field('IsPersonAccount', 'boolean', { ...READ_ONLY, length: 0, nillable: false });

/** As Salesforce describes it, cut down. */
function described(name: string, keyPrefix: string, fields: readonly object[], more: object = {}): string {
  return JSON.stringify({
    ...{ name, label: name, labelPlural: `${name}s`, keyPrefix, createable: true, updateable: true, deletable: true },
    ...{ undeletable: true, queryable: true, replicateable: true, ...more },
    fields: [
      field('Id', 'id', { ...READ_ONLY, nillable: false }),
      field('IsDeleted', 'boolean', { ...READ_ONLY, length: 0 }),
      ...['CreatedDate', 'LastModifiedDate', 'SystemModstamp'].map((each) => field(each, 'datetime', READ_ONLY)),
      ...fields,
    ],
  });
}

const TASK = described('Task', '00T', [
  ...[
    field('Subject'),
    EXTERNAL_ID,
    lookup('WhatId', 'Account', 'Opportunity', 'Case'),
    lookup('WhoId', 'Contact', 'Lead'),
  ],
]);
const LEAD = described('Lead', '00Q', [field('LastName', 'string', { nillable: false }), field('Company')], {
  mergeable: true,
});
const CASE = described('Case', '500', [field('Subject')]);

/** In an org with person accounts, a company has a name of its own and a person one that is composed. */
function withPeople(describe: string): string {
  const account = JSON.parse(describe);
  const parts = ['FirstName', 'LastName'].map((name) => field(name, 'string', { compoundFieldName: 'Name' }));
  const own = field('PersonContactId', 'reference', { ...READ_ONLY, referenceTo: ['Contact'] });
  return JSON.stringify({ ...account, fields: [...account.fields, ...parts, field('PersonEmail'), own, IS_PERSON] });
}

function withMark(describe: string): string {
  const contact = JSON.parse(describe);
  return JSON.stringify({ ...contact, fields: [...contact.fields, IS_PERSON] });
}

let project: ProjectCopy | undefined;
let system: LocalSystem;
let sides: BothSides;

beforeAll(async () => {
  project = await copyProject({
    configuration: CONFIGURATION,
    schema: SCHEMA,
    overlays: {
      'examples/lender/seed.ts': 'export default () => [];\n',
      'examples/lender/salesforce/Account.json': withPeople,
      'examples/lender/salesforce/Contact.json': withMark,
      'examples/lender/salesforce/Lead.json': LEAD,
      'examples/lender/salesforce/Case.json': CASE,
      'examples/lender/salesforce/Task.json': TASK,
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
}, 300_000);
afterAll(async () => {
  await sides?.detach();
  await system?.stop();
  await project?.[Symbol.asyncDispose]();
}, 60_000);

const made = async (object: string, fields: Readonly<Record<string, unknown>>) =>
  (await sides.salesforce.sobject(object).create(fields)).id ?? '';
const rowOf = (table: string, id: string) => sides.row(`select * from ${table} where salesforce_id = $1`, [id]);
const key = async (table: string, id: string) =>
  (await until(`the row of ${id}`, () => rowOf(table, id)))?.id as string;
const inserted = async (sql: string, values: readonly unknown[] = []) =>
  (await sides.row(`insert into ${sql} returning id`, values))?.id as string;
const byKey = (table: string, id: string) => sides.row(`select * from ${table} where id = $1`, [id]);
const recordOf = async (table: string, id: string) =>
  await until(
    `the record of ${table} ${id}`,
    async () => ((await byKey(table, id))?.salesforce_id as string | null) ?? undefined,
  );
const open = () => sides.rows('select object, code, field from sfsync.rejected_record where resolved_at is null');
const listed = () => sides.rows('select object, field, reason from sfsync.conflict');

test('a person is made, edited and deleted on either side; a company only comes', async () => {
  const company = await made('Account', { Name: 'Zephyr Mills' });
  const ada = await made('Account', { FirstName: 'Ada', LastName: 'Moss', PersonEmail: 'ada@moss.example' });
  const ben = await inserted("clients (first_name, last_name) values ('Ben', 'Nye')");
  const person = await recordOf('clients', ben);
  await sides.rest();
  expect(await rowOf('clients', company)).toMatchObject({ name: 'Zephyr Mills', last_name: null, is_person: false });
  expect(await rowOf('clients', ada)).toMatchObject({ name: 'Ada Moss', email: 'ada@moss.example', is_person: true });
  expect(await byKey('clients', ben)).toMatchObject({ name: 'Ben Nye', is_person: true });

  await sides.rows("update clients set last_name = 'Noble', email = 'ben@noble.example' where id = $1", [ben]);
  await sides.rows("update clients set email = 'not sent' where salesforce_id = $1", [company]);
  await sides.salesforce.sobject('Account').update({ Id: ada, LastName: 'Orr' });
  await sides.rest();
  expect(await sides.record('Account', person, 'Name, PersonEmail')).toMatchObject({
    ...{ Name: 'Ben Noble', PersonEmail: 'ben@noble.example' },
  });
  expect(await rowOf('clients', ada)).toMatchObject({ name: 'Ada Orr', last_name: 'Orr' });
  expect((await sides.writesToRecord(company)).map(({ kind }) => kind)).toEqual(['create']);

  // The contact of a person has a row, which goes with the person.
  const contact = () => sides.row('select last_name, is_person from contacts where client_id = $1', [ben]);
  await until('the contact of the person', async () => (await contact())?.last_name === 'Noble', contact);
  expect(await contact()).toMatchObject({ is_person: true });
  await sides.rows('delete from clients where id = $1', [ben]);
  await sides.rest();
  expect(await sides.record('Account', person, 'Name')).toMatchObject({ IsDeleted: true });
  expect(await sides.rows("select from contacts where last_name = 'Noble'")).toEqual([]);
  // The delete of the contact's row was refused if it came before that of the person: it is over once the contact has gone along.
  await until('the end of the reject', async () => (await open()).length === 0, open);
  expect(await listed()).toEqual([]);
});

test('a task points to what it points to on the other side, and is repointed and cleared on both', async () => {
  const company = await made('Account', { Name: 'Umbra' });
  const loan = await made('Opportunity', {
    Name: 'Barn',
    StageName: 'Qualification',
    CloseDate: '2031-05-31',
    AccountId: company,
  });
  const lead = await made('Lead', { LastName: 'Fay', Company: 'Fay & Co' });
  const eve = await made('Account', { LastName: 'Eve' });
  const { PersonContactId: who } = (await sides.record('Account', eve, 'PersonContactId')) as {
    PersonContactId: string;
  };
  // The task comes with what it points to, in any order.
  const task = await made('Task', { Subject: 'Call', WhatId: loan, WhoId: who });
  const [client, loanRow, leadRow, contact] = [
    ...[await key('clients', company), await key('loans', loan), await key('leads', lead), await key('contacts', who)],
  ];
  await sides.rest();
  expect(await rowOf('tasks', task)).toMatchObject({
    ...{ subject_type: 'Loan', subject_id: loanRow, contact_id: contact, lead_id: null },
  });

  // The application repoints both, each to another object.
  await sides.rows(
    "update tasks set subject_type = 'Client', subject_id = $2, contact_id = null, lead_id = $3 where salesforce_id = $1",
    [task, client, leadRow],
  );
  await sides.rest();
  expect(await sides.record('Task', task, 'WhatId, WhoId')).toMatchObject({ WhatId: company, WhoId: lead });

  // Users repoint one and clear the other, then the application clears what is left.
  await sides.salesforce.sobject('Task').update({ Id: task, WhatId: loan, WhoId: null });
  await sides.rest();
  expect(await rowOf('tasks', task)).toMatchObject({
    ...{ subject_type: 'Loan', subject_id: loanRow, contact_id: null, lead_id: null },
  });
  await sides.rows('update tasks set subject_type = null, subject_id = null where salesforce_id = $1', [task]);
  await sides.rest();
  expect(await sides.record('Task', task, 'WhatId, WhoId')).toMatchObject({ WhatId: null, WhoId: null });

  // What is in no mapping leaves the columns empty, and stays.
  const elsewhere = await made('Case', { Subject: 'Broken' });
  await sides.salesforce.sobject('Task').update({ Id: task, WhatId: elsewhere, Subject: 'Call back' });
  await sides.rest();
  expect(await rowOf('tasks', task)).toMatchObject({ title: 'Call back', subject_type: null, subject_id: null });
  await sides.rows("update tasks set title = 'Called' where salesforce_id = $1", [task]);
  await sides.rest();
  expect(await sides.record('Task', task, 'WhatId, Subject')).toMatchObject({ WhatId: elsewhere, Subject: 'Called' });
  expect([await open(), await listed()]).toEqual([[], []]);
});

test('a task that the application makes together with what it is about follows it', async () => {
  await sides.rows(`
    with client as (insert into clients (last_name) values ('Gus') returning id)
    insert into tasks (title, subject_type, subject_id) select 'Welcome', 'Client', id from client`);
  const { id, subject_id: client } = (await sides.row("select * from tasks where title = 'Welcome'")) as {
    readonly id: string;
    readonly subject_id: string;
  };
  const task = await recordOf('tasks', id);
  expect(await sides.record('Task', task, 'WhatId')).toMatchObject({ WhatId: await recordOf('clients', client) });

  // A type that no mapping has is listed, and nothing of it is sent; the rest of the row is.
  await sides.rows("update tasks set subject_type = 'Invoice', title = 'Hello' where id = $1", [id]);
  await until('the reject', async () => (await open()).length > 0);
  await sides.rest();
  expect(await open()).toEqual([{ object: 'Task', code: 'UNKNOWN_PARENT_TYPE', field: 'WhatId' }]);
  expect(await sides.record('Task', task, 'WhatId, Subject')).toMatchObject({
    ...{ WhatId: await recordOf('clients', client), Subject: 'Hello' },
  });
  await sides.rows("update tasks set subject_type = 'Client' where id = $1", [id]);
  await until('the end of the reject', async () => (await open()).length === 0);

  // The client goes in Salesforce, with the lookup of its task; an undelete brings both back.
  const person = await recordOf('clients', client);
  await sides.salesforce.sobject('Account').delete(person);
  await sides.rest();
  expect(await byKey('clients', client)).toBeUndefined();
  expect(await byKey('tasks', id)).toMatchObject({ subject_type: null, subject_id: null });
  expect(await listed()).toEqual([]);
});
