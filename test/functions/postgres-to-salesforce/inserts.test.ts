/** New rows on their way to becoming records, through every Lambda of the machine in its order. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { mappingOf } from '../../../core/mapping/configuration.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import { readRecords } from '../../../salesforce/read.ts';
import { applyVersions } from '../../../steps/apply.ts';
import { receiveKeys } from '../../../steps/receive.ts';
import { takeUpAgain } from '../../../steps/redrive.ts';
import { contextOf } from '../../support/system/steps.ts';
import { type Decided, lambdas, useSurroundings } from '../lambdas.ts';

const around = useSurroundings();
const { collectChanges, readSalesforce, decideChanges, pushRecords, deleteRecords, settleBatch } = lambdas();

const object = 'Opportunity';
const mapping = mappingOf(configuration, object);
let rounds = 0;
let execution: string;
const folder = () => execution.slice(execution.lastIndexOf(':') + 1);
const nextExecution = () => {
  execution = `arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:insert-${++rounds}`;
};

beforeEach(async () => {
  await around.lender.rows(`truncate lenders, borrowers, loan_applications, sfsync.link, sfsync.lease, sfsync.conflict,
              sfsync.rejected_record, sfsync.tombstone, sfsync.insertion`);
  await around.org.faults({ rowError: false, lostReply: false });
  await around.org.call('POST', '~/_simulator/stats/reset');
  nextExecution();
});

/** A new row, as the application makes it; its change message is received. */
async function insert(fields: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const row = { title: 'Bridge loan', stage: 'Prospecting', closes_on: '2031-05-31', ...fields };
  const names = Object.keys(row);
  const places = names.map((_, i) => `$${i + 1}`);
  const sql = `insert into loan_applications (${names.join()}) values (${places.join()}) returning id`;
  const [{ id }] = (await around.lender.rows(sql, Object.values(row))) as [{ id: string }];
  await receive(id);
  return id;
}

async function receive(...keys: string[]): Promise<void> {
  await receiveKeys({ session: await around.lender.session(), configuration, mapping }, keys);
}

async function decide(): Promise<Decided> {
  const collected = await collectChanges({ object, trigger: 'changes', execution, batches: 0, fenced: true });
  expect(collected.next).toBe('push');
  const { batchId, recordsKey } = collected;
  const look = await readSalesforce({ object, recordsKey, execution: folder() });
  return decideChanges({ object, execution, batchId, versionsKey: look.versionsKey, readAt: look.readAt });
}

async function push({ updatesKey, deletesKey, notAfter }: Decided): Promise<string[]> {
  const event = { object, notAfter, execution: folder() };
  const pushes = [
    ...(updatesKey === undefined ? [] : [await pushRecords({ ...event, pushKey: updatesKey })]),
    ...(deletesKey === undefined ? [] : [await deleteRecords({ ...event, pushKey: deletesKey })]),
  ];
  return pushes.map(({ outcomesKey }) => outcomesKey);
}

async function settle({ batchId, pushedKey }: Decided, outcomesKeys: readonly string[]) {
  const { versionsKey, readAt } = await readSalesforce({ object, recordsKey: pushedKey, execution: folder() });
  return settleBatch({ object, execution, batchId, versionsKey, readAt, outcomesKeys, attempt: 1 });
}

async function round() {
  const decided = await decide();
  const outcomes = await push(decided);
  const settled = await settle(decided, outcomes);
  const { pushAgainKey: updatesKey, pushedAgainKey: pushedKey, notAfter } = settled;
  if (updatesKey === undefined || pushedKey === undefined || notAfter === undefined) return settled;
  const again = await push({ ...decided, updatesKey, notAfter });
  await settle({ ...decided, pushedKey }, [...outcomes, ...again]);
  return settled;
}

/** The push is long over: nothing of it can land any more. */
const fence = () =>
  around.lender.rows(`update sfsync.insertion set sent_at = sent_at - interval '1 day';
        update sfsync.link set sent_at = sent_at - interval '1 day'`);

/** What Salesforce has, as a file of the inbound flow brings it. */
async function file(id: string): Promise<void> {
  const found = await readRecords(around.org.connection, mapping, [id]);
  const version = found.get(id)?.version;
  if (version === undefined) throw new Error(`no record ${id}`);
  await applyVersions(
    contextOf(await around.lender.session(), configuration, object),
    'f',
    [{ line: 1, version }],
    Date.UTC(2100, 0, 1),
  );
}

