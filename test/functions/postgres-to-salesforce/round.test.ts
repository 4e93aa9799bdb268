/** One batch from the row to Salesforce and back, through every Lambda of the machine in its order. */
import { beforeEach, describe, expect, test } from 'vitest';
import { mappingOf } from '../../../core/mapping/configuration.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import { readRecords } from '../../../salesforce/read.ts';
import { applyVersions } from '../../../steps/apply.ts';
import { createMany } from '../../salesforce/records.ts';
import { contextOf } from '../../support/system/steps.ts';
import { type Decided, lambdas, type Settled, useSurroundings } from '../lambdas.ts';

const around = useSurroundings();
const { collectChanges, readSalesforce, decideChanges, pushRecords, deleteRecords, settleBatch } = lambdas();

const object = 'Account';
const mapping = mappingOf(configuration, object);
let rounds = 0;
let execution: string;
const folder = () => execution.slice(execution.lastIndexOf(':') + 1);

beforeEach(async () => {
  await around.lender.rows(`truncate lenders, borrowers, loan_applications, sfsync.link, sfsync.lease, sfsync.conflict,
              sfsync.rejected_record, sfsync.tombstone`);
  await around.org.faults({ rowError: false, lostReply: false });
  execution = `arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:round-${++rounds}`;
});

/** Creates records in the org and applies them, so that both sides agree; then forgets what was counted. */
async function agreed(...records: readonly Record<string, unknown>[]): Promise<string[]> {
  const results = await around.org.connection.sobject(object).create(records.map((each) => ({ Phone: 'b', ...each })));
  const ids = results.map(({ id }) => id ?? '');
  const found = await readRecords(around.org.connection, mapping, ids);
  const lines = ids.flatMap((id, i) => {
    const version = found.get(id)?.version;
    return version === undefined ? [] : [{ line: i + 1, version }];
  });
  await applyVersions(
    contextOf(await around.lender.session(), configuration, object),
    'f',
    lines,
    Date.UTC(2030, 0, 1),
  );
  await around.org.call('POST', '~/_simulator/stats/reset');
  return ids;
}

