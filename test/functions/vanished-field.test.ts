/** A field of the mapping that Salesforce no longer tells: everything else goes on, in both directions, and people hear of it once. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { mappingOf } from '../../core/configuration.ts';
import { messageOf } from '../../core/notice.ts';
import configuration from '../../sync.config.ts';
import type { StartedOrg } from '../local/org-simulator/started-org.ts';
import type { LenderDatabase } from '../support/lender-database.ts';
import {
  addDatabase,
  addOrg,
  invocation,
  type LambdaEnvironment,
  startLambdaEnvironment,
} from './lambda-environment.ts';

interface Applied {
  readonly inserted: number;
  readonly updated: number;
  readonly rejected: number;
  readonly reasons: { code: string; field?: string; count: number }[];
  readonly due: boolean;
  readonly rereadKey?: string;
}
interface Decided {
  readonly pushed: number;
  readonly pushedKey?: string;
  readonly csvKey?: string;
  readonly updatesKey?: string;
  readonly notAfter: string;
  readonly batchId: string;
  readonly reasons: Applied['reasons'];
}
type Call<Output> = (event: object) => Promise<Output>;

let lambda: LambdaEnvironment;
let lender: LenderDatabase;
let org: StartedOrg;
let mapRecords: Call<{ mappedKey: string }>;
let applyRecords: Call<Applied>;
let readSalesforce: Call<{ versionsKey: string; readAt: string }>;
let collectChanges: Call<{ next: string; batchId: string; recordsKey: string }>;
let decideChanges: Call<Decided>;
let pushRecords: Call<{ outcomesKey: string }>;
let settleBatch: Call<{ settled: number; rejected: number; reasons: Applied['reasons'] }>;

beforeAll(async () => {
  lambda = await startLambdaEnvironment();
  lender = await addDatabase(lambda);
  org = await addOrg(lambda);
  mapRecords = invocation(await import('../../functions/salesforce-to-postgres/map-records.ts'));
  applyRecords = invocation(await import('../../functions/salesforce-to-postgres/apply-records.ts'));
  readSalesforce = invocation(await import('../../functions/read-salesforce.ts'));
  collectChanges = invocation(await import('../../functions/postgres-to-salesforce/collect-changes.ts'));
  decideChanges = invocation(await import('../../functions/postgres-to-salesforce/decide-changes.ts'));
  pushRecords = invocation(await import('../../functions/postgres-to-salesforce/push-records.ts'));
  settleBatch = invocation(await import('../../functions/postgres-to-salesforce/settle-batch.ts'));
});
afterAll(async () => {
  await org[Symbol.asyncDispose]();
  await lender[Symbol.asyncDispose]();
  await lambda[Symbol.asyncDispose]();
});
let clockAhead = 0;
beforeEach(() => {
  // What is left out is forgotten after minutes: each test begins later than the one before ended.
  clockAhead += 10 * 60_000;
  const now = Date.now;
  vi.spyOn(Date, 'now').mockImplementation(() => now() + clockAhead);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await org.faults({ hiddenField: null });
});

const object = 'Account';
const GONE = 'Website';
const VANISHED = [{ code: 'FIELD_VANISHED', field: GONE, count: 1 }];
const rows = async (sql: string) => (await lender.application.query(sql)).rows;
let files = 0;

/** What AppFlow writes of the record now: with the fields that the org tells. */
async function file(id: string, left: readonly string[] = []): Promise<Applied> {
  const fields = mappingOf(configuration, object)
    .fields.map(({ field }) => field)
    .filter((field) => !left.includes(field));
  const found = await org.connection.query(
    `SELECT Id, IsDeleted, SystemModstamp, ${fields.join(', ')} FROM ${object} WHERE Id = '${id}'`,
  );
  const [{ attributes: _, ...record } = { attributes: undefined }] = found.records;
  files += 1;
  const source = `salesforce/Account/flow/run-${files}/0`;
  const size = await lambda.put(source, `${JSON.stringify(record)}\n`);
  const range = { start: 0, end: size, firstLine: 1 };
  const execution = `file-${files}`;
  const { mappedKey } = await mapRecords({ bucket: lambda.bucket, key: source, object, range, execution });
  const putAt = new Date(Date.now() + 24 * 3_600_000).toISOString();
  const applied = await applyRecords({ from: 'file', object, mappedKey, source, putAt, execution });
  if (applied.rereadKey === undefined) return applied;
  const read = await readSalesforce({ object, recordsKey: applied.rereadKey, execution });
  return applyRecords({ from: 'reread', object, ...pick(read), source, execution, attempt: 1 });
}

function pick({ versionsKey, readAt }: { versionsKey: string; readAt: string }) {
  return { versionsKey, readAt };
}

async function edit(id: string, fields: Readonly<Record<string, unknown>>): Promise<void> {
  // Stamps have a second: a later one tells the versions apart.
  clockAhead += 2000;
  await org.connection.sobject(object).update({ Id: id, ...fields });
}

