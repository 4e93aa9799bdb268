/** What is sent of a push file, by which way, and which answers are kept. */
import { describe, expect, test } from 'vitest';
import { anyOutcome } from '../../../core/contracts/insertion-tasks.ts';
import { defineSync, mappingOf, number, text } from '../../../core/mapping/configuration.ts';
import { created, type StartedOrg, startedOrg } from '../../../packages/salesforce-simulator/test/started-org.ts';
import type { Log } from '../../../steps/log.ts';
import { endJobsOf } from '../../../steps/push/end-jobs.ts';
import { sendChanges } from '../../../steps/push/send-changes.ts';
import { sendDeletes } from '../../../steps/push/send-deletes.ts';
import { withTypes } from '../../../steps/push/type-check.ts';
import { accounts, createMany, deleteMany, opportunities, update } from '../../salesforce/records.ts';
import { MemoryBucket } from '../../support/system/memory-bucket.ts';
import { SILENT } from '../../support/system/steps.ts';

const PUSH = 'work/one/updates-one-0.jsonl';
const DEAL = { Name: 'Loan', StageName: 'Prospecting', CloseDate: '2031-05-31' };

/** A push file, whose lines are sent when it is asked for. */
function sending(org: StartedOrg, lines: readonly object[], { mapping = accounts, bulkAbove = 100, here = '' } = {}) {
  const bucket = new MemoryBucket();
  const logged: [string, unknown][] = [];
  const log: Log = { ...SILENT, info: (message, context) => void logged.push([message, context]) };
  const connection = Object.assign(org.connection, here === '' ? {} : { organizationId: here });
  const sender = { storage: bucket.storage, connection, log };
  const file = { mapping, pushKey: PUSH, notAfter: Date.now() + 60_000 };
  const outcomesOf = async (key: string) => await bucket.readLines(key, anyOutcome);
  return {
    bucket,
    logged,
    changes: async () => {
      await bucket.writeLines(PUSH, lines);
      return outcomesOf(await sendChanges(sender, file, bulkAbove));
    },
    deletes: async () => {
      await bucket.writeLines(PUSH, lines);
      return outcomesOf(await sendDeletes(sender, file));
    },
  };
}