const recordsOf = async (key: string) =>
  (
    await around.org.connection.query<Record<string, unknown> & { Id: string }>(
      `select Id, Name, Amount, StageName, Probability, External_Id__c from Opportunity where External_Id__c = '${key}'`,
    )
  ).records;
const insertions = () => around.lender.rows('select row_key, dirty, push_id, refused from sfsync.insertion');
const links = () =>
  around.lender.rows(
    'select salesforce_id, row_key, dirty, push_id, base_deleted from sfsync.link where object = $1 order by id',
    [object],
  );
const row = async (key: string) =>
  (await around.lender.rows('select * from loan_applications where id = $1', [key]))[0];

async function expectPair(key: string): Promise<string> {
  const found = await recordsOf(key);
  expect(found).toHaveLength(1);
  const id = found[0]?.Id ?? '';
  expect(await around.lender.rows('select id, salesforce_id from loan_applications')).toEqual([
    { id: key, salesforce_id: id },
  ]);
  expect(await links()).toEqual([
    { salesforce_id: id, row_key: key, dirty: false, push_id: null, base_deleted: false },
  ]);
  expect(await insertions()).toEqual([]);
  return id;
}

describe('a new row', () => {
  test('becomes a record by upsert, and gets its id; what Salesforce fills in comes back', async () => {
    const key = await insert({ amount: 1500 });
    const decided = await decide();
    expect(decided).toMatchObject({ pushed: 1 });
    expect(await around.lambda.lines(decided.updatesKey ?? '')).toMatchObject([
      {
        kind: 'insert',
        externalId: key,
        fields: { Name: 'Bridge loan', Amount: '1500', StageName: 'Prospecting', CloseDate: '2031-05-31' },
      },
    ]);
    expect(await insertions()).toEqual([{ row_key: key, dirty: false, push_id: decided.batchId, refused: null }]);
    const outcomes = await push(decided);
    expect(await settle(decided, outcomes)).toMatchObject({ settled: 1, rejected: 0, conflicts: 0 });
    const id = await expectPair(key);
    expect(await around.lambda.lines(outcomes[0] ?? '')).toEqual([{ externalId: key, outcome: 'accepted', id }]);
    expect(await row(key)).toMatchObject({ probability: '10' });
    expect((await around.org.stats()).writes).toEqual({ Opportunity: { create: 1 } });
    expect((await around.org.stats()).apiCalls.byKind).toMatchObject({ collections: 1, queryAll: 2 });
    expect(await around.lender.rows('select from sfsync.conflict')).toEqual([]);
  });

  test('that is edited after it was sent keeps its edit, which follows', async () => {
    const key = await insert();
    const decided = await decide();
    const outcomes = await push(decided);
    await around.lender.rows(`update loan_applications set title = 'Later'`);
    await receive(key);
    await settle(decided, outcomes);
    expect(await row(key)).toMatchObject({ title: 'Later' });
    expect(await links()).toMatchObject([{ row_key: key, dirty: true }]);
    const next = await decide();
    expect(next).toMatchObject({ pushed: 1 });
  });

  test('that is deleted before it was sent is forgotten; one deleted after takes its record along', async () => {
    const never = await insert();
    await around.lender.rows('delete from loan_applications');
    const key = await insert();
    const decided = await decide();
    expect(decided).toMatchObject({ pushed: 1 });
    const outcomes = await push(decided);
    await around.lender.rows('delete from loan_applications');
    await receive(key);
    await settle(decided, outcomes);
    expect(await links()).toMatchObject([{ row_key: key, dirty: true, base_deleted: false }]);
    await round();
    expect(await recordsOf(key)).toEqual([]);
    expect(await recordsOf(never)).toEqual([]);
    expect(await around.lender.rows('select from loan_applications')).toEqual([]);
    expect((await around.org.stats()).writes).toEqual({ Opportunity: { create: 1, delete: 1 } });
  });
});