let rounds = 0;
/** One round of the outbound pipeline for what is due. */
async function round() {
  const execution = `arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:vanished-${++rounds}`;
  const folder = `vanished-${rounds}`;
  const { next, recordsKey, batchId } = await collectChanges({
    object,
    trigger: 'changes',
    execution,
    batches: 0,
    fenced: true,
  });
  if (next !== 'push') return { next };
  const look = await readSalesforce({ object, recordsKey, execution: folder });
  const decided = await decideChanges({ object, execution, batchId, ...pick(look) });
  if (decided.updatesKey === undefined) return { next, decided };
  const { updatesKey: pushKey, notAfter, pushedKey } = decided;
  const { outcomesKey } = await pushRecords({ object, pushKey, notAfter, execution: folder });
  const back = await readSalesforce({ object, recordsKey: pushedKey, execution: folder });
  const settled = await settleBatch({
    object,
    execution,
    batchId,
    ...pick(back),
    outcomesKeys: [outcomesKey],
    attempt: 1,
  });
  return { next, decided, settled };
}

async function agreedAccount(): Promise<string> {
  await rows(
    `truncate lenders, borrowers, loan_applications, sfsync.link, sfsync.drift, sfsync.rejected_record, sfsync.lease`,
  );
  const { id = '' } = await org.connection.sobject(object).create({ Name: 'Acme', Phone: '1', Website: 'w' });
  expect(await file(id)).toMatchObject({ inserted: 1, due: false });
  return id;
}

describe('a field that Salesforce no longer tells', () => {
  test('is left out of reads and merges; people are told once, with the change to make', async () => {
    const id = await agreedAccount();
    await org.faults({ hiddenField: { object, field: GONE } });
    await edit(id, { Phone: '2' });
    expect(await file(id, [GONE])).toMatchObject({ updated: 1, rejected: 0, due: false, reasons: VANISHED });
    expect(await rows('select phone, website from lenders')).toEqual([{ phone: '2', website: 'w' }]);
    expect(await rows('select object, field, closed_at from sfsync.drift')).toEqual([
      { object, field: GONE, closed_at: null },
    ]);

    // A file without it is complete from now on, and is not read again.
    await edit(id, { Phone: '3' });
    expect(await file(id, [GONE])).toMatchObject({ updated: 1, due: false, reasons: [] });
    expect(await rows('select phone, website from lenders')).toEqual([{ phone: '3', website: 'w' }]);

    const notice = { about: 'file', object, key: 'k', execution: 'e', rejected: 0, conflicts: 0 } as const;
    const { subject, text } = messageOf({ ...notice, reasons: VANISHED });
    expect(subject).toBe('sfsync: 1 mapped field of Account vanished from Salesforce');
    expect(text).toContain('Account.Website');
    expect(text).toMatch(/read access .* or take the field out of sync\.config\.ts/);
    const mixed = messageOf({
      ...notice,
      rejected: 1,
      reasons: [{ code: '23502', field: 'Name', count: 1 }, ...VANISHED],
    });
    expect(mixed.subject).toBe('sfsync: 1 rejected record from Salesforce (Account)');
    expect(mixed.text).toContain('Account.Website');
  });

  test('is not sent, also when the application edits it; other edits of the row are', async () => {
    const id = await agreedAccount();
    await org.faults({ hiddenField: { object, field: GONE } });
    await rows(
      `update lenders set phone = 'ours', website = 'ours'; update sfsync.link set dirty = true, dirty_since = now()`,
    );
    const { decided, settled } = await round();
    expect(decided).toMatchObject({ pushed: 1, reasons: VANISHED });
    expect(decided).not.toHaveProperty('csvKey');
    expect(settled).toMatchObject({ settled: 1, rejected: 0, reasons: [] });
    expect(await org.connection.sobject(object).retrieve(id)).toMatchObject({ Phone: 'ours' });
    expect(await round()).toEqual({ next: 'end' });

    // It is given back: what was edited meanwhile goes across.
    await org.faults({ hiddenField: null });
    clockAhead += 10 * 60_000;
    await rows(`update lenders set phone = 'ours again'; update sfsync.link set dirty = true, dirty_since = now()`);
    const { decided: after } = await round();
    expect(await lambda.text(after?.csvKey ?? '')).toContain('Acme,ours again,ours,');
    expect(await rows('select closed_at is not null as closed from sfsync.drift')).toEqual([{ closed: true }]);
  });

  test('and is back: a file tells it, and what Salesforce held meanwhile arrives for all records', async () => {
    const [id, other] = [
      await agreedAccount(),
      (await org.connection.sobject(object).create({ Name: 'Other' })).id ?? '',
    ];
    await file(other);
    await org.faults({ hiddenField: { object, field: GONE } });
    await edit(id, { Phone: '2' });
    await file(id, [GONE]);
    await org.faults({ hiddenField: null });
    await edit(other, { Website: 'meanwhile' });
    await rows(`update sfsync.link set high_water = now() + interval '1 day' where salesforce_id = '${other}'`);
    clockAhead += 10 * 60_000;
    await edit(id, { Website: 'new' });
    await rows(`update sfsync.link set reread_due = true where salesforce_id = '${id}'`);
    await round();
    await round();
    expect(await rows('select website from lenders order by name')).toEqual([
      { website: 'new' },
      { website: 'meanwhile' },
    ]);
    expect(await rows('select from sfsync.drift where closed_at is null')).toEqual([]);
  });
});