describe('changes', () => {
  test('are updates, revives and new rows, and each has its answer', async () => {
    await using org = await startedOrg();
    const [one = '', two = ''] = await createMany(org, 'Opportunity', 2, () => DEAL);
    await deleteMany(org, [two]);
    const insert = { kind: 'insert', externalId: 'key', fields: DEAL };
    const lines = [update(one, { Name: 'One' }), insert, { id: two, kind: 'revive', fields: { Name: 'Two' } }];
    const { changes, logged } = sending(org, lines, { mapping: opportunities });
    expect(await changes()).toMatchObject([
      { id: one, outcome: 'accepted' },
      { id: two, outcome: 'accepted' },
      { externalId: 'key', outcome: 'accepted' },
    ]);
    const { records } = await org.connection.query('SELECT Name FROM Opportunity ORDER BY Name');
    expect(records.map(({ Name }) => Name)).toEqual(['Loan', 'One', 'Two']);
    const counts = { updatesAndRevives: 2, byBulk: 0, inserted: 1 };
    expect(logged).toEqual([['records pushed', { pushKey: PUSH, ...counts }]]);
    expect((await org.stats()).apiCalls.byKind).not.toHaveProperty('bulk');
  });

  test.for([
    [3, 0],
    [2, 3],
  ] as const)('of three records, where more than %i go by a job: so many do', async ([bulkAbove, byBulk]) => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 3);
    const { changes, logged } = sending(
      org,
      ids.map((id) => update(id, { Phone: '1' })),
      { bulkAbove },
    );
    expect((await changes()).map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted', 'accepted']);
    expect(logged).toMatchObject([['records pushed', { byBulk }]]);
    expect((await org.stats()).writes).toEqual({ Account: { update: 3 } });
  });

  test('that do not fit a job go by calls, and those of the job once', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 3);
    const [binned = ''] = await createMany(org, 'Account', 1);
    await deleteMany(org, [binned]);
    const lines = [
      { id: binned, kind: 'revive', fields: { Phone: '2' } },
      ...ids.map((id) => update(id, { Phone: '1' })),
    ];
    const { changes, logged } = sending(org, lines, { bulkAbove: 2 });
    expect((await changes()).map((line) => ('id' in line ? line.id : ''))).toEqual([binned, ...ids]);
    expect(logged).toMatchObject([['records pushed', { updatesAndRevives: 4, byBulk: 3 }]]);
    expect((await org.stats()).writes).toEqual({ Account: { undelete: 1, update: 4 } });
  });

  test('of which a job is under way when the call ends: the next one goes on with it, and knows nothing of the others', async () => {
    await using org = await startedOrg();
    const ids = await createMany(org, 'Account', 3);
    const [binned = ''] = await createMany(org, 'Account', 1);
    await deleteMany(org, [binned]);
    const lines = [
      { id: binned, kind: 'revive', fields: { Phone: '2' } },
      ...ids.map((id) => update(id, { Phone: '1' })),
    ];
    const { changes, bucket, logged } = sending(org, lines, { bulkAbove: 2 });
    const sent = await changes();
    expect(sent.map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted', 'accepted', 'accepted']);
    // As a call leaves it that has died after it made the job.
    const { records } = (await org.call('GET', '/jobs/ingest')).json as { records: { id: string }[] };
    await bucket.write('work/one/updates-one-0-begun', records[0]?.id ?? '');
    const again = await changes();
    expect(again).toEqual([{ id: binned, outcome: 'unknown' }, ...ids.map((id) => ({ id, outcome: 'accepted' }))]);
    expect(logged.at(-1)).toMatchObject(['push went on with its job', { pushKey: PUSH, byBulk: 3 }]);
    expect((await org.stats()).writes).toEqual({ Account: { undelete: 1, update: 4 } });
  });

  test('that were decided in another org are not sent, and may be once the secret is right again', async () => {
    await using org = await startedOrg();
    const [id = ''] = await createMany(org, 'Account', 1);
    const [decidedIn, elsewhere] = ['00D000000000001', '00D000000000002'];
    const lines = [{ ...update(id, { Phone: '1' }), org: decidedIn }];
    const { changes, bucket } = sending(org, lines, { here: elsewhere });
    const refused = expect.objectContaining({ code: 'OTHER_ORG', message: expect.stringContaining(elsewhere) });
    await expect(changes()).rejects.toEqual(refused);
    expect([...bucket.objects.keys()]).toEqual([PUSH]);
    expect((await org.stats()).writes).toEqual({});
    expect(await sending(org, lines, { here: decidedIn }).changes()).toEqual([{ id, outcome: 'accepted' }]);
  });
});

describe('deletes', () => {
  test('go to the recycle bin, purges out of it, and nothing else is sent', async () => {
    await using org = await startedOrg();
    const [one = '', two = '', three = ''] = await createMany(org, 'Account', 3);
    await deleteMany(org, [two]);
    const lines = [
      { id: one, kind: 'delete', fields: {} },
      { id: two, kind: 'purge', fields: {} },
      update(three, { Phone: '1' }),
    ];
    const { deletes, logged } = sending(org, lines);
    expect(await deletes()).toEqual([
      { id: one, outcome: 'accepted' },
      { id: two, outcome: 'accepted' },
    ]);
    expect(logged).toEqual([['records deleted', { pushKey: PUSH, records: 1, purged: 1 }]]);
    expect((await org.stats()).writes).toEqual({ Account: { delete: 1, hardDelete: 1 } });
  });

  test('that were decided in another org are not sent', async () => {
    await using org = await startedOrg();
    const lines = [
      { id: await created(org, 'Account', { Name: 'A' }), kind: 'delete', fields: {}, org: '00D000000000001' },
    ];
    await expect(sending(org, lines, { here: '00D000000000002' }).deletes()).rejects.toMatchObject({
      code: 'OTHER_ORG',
    });
  });
});