describe('one record and one row', () => {
  test('when the answer was lost: the read-back finds the record', async () => {
    const key = await insert();
    const decided = await decide();
    await around.org.faults({ lostReply: { kinds: ['collections'] } });
    const outcomes = await push(decided);
    expect(await around.lambda.lines(outcomes[0] ?? '')).toEqual([{ externalId: key, outcome: 'unknown' }]);
    await settle(decided, outcomes);
    await expectPair(key);
  });

  test('when nothing more was heard: the next round waits for the fence, and looks before it sends', async () => {
    const key = await insert();
    const decided = await decide();
    await push(decided);
    nextExecution();
    const idle = { object, trigger: 'changes', execution, batches: 0, fenced: true };
    expect(await collectChanges(idle)).toMatchObject({ next: 'end' });
    await fence();
    const [{ Id = '' } = {}] = await recordsOf(key);
    await around.org.connection.sobject(object).update({ Id, Name: 'By a person' });
    nextExecution();
    expect(await decide()).toMatchObject({ pushed: 0 });
    await expectPair(key);
    expect(await row(key)).toMatchObject({ title: 'By a person' });
    expect((await around.org.stats()).writes).toMatchObject({ Opportunity: { create: 1 } });
  });

  test('when nothing was sent at all: it is sent after the fence', async () => {
    const key = await insert();
    await decide();
    await fence();
    nextExecution();
    await round();
    await expectPair(key);
  });

  test('when the file is faster than the answer', async () => {
    const key = await insert();
    const decided = await decide();
    const outcomes = await push(decided);
    const [{ Id = '' } = {}] = await recordsOf(key);
    await around.lender.rows(`update loan_applications set title = 'Later'`);
    await file(Id);
    expect(await row(key)).toMatchObject({ salesforce_id: Id, title: 'Later' });
    expect(await settle(decided, outcomes)).toMatchObject({ settled: 0, rejected: 0 });
    await file(Id);
    expect(await links()).toMatchObject([{ row_key: key, dirty: true }]);
    expect(await insertions()).toEqual([]);
    nextExecution();
    expect(await decide()).toMatchObject({ pushed: 1 });
  });

  test('when a person types the key of a row into a record', async () => {
    const key = await insert();
    const fields = { Name: 'Typed', StageName: 'Approved', CloseDate: '2031-01-01', External_Id__c: key };
    await around.org.connection.sobject(object).create(fields);
    expect(await decide()).toMatchObject({ pushed: 0 });
    await expectPair(key);
    expect(await row(key)).toMatchObject({ title: 'Typed', stage: 'Approved' });
  });

  test('when the record is deleted before sfsync knew of it: the row goes with it', async () => {
    const key = await insert();
    const decided = await decide();
    await push(decided);
    const [{ Id = '' } = {}] = await recordsOf(key);
    await around.org.connection.sobject(object).destroy(Id);
    await fence();
    nextExecution();
    await decide();
    expect(await around.lender.rows('select from loan_applications')).toEqual([]);
    expect(await around.lender.rows('select salesforce_id from sfsync.tombstone')).toEqual([{ salesforce_id: Id }]);
  });
});

describe('a row that was inserted again without its Salesforce id', () => {
  test('is a new row, once its record is deleted', async () => {
    const key = await insert();
    await round();
    const first = await expectPair(key);
    await around.lender.rows('delete from loan_applications');
    await receive(key);
    nextExecution();
    await round();
    expect(await recordsOf(key)).toEqual([]);
    await insert({ id: key, title: 'Anew' });
    nextExecution();
    await round();
    const [{ Id: second } = { Id: '' }] = await recordsOf(key);
    expect(second).not.toBe(first);
    expect(await row(key)).toMatchObject({ salesforce_id: second, title: 'Anew' });
    expect(await links()).toEqual([
      { salesforce_id: first, row_key: null, dirty: false, push_id: null, base_deleted: true },
      { salesforce_id: second, row_key: key, dirty: false, push_id: null, base_deleted: false },
    ]);
  });

  test('keeps its record while that lives, and gets the id back', async () => {
    const key = await insert();
    await round();
    const id = await expectPair(key);
    await around.lender.rows('update loan_applications set salesforce_id = null');
    await receive(key);
    nextExecution();
    expect(await decide()).toMatchObject({ pushed: 0 });
    expect(await expectPair(key)).toBe(id);
  });
});

