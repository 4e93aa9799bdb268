/**
 * What docs/adding-a-field.md and docs/renaming-a-field.md say, done with the blocks of these pages on the whole system, while the application
 * and people in Salesforce edit other fields: nothing is lost, and nothing is overwritten.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { codeBlocks } from '../support/docs/code-blocks.ts';
import { type Pair, until } from '../support/system/both-sides.ts';
import { Deployments } from '../support/system/deployments.ts';
import { copyProject, type ProjectCopy } from '../support/system/project-copy.ts';

vi.setConfig({ testTimeout: 400_000 });

const SETTINGS = `
  settings: { announceEverySeconds: 1, pushDeadlineSeconds: 10, requestLifeSeconds: 1 },
});
`;

let project: ProjectCopy;
let deployments: Deployments;
let pairs: Pair[];
const sides = () => deployments.sides;

beforeAll(async () => {
  const sample = await readFile(new URL('../../examples/lender/sync.config.ts', import.meta.url), 'utf8');
  const table = "table: 'public.loan_applications',";
  project = await copyProject({
    configuration: sample
      .replace(table, `${table}\n      updatedAt: 'updated_at',`)
      .replace(/\}\);\n$/, SETTINGS.trimStart()),
  });
  deployments = new Deployments(project);
  await deployments.deploy();
  const loaded = 'select from loan_applications having count(*) = 500';
  await until('the sample', async () => (await sides().row(loaded)) !== undefined);
  await sides().rest();
  pairs = await sides().pairs('Opportunity', 20);
}, 600_000);
afterAll(async () => {
  await deployments?.stop();
  await project?.[Symbol.asyncDispose]();
}, 60_000);

const pair = (i: number) => pairs[i] as Pair;
const block = async (page: string, language: string, i: number) => {
  const found = (await codeBlocks(page, language))[i];
  if (found === undefined) throw new Error(`${page} has no block ${i} of ${language}`);
  return found;
};
const inRow = async (i: number, column: string) =>
  (await sides().row(`select ${column}::text as value from loan_applications where id = $1`, [pair(i).key]))?.value;
const inRecord = async (i: number, field: string) =>
  (await sides().record('Opportunity', pair(i).id, field))?.[field] ?? null;
const toRow = (i: number, column: string, value: unknown) =>
  sides().rows(`update loan_applications set ${column} = $2 where id = $1`, [pair(i).key, value]);
const toRecord = (i: number, fields: object) =>
  sides()
    .salesforce.sobject('Opportunity')
    .update({ Id: pair(i).id, ...fields });
const conflicts = () => sides().rows('select salesforce_id as id, field, winner from sfsync.conflict order by id');
const subjects = () =>
  sides()
    .notifications()
    .map(({ subject }) => subject);

/** People and the application go on with other fields while `work` is done. */
async function whileEdited(work: () => Promise<void>): Promise<void> {
  let going = true;
  let n = 0;
  const edit = async () => {
    while (going) {
      n++;
      await Promise.all([toRow(18, 'amount', 1000 + n), toRecord(19, { Amount: 2000 + n })]);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };
  const edits = edit();
  try {
    await work();
  } finally {
    going = false;
    await edits;
  }
  await until('the last edit of the row', async () => (await inRecord(18, 'Amount')) === 1000 + n);
  await until('the last edit of the record', async () => Number(await inRow(19, 'amount')) === 2000 + n);
}

/** All records hold in the field what their rows hold in the column. */
async function expectEqual(field: string, column: string): Promise<void> {
  await sides().rest();
  const rows = await sides().rows(
    `select salesforce_id as id, ${column}::text as value from loan_applications order by 1`,
  );
  const { records } = await sides().salesforce.query<Record<string, unknown>>(
    `SELECT Id, ${field} FROM Opportunity ORDER BY Id`,
    { autoFetch: true, maxFetch: 1000 },
  );
  const spelled = (value: unknown) => (value === null || value === undefined ? null : String(value));
  expect(rows).toEqual(records.map((record) => ({ id: record.Id, value: spelled(record[field]) })));
}

const joined = (count = 1) =>
  until('the end of the joining', () => subjects().filter((subject) => subject.includes('joined')).length === count);

test('adding a field', async () => {
  const page = 'adding-a-field.md';
  const [check = '', prepare = ''] = (await block(page, 'sh', 0)).split('\n');
  for (const i of [0, 1, 2]) await toRecord(i, { NextStep: `theirs ${i}` });
  const filled = await sides().salesforce.query('SELECT Id FROM Opportunity WHERE NextStep != null', { maxFetch: 1 });
  await sides().faults({ hiddenField: { object: 'Opportunity', field: 'NextStep' } });
  const line = await block(page, 'ts', 0);
  await deployments.configure((text) => text.replace("Name: text('title'),", `Name: text('title'),\n        ${line}`));

  // Before anything else of the page was done, the command says what is lacking, and on the running system nothing has changed.
  const lacking = await deployments.run(check);
  expect(lacking).toMatchObject({ code: 1 });
  expect(lacking.output).toContain('column public.loan_applications.next_step does not exist');
  expect(lacking.output).toMatch(/! Opportunity\.NextStep: .*(field-level security|access)/);

  await whileEdited(async () => {
    await sides().rows(await block(page, 'sql', 0));
    for (const i of [2, 3]) await toRow(i, 'next_step', `ours ${i}`);
    await sides().faults({ hiddenField: null });
    expect((await deployments.run(check)).output).not.toMatch(/NextStep|next_step/);
    expect(await deployments.run(prepare)).toMatchObject({ code: 0 });
  });
  expect(await block(page, 'sh', 1)).toBe('npx cdk deploy');
  await deployments.deploy();
  await whileEdited(async () => {
    await toRecord(4, { NextStep: 'theirs, meanwhile' });
    await toRow(5, 'next_step', 'ours, meanwhile');
    await joined();
  });

  await until('the value of Salesforce', async () => (await inRow(0, 'next_step')) === 'theirs 0');
  await until('the value of the row', async () => (await inRecord(3, 'NextStep')) === 'ours 3');
  await until('theirs', async () => (await inRow(4, 'next_step')) === 'theirs, meanwhile');
  await until('ours', async () => (await inRecord(5, 'NextStep')) === 'ours, meanwhile');
  await expectEqual('NextStep', 'next_step');
  expect(await inRow(2, 'next_step')).toBe('theirs 2');
  // Another conflict is possible where the sample's record 5 had a step of its own.
  const found = (await conflicts()).filter(({ id }) => id !== pair(5).id);
  expect(found).toEqual([{ id: pair(2).id, field: 'NextStep', winner: 'salesforce' }]);
  expect((await deployments.run(await block(page, 'sh', 2))).output).toContain(pair(2).id);
  expect(filled.totalSize).toBeGreaterThanOrEqual(3);
  expect((await deployments.run(check)).output).not.toContain('joins the mapping');

  await toRow(6, 'next_step', 'call');
  await until('an edit of the row', async () => (await inRecord(6, 'NextStep')) === 'call');
  await toRecord(6, { NextStep: 'sign' });
  await until('an edit of the record', async () => (await inRow(6, 'next_step')) === 'sign');
});

test('renaming a column, and removing a field', async () => {
  const page = 'renaming-a-field.md';
  const before = (await conflicts()).length;
  // Away from the mapping first, and only then from the table.
  await deployments.configure((text) => text.replace(/ *NextStep: .*\n/, ''));
  await whileEdited(async () => {
    await sides().rows(await block(page, 'sql', 0));
    await toRow(7, 'months', 120);
    await toRecord(8, { Loan_Term_Months__c: 240 });
    await until('the notice', () => subjects().some((subject) => subject.includes('vanished from Postgres')));
  });
  const line = await block(page, 'ts', 0);
  await deployments.configure((text) => text.replace(/Loan_Term_Months__c: .*/, line));
  const [check = '', deploy = ''] = (await block(page, 'sh', 0)).split('\n');
  expect((await deployments.run(check)).output).not.toMatch(/column public.loan_applications.\w+ does not exist/);
  expect(deploy).toBe('npx cdk deploy');
  await deployments.deploy();
  await whileEdited(async () => {
    await sides().rows((await codeBlocks('adding-a-field.md', 'sql'))[1] ?? '');
    await joined(2);
  });
  await until('the edit of the row', async () => (await inRecord(7, 'Loan_Term_Months__c')) === 120);
  await until('the edit of the record', async () => (await inRow(8, 'months')) === '240');
  await expectEqual('Loan_Term_Months__c', 'months');
  expect(await conflicts()).toHaveLength(before);
  expect(await inRecord(0, 'NextStep')).toBe('theirs 0');
  expect(subjects().filter((subject) => subject.includes('vanished'))).toHaveLength(1);
});

test('a field that has another API name in Salesforce', async () => {
  const before = (await conflicts()).length;
  await sides().faults({ hiddenField: { object: 'Opportunity', field: 'Loan_Term_Months__c' } });
  // Until the deployment the flow fails: what people edit arrives with it, or by a sweep.
  await toRow(9, 'months', 96);
  await toRow(12, 'title', 'Ours meanwhile');
  await toRecord(10, { Name: 'Theirs meanwhile' });
  await until('the notice', () => subjects().some((subject) => subject.includes('vanished from Salesforce')));
  await until('an edit of another field', async () => (await inRecord(12, 'Name')) === 'Ours meanwhile');
  await sides().faults({ hiddenField: null });
  const line = await block('renaming-a-field.md', 'ts', 1);
  await deployments.configure((text) => text.replace(/Loan_Term_Months__c: .*/, line));
  await deployments.deploy(renameInOrg);
  await whileEdited(async () => {
    await toRecord(11, { Term__c: 60 });
    await joined(3);
  });
  await until('their edit of another field', async () => (await inRow(10, 'title')) === 'Theirs meanwhile');
  await until('the edit of the row', async () => (await inRecord(9, 'Term__c')) === 96);
  await until('the edit of the record', async () => (await inRow(11, 'months')) === '60');
  await expectEqual('Term__c', 'months');
  expect((await conflicts()).length).toBe(before);
});

/** An administrator renames the field: its values stay, and no stamp moves. */
async function renameInOrg(): Promise<void> {
  const describe = join(dirname(project.configurationFile), 'salesforce/Opportunity.json');
  await writeFile(describe, (await readFile(describe, 'utf8')).replaceAll('Loan_Term_Months__c', 'Term__c'));
  const org = new DatabaseSync(join(project.stateDirectory, 'org.sqlite'));
  try {
    org.exec(`update org_record set body = replace(body, '"Loan_Term_Months__c"', '"Term__c"')`);
  } finally {
    org.close();
  }
}