describe('refusals that may mean another type of a field', () => {
  const ID = '001000000000001AAA';
  const mapping = mappingOf(
    defineSync({
      objects: { Account: { table: 'lenders', fields: { Name: text('name'), Phone: number('phone') } } },
    }),
    'Account',
  );
  const refusal = { id: ID, outcome: 'refused' as const, code: 'INVALID_TYPE_ON_FIELD_IN_RECORD' };
  const lines = [update(ID, { Phone: '1' }), { kind: 'insert' as const, externalId: ID, fields: { Name: 'N' } }];
  const target = (org: StartedOrg) => ({ connection: org.connection, mapping, notAfter: 0, sent: { any: true } });

  test('have the types of the fields that were sent of them, and others have none', async () => {
    await using org = await startedOrg();
    const accepted = { externalId: ID, outcome: 'accepted' as const };
    const [refused, other] = await withTypes(target(org), lines, [refusal, accepted], SILENT);
    expect(refused).toEqual({ ...refusal, types: { Phone: expect.stringContaining('is a phone in Salesforce') } });
    expect(other).toEqual(accepted);
  });

  test.for([
    ['of another code', { ...refusal, code: 'REQUIRED_FIELD_MISSING' }],
    ['of no code', { id: ID, outcome: 'refused' as const }],
    ['of what was not refused', { ...refusal, outcome: 'not applied' as const }],
  ] as const)('%s: Salesforce is not asked', async ([, outcome]) => {
    const nowhere = {
      connection: {} as never,
      mapping: { ...mapping, object: 'Nothing' },
      notAfter: 0,
      sent: { any: true },
    };
    expect(await withTypes(nowhere, lines, [outcome], SILENT)).toEqual([outcome]);
  });

  test('stand as they are where Salesforce cannot be asked', async () => {
    const warned: unknown[] = [];
    const log = { ...SILENT, warn: (_: string, context?: object) => void warned.push(context) };
    const failing = (error: Error) => ({
      connection: {
        describe: () => Promise.reject(error),
        request: () => Promise.reject(error),
        query: () => Promise.reject(error),
      } as never,
      mapping: { ...mapping, object: 'Away' },
      notAfter: 0,
      sent: { any: true },
    });
    const away = failing(Object.assign(new Error('away'), { code: 'ECONNREFUSED' }));
    expect(await withTypes(away, lines, [refusal], log)).toEqual([refusal]);
    expect(warned).toEqual([{ code: expect.any(String) }]);
  });
});

describe('Bulk jobs of a push whose execution is gone', () => {
  test('are ended, also those of what was pushed again, before its records are read', async () => {
    await using org = await startedOrg();
    const job = async () => {
      const asked = { object: 'Account', operation: 'update', contentType: 'CSV', lineEnding: 'LF' };
      return ((await org.call('POST', '/jobs/ingest', asked)).json as { id: string }).id;
    };
    const [first, again, others] = [await job(), await job(), await job()];
    const bucket = new MemoryBucket([
      ['work/one/updates-one-0-begun', first],
      ['work/one/push-again-one-0-1-begun', again],
      ['work/one/push-again-one-0-1.jsonl', others],
      ['work/one/push-again-one-0-2-begun', 'begun'],
      ['work/one/updates-one-1-begun', others],
    ]);
    await endJobsOf(bucket.storage, org.connection, 'one-0');
    const state = async (id: string) => ((await org.call('GET', `/jobs/ingest/${id}`)).json as { state: string }).state;
    expect([await state(first), await state(again), await state(others)]).toEqual(['Aborted', 'Aborted', 'Open']);
  });
});