describe('a refused row', () => {
  test('is listed with the reason, waits for an edit, and is listed no more when it went through', async () => {
    const key = await insert();
    await around.org.faults({ rowError: { object, message: 'Not this one.', fields: ['Name'] } });
    expect(await round()).toMatchObject({
      settled: 0,
      rejected: 1,
      reasons: [{ code: 'FIELD_CUSTOM_VALIDATION_EXCEPTION', field: 'Name', count: 1 }],
    });
    const open = () =>
      around.lender.rows(
        'select salesforce_id, row_key, field, reason from sfsync.rejected_record where resolved_at is null',
      );
    expect(await open()).toEqual([{ salesforce_id: null, row_key: key, field: 'Name', reason: 'Not this one.' }]);
    nextExecution();
    const idle = { object, trigger: 'changes', execution, batches: 0, fenced: true };
    expect(await collectChanges(idle)).toMatchObject({ next: 'end' });
    await receive(key);
    expect(await collectChanges(idle)).toMatchObject({ next: 'end' });

    await around.lender.rows(`update loan_applications set title = 'Better'`);
    await receive(key);
    await round();
    expect(await open()).toHaveLength(1);
    await around.org.faults({ rowError: false });
    await around.lender.rows(`update loan_applications set title = 'Best'`);
    await receive(key);
    nextExecution();
    await round();
    await expectPair(key);
    expect(await open()).toEqual([]);
  });

  test('is sent again when its reject is redriven', async () => {
    const key = await insert();
    await around.org.faults({ rowError: { object } });
    expect(await round()).toMatchObject({ rejected: 1 });
    await around.org.faults({ rowError: false });
    const given = { salesforceIds: [], rowKeys: [key] };
    expect(await takeUpAgain(await around.lender.session(), object, given)).toBe(1);
    nextExecution();
    await round();
    await expectPair(key);
  });

  test('leaves the others alone, linked ones too', async () => {
    const [good, bad] = [await insert(), await insert({ stage: 'x'.repeat(300) })];
    expect(await round()).toMatchObject({ settled: 1, rejected: 1 });
    expect(await recordsOf(good)).toHaveLength(1);
    expect(await recordsOf(bad)).toEqual([]);
  });
});

describe('a lookup', () => {
  const lenders = mappingOf(configuration, 'Account');

  test('whose parent has no record holds the row back until it has one', async () => {
    const [{ id: parent }] = (await around.lender.rows(`insert into lenders (name) values ('Bank') returning id`)) as [
      { id: string },
    ];
    const key = await insert({ lender_id: parent });
    const idle = { object, trigger: 'changes', execution, batches: 0, fenced: true };
    const reasons = [{ code: 'PARENT_WITHOUT_RECORD', field: 'AccountId', count: 1 }];
    expect(await collectChanges(idle)).toEqual({ next: 'report', rejected: 1, reasons });
    await receive(key);
    expect(await collectChanges(idle)).toEqual({ next: 'end', reason: 'nothing due' });
    expect(await around.lender.rows('select row_key, field, code from sfsync.rejected_record')).toEqual([
      { row_key: key, field: 'AccountId', code: 'PARENT_WITHOUT_RECORD' },
    ]);
    const { id = '' } = await around.org.connection.sobject('Account').create({ Name: 'Bank' });
    await around.lender.rows('update lenders set salesforce_id = $1', [id]);
    await receiveKeys({ session: await around.lender.session(), configuration, mapping: lenders }, [parent]);
    await round();
    await expectPair(key);
    expect(
      await around.org.connection.query(`select AccountId from Opportunity where External_Id__c = '${key}'`),
    ).toMatchObject({ records: [{ AccountId: id }] });
    expect(await around.lender.rows('select from sfsync.rejected_record where resolved_at is null')).toEqual([]);
  });
});

describe('a value of a linked row that cannot be sent', () => {
  const idle = () => ({ object, trigger: 'changes', execution, batches: 0, fenced: true });
  const open = () =>
    around.lender.rows('select row_key, field, code from sfsync.rejected_record where resolved_at is null');
  const linked = async (): Promise<string> => {
    const key = await insert({ amount: 5, term_months: 36 });
    await round();
    await expectPair(key);
    nextExecution();
    return key;
  };

  test('is reported once, stays listed while another field goes, and is listed no more when it is gone', async () => {
    const key = await linked();
    await around.lender.rows(`update loan_applications set amount = 'NaN'`);
    await receive(key);
    const reasons = [{ code: 'UNREADABLE_VALUE', field: 'Amount', count: 1, ids: [expect.any(String)] }];
    expect(await collectChanges(idle())).toEqual({ next: 'report', rejected: 1, reasons });
    await around.lender.rows(`update loan_applications set title = 'Other', term_months = null`);
    await receive(key);
    const collected = await decide();
    expect(collected).toMatchObject({ pushed: 1 });
    await settle(collected, await push(collected));
    const listed = [{ row_key: key, field: 'Amount', code: 'UNREADABLE_VALUE' }];
    expect(await open()).toEqual(listed);
    await around.lender.rows('update loan_applications set amount = 5');
    await receive(key);
    nextExecution();
    expect(await collectChanges(idle())).toMatchObject({ next: 'end' });
    expect(await open()).toEqual([]);
  });

  test('is also the lookup of a row that nothing will make a record of', async () => {
    const key = await linked();
    const [{ id }] = (await around.lender.rows(`insert into lenders (name) values ('Bank') returning id`)) as [
      { id: string },
    ];
    await around.lender.rows('update loan_applications set lender_id = $1', [id]);
    await receive(key);
    expect(await collectChanges(idle())).toMatchObject({ next: 'report', rejected: 1 });
    expect(await open()).toEqual([{ row_key: key, field: 'AccountId', code: 'PARENT_WITHOUT_RECORD' }]);
    await around.lender.rows('update loan_applications set lender_id = null');
    await receive(key);
    expect(await collectChanges(idle())).toMatchObject({ next: 'end' });
    expect(await open()).toEqual([]);
  });

  test('and one that Salesforce refused is listed no more when the row has its former value again', async () => {
    const key = await linked();
    await around.lender.rows(`update loan_applications set purposes = '{Nonsense}', amount = null`);
    await receive(key);
    expect(await round()).toMatchObject({ rejected: 1 });
    // The amount has gone without what was refused.
    await around.lender.rows('update loan_applications set purposes = null');
    await receive(key);
    nextExecution();
    expect(await collectChanges(idle())).toMatchObject({ next: 'end' });
    expect(await open()).toEqual([]);
    // Salesforce may think otherwise by now.
    await around.lender.rows(`update loan_applications set purposes = '{Nonsense}', term_months = null`);
    await receive(key);
    nextExecution();
    expect(await round()).toMatchObject({ rejected: 1 });
    expect(await open()).toHaveLength(1);
  });
});

