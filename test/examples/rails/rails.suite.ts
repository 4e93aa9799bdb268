/**
 * What a Rails application does to its rows arrives in Salesforce, what sales people do arrives in rows that Rails can work with, its optimistic
 * locking keeps a stale record from overwriting what sfsync has written, and nothing comes back. The steps are those of examples/rails/story.rb,
 * and depend on each other.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type OrgWrite, until } from '../../support/system/both-sides.ts';
import { exampleSystem } from '../../support/system/example-system.ts';
import type { Application } from './application.ts';

const ADA = "email = 'ada.moss@mail.example'";
const LOAN = "title = 'Barn of Ada Moss'";

export function railsStory(start: (databaseUrl: string) => Promise<Application>): void {
  const { sides: both } = exampleSystem('rails');
  let application: Application;
  const run = (step: string) => application.run(step);
  const row = (table: string, where: string) => both().row(`select * from ${table} where ${where}`);
  const idOf = (table: string, where: string) =>
    until(
      `the Salesforce id of ${where}`,
      async () => ((await row(table, where))?.salesforce_id as string | null) ?? false,
    );
  const ids: Record<'lender' | 'ada' | 'loan' | 'eve' | 'mill', string> = {
    lender: '',
    ada: '',
    loan: '',
    eve: '',
    mill: '',
  };
  const kindsOf = async (id: string) => (await both().writesToRecord(id)).map(({ kind }) => kind);
  const seen = (object: string, id: string, fields: Readonly<Record<string, unknown>>) => {
    let found: unknown;
    return until(
      `${JSON.stringify(fields)} of ${object}`,
      async () => {
        const names = Object.keys(fields).filter((field) => field !== 'IsDeleted');
        const record = await both().record(object, id, ['SystemModstamp', ...names].join(', '));
        found = record;
        return Object.entries(fields).every(([field, value]) => record?.[field] === value);
      },
      () => found,
    );
  };
  const held = (table: string, where: string, values: Readonly<Record<string, unknown>>) => {
    let found: unknown;
    return until(
      `${JSON.stringify(values)} in ${table}`,
      async () => {
        found = await both().row(`select 1 as there from ${table} where ${where} and to_jsonb(${table}) @> $1`, [
          JSON.stringify(values),
        ]);
        return found !== undefined;
      },
      () => found,
    );
  };
  const edit = (object: string, Id: string, fields: object) =>
    both()
      .salesforce.sobject(object)
      .update({ Id, ...fields });

  beforeAll(async () => {
    application = await start(both().system.endpoints.postgres.url);
    const sample = `select from organizations having count(*) = 60 and (select count(*) from borrowers) = 300
      and (select count(*) from loan_applications) = 500`;
    await until('the sample', async () => (await both().row(sample)) !== undefined);
    await both().rest();
  }, 120_000);
  afterAll(() => application?.end());

  let hasFailed = false;
  beforeEach(({ skip, onTestFailed }) => {
    skip(hasFailed, 'a step before it has failed');
    onTestFailed(() => {
      hasFailed = true;
    });
  });

  test('a transaction with a lender, its borrower and her loan becomes three records', async () => {
    await run('apply_for_a_loan');
    ids.lender = await idOf('organizations', "name = 'Harbour Mutual'");
    ids.ada = await idOf('borrowers', ADA);
    ids.loan = await idOf('loan_applications', LOAN);
    await seen('Account', ids.lender, { Name: 'Harbour Mutual', AnnualRevenue: 1_250_000 });
    await seen('Contact', ids.ada, {
      ...{ LastName: 'Moss', Email: 'Ada.Moss@mail.example', Birthdate: '1984-02-29', Credit_Score__c: 710 },
      AccountId: ids.lender,
    });
    await seen('Opportunity', ids.loan, {
      ...{ Name: 'Barn of Ada Moss', StageName: 'Prospecting', Amount: 125_000.5, CloseDate: '2031-05-31' },
      ...{ Purposes__c: 'Home purchase;Renovation', Loan_Term_Months__c: 240 },
      ...{ AccountId: ids.lender, Borrower__c: ids.ada },
    });
  });

  test('what is rolled back, or of another type of the table, does not', async () => {
    await run('change_of_mind');
    await run('hire_a_broker');
    await both().rest();
    const unknown = await both().salesforce.query("SELECT Id FROM Account WHERE Name = 'Quay Brokers'");
    const nobody = await both().salesforce.query("SELECT Id FROM Contact WHERE LastName = 'Nobody'");
    expect([unknown.totalSize, nobody.totalSize]).toEqual([0, 0]);
    expect(await row('organizations', "type = 'Broker'")).toMatchObject({ salesforce_id: null });
    expect([await kindsOf(ids.lender), await kindsOf(ids.ada), await kindsOf(ids.loan)]).toEqual(
      Array(3).fill(['create']),
    );
  });

  test('an update with a lock version arrives', async () => {
    expect(await run('change_her_phone')).toBe('done');
    await seen('Contact', ids.ada, { Phone: '+44 20 7946 0002', DoNotCall: true });
  });

  test('what was loaded before an edit of Salesforce has come is stale, and can be saved when it is loaded again', async () => {
    await run('load_ada');
    const before = await row('borrowers', ADA);
    await edit('Contact', ids.ada, { Phone: '+44 20 7946 0102' });
    await held('borrowers', ADA, { phone: '+44 20 7946 0102' });
    const after = await row('borrowers', ADA);
    expect(Number(after?.lock_version)).toBeGreaterThan(Number(before?.lock_version));
    expect(Number(after?.updated_at)).toBeGreaterThan(Number(before?.updated_at));

    expect(await run('save_what_was_loaded')).toBe('stale');
    expect(await row('borrowers', ADA)).toEqual(after);
    expect(await run('save_it_again')).toBe('done');
    await seen('Contact', ids.ada, { Phone: '+44 20 7946 0004' });
  });

  test('a stale write that skips locking is a conflict, and what it has only put back is none', async () => {
    await both().rest();
    await run('load_ada');
    await edit('Contact', ids.ada, { LastName: 'Moss-Lane', Phone: '+44 20 7946 0104' });
    await held('borrowers', ADA, { last_name: 'Moss-Lane', phone: '+44 20 7946 0104' });
    await run('write_back_what_was_loaded');
    const conflict = await until('the conflict', () => both().row('select * from sfsync.conflict'));
    expect(conflict).toMatchObject({
      ...{ field: 'LastName', salesforce_value: 'Moss-Lane', postgres_value: 'Moss-Hill', winner: 'salesforce' },
    });
    await held('borrowers', ADA, { last_name: 'Moss-Lane', phone: '+44 20 7946 0104' });
    await both().rest();
    await seen('Contact', ids.ada, { LastName: 'Moss-Lane', Phone: '+44 20 7946 0104' });
    expect(await both().rows('select field from sfsync.conflict')).toEqual([{ field: 'LastName' }]);
  });

  test('enums, arrays and times of the application are picklists, sets and times to the second', async () => {
    await run('underwrite');
    await seen('Opportunity', ids.loan, { StageName: 'Underwriting' });
    await edit('Opportunity', ids.loan, { StageName: 'Documents Requested', Purposes__c: null });
    await held('loan_applications', LOAN, { status: 2, purposes: [] });
    await run('approve');
    await seen('Opportunity', ids.loan, {
      ...{ StageName: 'Approved', Purposes__c: 'Renovation', Approved_At__c: '2031-02-03T04:05:06.000+0000' },
    });
    await both().rest();
    await held('loan_applications', LOAN, { approved_at: '2031-02-03T04:05:06.789' });
  });

  test('what touches no mapped column is no write', async () => {
    const before = [await kindsOf(ids.ada), await kindsOf(ids.loan)];
    await run('touch');
    await both().rest();
    expect([await kindsOf(ids.ada), await kindsOf(ids.loan)]).toEqual(before);
  });

  test('insert_all and update_all arrive', async () => {
    await run('import');
    const imported = ['bell', 'carr', 'dunn'].map((name) => `email = '${name}@mail.example'`);
    const contacts = await Promise.all(imported.map((where) => idOf('borrowers', where)));
    expect(await run('mark_the_imported')).toBe('done');
    for (const id of contacts) await seen('Contact', id, { DoNotCall: true });
    await both().rest();
    for (const id of contacts) expect(await kindsOf(id)).toEqual(['create', 'update']);
  });

  test('soft deletes go both ways, and so do their ends', async () => {
    await run('discard_ada');
    await seen('Contact', ids.ada, { IsDeleted: true });
    await run('undiscard_ada');
    await seen('Contact', ids.ada, { IsDeleted: false });
    await both().rest();
    await both().salesforce.sobject('Contact').delete(ids.ada);
    await until('discarded', async () => (await row('borrowers', ADA))?.discarded_at !== null);
    await both().rest();
    await undelete(ids.ada);
    await until('kept', async () => (await row('borrowers', ADA))?.discarded_at === null);
  });

  test('new records make rows that the application loads and saves', async () => {
    const contact = { LastName: 'Orr', Email: 'eve@mail.example', AccountId: ids.lender };
    ids.eve = (await both().salesforce.sobject('Contact').create(contact)).id ?? '';
    const loan = {
      ...{ Name: 'Mill of Eve Orr', StageName: 'Documents Requested', CloseDate: '2031-06-30' },
      ...{ AccountId: ids.lender, Borrower__c: ids.eve },
    };
    ids.mill = (await both().salesforce.sobject('Opportunity').create(loan)).id ?? '';
    await until('both rows', async () => {
      const sql = `select from borrowers b join loan_applications l on l.borrower_id = b.id
        where b.salesforce_id = $1 and l.salesforce_id = $2`;
      return (await both().row(sql, [ids.eve, ids.mill])) !== undefined;
    });
    await both().rest();
    expect(await run('take_over_eve')).toBe('done');
    expect(await run('take_over_her_loan')).toBe('done');
    await seen('Contact', ids.eve, { Phone: '+44 20 7946 0009' });
    await seen('Opportunity', ids.mill, { StageName: 'Closed Lost' });
  });

  test('a new lender of Salesforce is of that type', async () => {
    const { id = '' } = await both().salesforce.sobject('Account').create({ Name: 'Dale Savings' });
    await held('organizations', `salesforce_id = '${id}'`, { type: 'Lender', name: 'Dale Savings', lock_version: 0 });
  });

  test('deletes go both ways; a row that the database keeps is listed, until the application has deleted it', async () => {
    const mill = await row('loan_applications', `salesforce_id = '${ids.mill}'`);
    await both().salesforce.sobject('Opportunity').delete(ids.mill);
    await until('no row', async () => (await row('loan_applications', "title = 'Mill of Eve Orr'")) === undefined);
    await undelete(ids.mill);
    await held('loan_applications', `salesforce_id = '${ids.mill}'`, {
      id: Number(mill?.id),
      reference: mill?.reference,
    });

    // Its documents refer to it.
    await both().salesforce.sobject('Opportunity').delete(ids.loan);
    const open = () =>
      both().row('select * from sfsync.rejected_record where salesforce_id = $1 and resolved_at is null', [ids.loan]);
    expect(await until('the reject', open)).toMatchObject({ object: 'Opportunity', code: '23503' });
    await run('withdraw');
    await until('the end of the reject', async () => (await open()) === undefined);
  });

  test('nothing has come back, and nothing is left', async () => {
    await both().rest();
    expect(
      await both().rows('select object, field, code from sfsync.rejected_record where resolved_at is null'),
    ).toEqual([]);
    expect(await both().rows('select field from sfsync.conflict')).toEqual([{ field: 'LastName' }]);
    expect(await kindsOf(ids.lender)).toEqual(['create']);
    expect(await kindsOf(ids.mill)).toEqual(['create', 'update', 'delete', 'undelete']);
    expect(await kindsOf(ids.eve)).toEqual(['create', 'update']);
    const outside = "select count(*)::int as rows from organizations where salesforce_id is null and type = 'Lender'";
    expect(await both().row(outside)).toEqual({ rows: 0 });
    // Of the sample nothing was written a second time, on either side.
    expect(
      await both().rows("select name from organizations where lock_version > 0 and name <> 'Harbour Mutual'"),
    ).toEqual([]);
    const known = new Set(await idsOfOurs());
    const answer = await fetch(new URL('/_simulator/writes', both().salesforce.instanceUrl));
    const { writes } = (await answer.json()) as { writes: OrgWrite[] };
    expect(writes.filter(({ id }) => !known.has(id))).toEqual([]);
  });

  async function idsOfOurs(): Promise<string[]> {
    const found = await both().rows<{ id: string }>(
      `select salesforce_id as id from organizations where name in ('Harbour Mutual', 'Dale Savings')
        union all select salesforce_id from borrowers where last_name in ('Moss-Lane', 'Orr', 'Bell', 'Carr', 'Dunn')`,
    );
    return [...found.map(({ id }) => id), ids.loan, ids.mill];
  }

  async function undelete(id: string): Promise<void> {
    const answer = await both().salesforce.soap.undelete([id]);
    expect(answer).toMatchObject([{ success: true }]);
  }
}