/** The application changes rows: their links become due as RECEIVE would make them. */
async function application(sql: string): Promise<void> {
  await around.lender.rows(`${sql}; update sfsync.link set dirty = true, dirty_since = now()`);
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

async function settle(
  { batchId, pushedKey }: Decided,
  outcomesKeys: readonly string[],
  more: { flowFailures?: number; attempt?: number } = {},
): Promise<Settled> {
  const read = await readSalesforce({ object, recordsKey: pushedKey, execution: folder() });
  const { versionsKey, readAt } = read;
  return settleBatch({ object, execution, batchId, versionsKey, readAt, outcomesKeys, attempt: 1, ...more });
}

const calls = async () => (await around.org.stats()).apiCalls.byKind;
const links = () => around.lender.rows('select dirty, push_id, base_deleted from sfsync.link order by salesforce_id');
const CLEAN = { dirty: false, push_id: null, base_deleted: false };

describe('through the API', () => {
  test('a value that becomes null is cleared, and both sides agree', async () => {
    const [id = ''] = await agreed({ Name: 'Acme' });
    await application('update lenders set phone = null');
    const decided = await decide();
    expect(decided).toMatchObject({ pushed: 1, conflicts: 0, circuitClosed: false });
    expect(decided).not.toHaveProperty('csvKey');
    expect(await around.lambda.lines(decided.updatesKey ?? '')).toMatchObject([
      { id, kind: 'update', fields: { Phone: null } },
    ]);
    const deadline = Date.parse(decided.notAfter) - Date.now();
    expect(Math.abs(deadline - configuration.settings.pushDeadlineSeconds * 1000)).toBeLessThan(10_000);

    const outcomes = await push(decided);
    expect(await around.lambda.lines(outcomes[0] ?? '')).toEqual([{ id, outcome: 'accepted' }]);
    expect(await settle(decided, outcomes)).toMatchObject({ settled: 1, rejected: 0, conflicts: 0, reasons: [] });
    expect(await around.org.connection.sobject(object).retrieve(id)).toMatchObject({ Name: 'Acme', Phone: null });
    expect(await links()).toEqual([CLEAN]);
    expect(await calls()).toMatchObject({ collections: 1, retrieve: 2 });
    expect((await around.org.stats()).writes).toEqual({ Account: { update: 1 } });
  });

  test('a row that is deleted takes its record to the recycle bin; one that comes back brings it back', async () => {
    const [id = ''] = await agreed({ Name: 'Acme' });
    await around.lender.rows('create temp table kept as select * from lenders');
    await application('delete from lenders');
    const deleted = await decide();
    expect(await around.lambda.lines(deleted.deletesKey ?? '')).toMatchObject([{ id, kind: 'delete', fields: {} }]);
    expect(await settle(deleted, await push(deleted))).toMatchObject({ settled: 1 });
    expect(await links()).toEqual([{ ...CLEAN, base_deleted: true }]);
    expect((await around.org.stats()).writes).toEqual({ Account: { delete: 1 } });

    await application(`insert into lenders select * from kept; drop table kept; update lenders set phone = 'p'`);
    execution = `${execution}-again`;
    const revived = await decide();
    expect(await around.lambda.lines(revived.updatesKey ?? '')).toMatchObject([
      { id, kind: 'revive', fields: { Phone: 'p' } },
    ]);
    expect(await settle(revived, await push(revived))).toMatchObject({ settled: 1, conflicts: 0 });
    expect(await around.org.connection.sobject(object).retrieve(id)).toMatchObject({ IsDeleted: false, Phone: 'p' });
    expect(await links()).toEqual([CLEAN]);
  });

  test('what a person changed a moment ago is merged: no write, no conflict where the fields differ', async () => {
    const [id = ''] = await agreed({ Name: 'Acme' });
    await application('update lenders set phone = null');
    await around.org.connection.sobject(object).update({ Id: id, Website: 's' });
    const decided = await decide();
    await settle(decided, await push(decided));
    expect(await around.org.connection.sobject(object).retrieve(id)).toMatchObject({ Phone: null, Website: 's' });
    expect(await around.lender.rows('select phone, website from lenders')).toEqual([{ phone: null, website: 's' }]);
    expect(await around.lender.rows('select from sfsync.conflict')).toEqual([]);
  });

  test('an edit that Salesforce has already is done without a push', async () => {
    const [id = ''] = await agreed({ Name: 'Acme' });
    await application('update lenders set phone = null');
    await around.org.connection.sobject(object).update({ Id: id, Phone: null });
    expect(await decide()).toMatchObject({ pushed: 0 });
    expect(await links()).toEqual([CLEAN]);
  });

  test('a refused record is listed with Salesforce’s reason, reported by code, and the others go through', async () => {
    const [good = '', bad = ''] = await agreed({ Name: 'Good' }, { Name: 'Bad' });
    await application('update lenders set phone = null');
    await around.org.faults({ rowError: { ids: [bad], message: 'Not Bad, please.', fields: ['Phone'] } });
    const decided = await decide();
    expect(await settle(decided, await push(decided))).toMatchObject({
      settled: 2,
      rejected: 1,
      reasons: [{ code: 'FIELD_CUSTOM_VALIDATION_EXCEPTION', field: 'Phone', count: 1 }],
    });
    expect(await around.lender.rows('select salesforce_id, field, reason from sfsync.rejected_record')).toEqual([
      { salesforce_id: bad, field: 'Phone', reason: 'Not Bad, please.' },
    ]);
    expect(await around.org.connection.sobject(object).retrieve(good)).toMatchObject({ Phone: null });
    expect(await links()).toEqual([CLEAN, CLEAN]);
  });

  test('a lost answer leaves the push open', async () => {
    await agreed({ Name: 'Acme' });
    await application('update lenders set phone = null');
    const decided = await decide();
    await around.org.faults({ lostReply: { kinds: ['collections'] } });
    expect(await settle(decided, await push(decided))).toMatchObject({ settled: 0, rejected: 0 });
    expect(await links()).toEqual([{ ...CLEAN, push_id: decided.batchId }]);
  });

  test('a link that has changed since the read-back began is read back again', async () => {
    const [id = ''] = await agreed({ Name: 'Acme' });
    await application('update lenders set phone = null');
    const decided = await decide();
    const outcomes = await push(decided);
    await around.lender.rows('update sfsync.link set revision = revision + 1');
    const first = await settle(decided, outcomes);
    expect(first).toMatchObject({ settled: 0, readAgainKey: `work/${folder()}/read-again-${decided.batchId}-1.jsonl` });
    expect(await around.lambda.lines(first.readAgainKey ?? '')).toEqual([{ id, revision: expect.any(Number) }]);
    const again = { ...decided, pushedKey: first.readAgainKey ?? '' };
    expect(await settle(again, outcomes, { attempt: 2 })).toMatchObject({ settled: 1 });
  });
});

describe('through AppFlow', () => {
  test('the CSV lies alone under the flow’s prefix, holds whole rows, and is archived when the run is over', async () => {
    const [id = ''] = await agreed({ Name: 'Müller, "Sons"', Website: 'w', AnnualRevenue: 100, Description: 'a\nb' });
    await application(`update lenders set phone = 'p'`);
    const decided = await decide();
    expect(decided).toMatchObject({ pushed: 1, csvKey: `outbound/Account.d/${decided.batchId}.csv` });
    expect(decided).not.toHaveProperty('updatesKey');
    expect(await around.lambda.keys('outbound/')).toEqual([decided.csvKey]);
    const names = 'Id,Name,Phone,Website,Industry,AnnualRevenue,NumberOfEmployees,Description';
    expect(await around.lambda.text(decided.csvKey ?? '')).toBe(
      `${names}\n${id},"Müller, ""Sons""",p,w,,100,,"a\nb"\n`,
    );

    await around.org.connection.sobject(object).update({ Id: id, Phone: 'p' });
    expect(await settle(decided, [], { flowFailures: 0 })).toMatchObject({ settled: 1, conflicts: 0 });
    expect(await around.lambda.keys('outbound/')).toEqual([]);
    expect(await around.lambda.keys('archive/')).toContain(`archive/Account/${decided.batchId}.csv`);
    expect(await links()).toEqual([CLEAN]);
  });

  test('rows that a run may have failed to put go once more through the API', async () => {
    const [put = '', failed = ''] = await agreed({ Name: 'Put' }, { Name: 'Failed' });
    await application(`update lenders set phone = 'p'`);
    const decided = await decide();
    await around.org.connection.sobject(object).update({ Id: put, Phone: 'p' });
    const first = await settle(decided, [], { flowFailures: 1 });
    expect(first).toMatchObject({ settled: 1, rejected: 0 });
    expect(await around.lambda.lines(first.pushAgainKey ?? '')).toMatchObject([
      { id: failed, kind: 'update', fields: { Phone: 'p' } },
    ]);
    const { pushAgainKey = '', pushedAgainKey = '', notAfter = '' } = first;
    const outcomes = await push({ ...decided, updatesKey: pushAgainKey, notAfter });
    const again = { ...decided, pushedKey: pushedAgainKey };
    expect(await settle(again, outcomes, { flowFailures: 1, attempt: 2 })).toMatchObject({ settled: 1 });
    expect(await around.org.connection.sobject(object).retrieve(failed)).toMatchObject({ Phone: 'p' });
    expect(await links()).toEqual([CLEAN, CLEAN]);
  });
});

test('the circuit is closed by the batch that went through, so that the operator is notified once', async () => {
  await agreed({ Name: 'Acme' });
  await application('update lenders set phone = null');
  const batch = await collectChanges({ object, trigger: 'changes', execution, batches: 0, fenced: true });
  await around.lender.rows(`update sfsync.lease set circuit = 'open'`);
  const { recordsKey, batchId } = batch;
  const { versionsKey, readAt } = await readSalesforce({ object, recordsKey, execution: folder() });
  const decided = await decideChanges({ object, execution, batchId, versionsKey, readAt });
  expect(decided.circuitClosed).toBe(false);
  expect(await around.lender.rows('select circuit from sfsync.lease')).toEqual([{ circuit: 'open' }]);
  expect(await settle(decided, await push(decided))).toMatchObject({ settled: 1, circuitClosed: true });
  expect(await around.lender.rows('select circuit from sfsync.lease')).toEqual([{ circuit: 'closed' }]);

  await application('update lenders set phone = null');
  await around.lender.rows(`update sfsync.lease set circuit = 'open'; update sfsync.link set reread_due = true`);
  const collected = await collectChanges({ object, trigger: 'schedule', execution, batches: 0, fenced: true });
  const look = await readSalesforce({ object, recordsKey: collected.recordsKey, execution: folder() });
  const again = { object, execution, batchId: collected.batchId, versionsKey: look.versionsKey, readAt: look.readAt };
  expect(await decideChanges(again)).toMatchObject({ pushed: 0, circuitClosed: true });
});

test('an execution that has lost its lease writes nothing', async () => {
  await agreed({ Name: 'Acme' });
  await application('update lenders set phone = null');
  const decided = await decide();
  const outcomes = await push(decided);
  await around.lender.rows(`update sfsync.lease set execution = 'another'`);
  await expect(settle(decided, outcomes)).rejects.toMatchObject({ name: 'LeaseLostError', code: 'LEASE_LOST' });
  expect(await links()).toEqual([{ ...CLEAN, push_id: decided.batchId }]);
});

test('2,001 updates go as one Bulk job; a call that is repeated goes on with it', async () => {
  const ids = await createMany(around.org, object, 2001);
  const pushKey = 'work/many/updates-many-0.jsonl';
  const lines = ids.map((id, i) => ({ id, kind: 'update', fields: { Phone: `${i}` } }));
  await around.lambda.put(pushKey, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const event = { object, pushKey, notAfter: new Date(Date.now() + 60_000).toISOString(), execution: 'many' };
  const { outcomesKey } = await pushRecords(event);
  const outcomes = await around.lambda.lines(outcomesKey);
  expect([outcomes.length, new Set(outcomes.map((line) => Object(line).outcome))]).toEqual([
    2001,
    new Set(['accepted']),
  ]);
  const { apiCalls, writes } = await around.org.stats();
  expect([writes, apiCalls.byKind.collections]).toEqual([{ Account: { update: 2001 } }, undefined]);
  expect(apiCalls.total).toBeLessThan(20);

  const { json } = await around.org.call('GET', '/jobs/ingest');
  const [job] = (json as { records: { id: string }[] }).records;
  await around.lambda.put(pushKey.replace('.jsonl', '-begun'), job?.id ?? '');
  await around.lambda.put(pushKey.replace('.jsonl', '-outcomes.jsonl'), '');
  expect(await around.lambda.lines((await pushRecords(event)).outcomesKey)).toEqual(outcomes);
  expect((await around.org.stats()).writes).toEqual({ Account: { update: 2001 } });
});

describe('of a push whose execution is gone', () => {
  test('the Bulk job is ended before its records are looked at, and never lands', async () => {
    const [id = ''] = await agreed({ Name: 'Acme' });
    await application('update lenders set phone = null');
    const decided = await decide();
    const { json } = await around.org.call('POST', '/jobs/ingest', { object, operation: 'update' });
    const { id: jobId } = json as { id: string };
    await around.org.call('PUT', `/jobs/ingest/${jobId}/batches`, `Id,Phone\n${id},#N/A\n`, {
      'Content-Type': 'text/csv',
    });
    await around.org.faults({ slowBulkJobs: { seconds: 60 } });
    await around.org.call('PATCH', `/jobs/ingest/${jobId}`, { state: 'UploadComplete' });
    await around.lambda.put((decided.updatesKey ?? '').replace('.jsonl', '-begun'), jobId);

    execution = `${execution}-later`;
    await around.lender.rows(`delete from sfsync.lease; update sfsync.link set sent_at = now() - interval '1 day'`);
    const later = await decide();
    expect(later.batchId).not.toBe(decided.batchId);
    const state = async () => ((await around.org.call('GET', `/jobs/ingest/${jobId}`)).json as { state: string }).state;
    expect(await state()).toBe('Aborted');
    expect(await around.org.connection.sobject(object).retrieve(id)).toMatchObject({ Phone: 'b' });
    await settle(later, await push(later));
    expect(await around.org.connection.sobject(object).retrieve(id)).toMatchObject({ Phone: null });
    expect((await around.org.stats()).writes).toEqual({ Account: { update: 1 } });
    expect(await links()).toEqual([CLEAN]);
  });
});

test('a look that leaves less than the reserve of the API calls says so, and others may use it', async () => {
  const [id = ''] = await agreed({ Name: 'Acme' });
  await around.lambda.put('work/reserve/records.jsonl', `${JSON.stringify({ id, revision: 1 })}\n`);
  const look = { object, recordsKey: 'work/reserve/records.jsonl', execution: 'reserve' };
  await around.org.call('POST', '~/_simulator/actions', { apiUsage: { used: 95_000, allowed: 100_000 } });
  const kept = readSalesforce({ ...look, keepReserve: true });
  await expect(kept).rejects.toMatchObject({ name: 'RetryableError', code: 'API_CALLS_USED_UP' });
  expect(await readSalesforce(look)).toMatchObject({ records: 1 });
  await around.org.call('POST', '~/_simulator/actions', { apiUsage: { used: 0 } });
  expect(await readSalesforce({ ...look, keepReserve: true })).toMatchObject({ records: 1 });
});

describe('a call that is made once more, for its answer was lost or it died,', () => {
  test('sends nothing and answers as before', async () => {
    const [id = ''] = await agreed({ Name: 'Acme' });
    await application('update lenders set phone = null');
    const decided = await decide();
    const outcomes = await push(decided);
    await around.org.connection.sobject(object).update({ Id: id, Phone: 'of a person' });
    expect(await push(decided)).toEqual(outcomes);
    expect(await around.org.connection.sobject(object).retrieve(id)).toMatchObject({ Phone: 'of a person' });
    expect(await settle(decided, outcomes)).toMatchObject({ settled: 1 });
    expect(await around.lender.rows('select phone from lenders')).toEqual([{ phone: 'of a person' }]);
  });

  test('sends nothing also where no outcome was written down: the push stays open until it is fenced', async () => {
    await agreed({ Name: 'Acme' });
    await application('update lenders set phone = null');
    const decided = await decide();
    await around.lambda.put((decided.updatesKey ?? '').replace('.jsonl', '-begun'), 'begun');
    const outcomes = await push(decided);
    expect(await around.lambda.lines(outcomes[0] ?? '')).toMatchObject([{ outcome: 'unknown' }]);
    expect((await around.org.stats()).writes).toEqual({});
    await settle(decided, outcomes);
    expect(await links()).toEqual([{ ...CLEAN, push_id: decided.batchId }]);
  });

  test('sends when nothing was sent before', async () => {
    await agreed({ Name: 'Acme' });
    await application('update lenders set phone = null');
    const decided = await decide();
    await around.org.faults({ requestLimitExceeded: {} });
    await expect(push(decided)).rejects.toMatchObject({ name: 'RetryableError', code: 'REQUEST_LIMIT_EXCEEDED' });
    await around.org.faults({ requestLimitExceeded: false });
    expect(await settle(decided, await push(decided))).toMatchObject({ settled: 1 });
    expect((await around.org.stats()).writes).toEqual({ Account: { update: 1 } });
  });
});

test('a push after its deadline, as after a late redrive, sends nothing', async () => {
  await agreed({ Name: 'Acme' });
  await application('update lenders set phone = null');
  const decided = await decide();
  const outcomes = await push({ ...decided, notAfter: new Date(Date.now() - 1000).toISOString() });
  expect(await around.lambda.lines(outcomes[0] ?? '')).toMatchObject([{ outcome: 'not applied' }]);
  expect((await around.org.stats()).writes).toEqual({});
});