describe('a field that vanished from Salesforce, where nothing but new rows is sent', () => {
  const vanished = (field: string) => [{ code: 'FIELD_VANISHED', field, count: 1 }];
  const hide = (field: string) => around.org.faults({ hiddenField: { object, field } });
  let ahead = 0;
  beforeEach(() => {
    // What is left out is forgotten after minutes.
    ahead += 10 * 60_000;
    const now = Date.now;
    vi.spyOn(Date, 'now').mockImplementation(() => now() + ahead);
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await around.org.faults({ hiddenField: null });
    await around.lender.rows('truncate sfsync.drift');
  });

  test('is left out of the record, and reported once; a row that was refused for it goes, too', async () => {
    await hide('Amount');
    const key = await insert({ amount: 1500 });
    const refused = JSON.stringify({ Name: 'x', Amount: '1' });
    const other = await insert({ title: 'Refused before', amount: 2 });
    await around.lender.rows(`update sfsync.insertion set dirty = false, refused = '${refused}' where row_key = $1`, [
      other,
    ]);
    const decided = await decide();
    expect(decided).toMatchObject({ pushed: 1, reasons: vanished('Amount') });
    expect(await around.lambda.lines(decided.updatesKey ?? '')).toMatchObject([{ fields: { Name: 'Bridge loan' } }]);
    expect(JSON.stringify(await around.lambda.lines(decided.updatesKey ?? ''))).not.toContain('Amount');
    expect(await settle(decided, await push(decided))).toMatchObject({ settled: 1, rejected: 0, reasons: [] });
    nextExecution();
    expect(await round()).toMatchObject({ settled: 1, rejected: 0, reasons: [] });
    expect((await links()).map(({ row_key }) => row_key).sort()).toEqual([key, other].sort());
  });

  test('and that vanishes between look and push: the row goes again without it, and is no reject', async () => {
    const key = await insert({ term_months: 36, title: 'Late' });
    const decided = await decide();
    await hide('Loan_Term_Months__c');
    expect(await settle(decided, await push(decided))).toMatchObject({
      settled: 0,
      rejected: 0,
      reasons: vanished('Loan_Term_Months__c'),
    });
    expect(await insertions()).toMatchObject([{ row_key: key, dirty: true, push_id: null, refused: null }]);
  });

  test('likewise of a record that was there', async () => {
    const key = await insert({ title: 'Was there', term_months: 36 });
    await round();
    const id = await expectPair(key);
    // A field that becomes null goes through the API.
    await around.lender.rows(
      `update loan_applications set title = 'Edited', amount = 7, term_months = null where id = $1`,
      [key],
    );
    await receive(key);
    nextExecution();
    const decided = await decide();
    await hide('Amount');
    const outcomes = decided.updatesKey === undefined ? [] : await push(decided);
    expect(outcomes).toHaveLength(1);
    expect(await settle(decided, outcomes)).toMatchObject({ rejected: 0, reasons: vanished('Amount') });
    nextExecution();
    expect(await round()).toMatchObject({ settled: 1, rejected: 0, reasons: [] });
    const found = await around.org.connection.sobject(object).retrieve(id);
    expect(found).toMatchObject({ Name: 'Edited', Loan_Term_Months__c: null });
  });
});
