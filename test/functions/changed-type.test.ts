/**
 * A field whose type an administrator has changed in Salesforce: it is left out, everything else goes on, and the
 * operator is notified once.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { messageOf } from '../../core/contracts/notice.ts';
import { type DriftingAccount, startDriftingAccount } from './drifting-account.ts';

let account: DriftingAccount;
beforeAll(async () => {
  account = await startDriftingAccount();
});
afterAll(() => account[Symbol.asyncDispose]());
beforeEach(() => {
  // Salesforce is asked for types again after minutes: each test begins later than the one before ended.
  account.ahead += 10 * 60_000;
  const now = Date.now;
  vi.spyOn(Date, 'now').mockImplementation(() => now() + account.ahead);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await account.org.faults({ changedField: null, rowError: null });
});

const object = 'Account';
const CHANGED = 'NumberOfEmployees';
const CHANGED_TYPE = {
  code: 'FIELD_TYPE_CHANGED',
  field: CHANGED,
  count: 1,
  change: 'is a string in Salesforce and mapped as number; map it as text, with a column to match',
};
const REJECTED = { code: 'UNREADABLE_VALUE', field: CHANGED, count: 1, ids: [expect.any(String)] };
const makeText = () => account.org.faults({ changedField: { object, field: CHANGED, type: 'string', length: 40 } });
const describes = async () => (await account.org.stats()).apiCalls.byKind.describe ?? 0;
const rows = () => account.rows('select name, phone, employee_count::int from lenders order by name');
const openDrift = () => account.rows('select field, change from sfsync.drift where closed_at is null');
const open = (table: string) => account.rows(`select field from sfsync.${table} where resolved_at is null`);

/** A pair with ten employees. */
async function employer(): Promise<string> {
  const id = await account.agreedAccount();
  await account.edit(id, { [CHANGED]: 10 });
  await account.file(id);
  expect(await rows()).toEqual([{ name: 'Acme', phone: '1', employee_count: 10 }]);
  return id;
}

async function created(Name: string, value: string | null): Promise<string> {
  const record: object = { Name, [CHANGED]: value };
  const answer = await account.org.call('POST', `/sobjects/${object}`, record);
  return (answer.json as { id: string }).id;
}

/** Minutes later, when Salesforce is asked again. */
async function later(): Promise<void> {
  account.ahead += 6 * 60_000;
  await account.rows(`update sfsync.drift set first_seen = first_seen - interval '6 minutes',
                                              asked_at = asked_at - interval '6 minutes'`);
}

async function edited(set: string): Promise<void> {
  await account.rows(`update lenders set ${set}; update sfsync.link set dirty = true, dirty_since = now()`);
}

const due = () => account.rows('select from sfsync.link where dirty or reread_due or push_id is not null');

/** Rounds until nothing is due. */
async function rounds(): Promise<void> {
  do await account.round('fails');
  while ((await due()).length > 0);
}

describe('a field whose type was changed in Salesforce', () => {
  test('is left out of what comes in a file; reported once, by one of several executions', async () => {
    const id = await employer();
    const other = await created('Other', null);
    await makeText();
    await account.edit(id, { Phone: '2', [CHANGED]: 'a dozen' });
    await account.edit(other, { Phone: '3', [CHANGED]: '12' });
    const before = await describes();
    const lines = await account.linesOf([id, other]);
    const applied = [await account.lines(lines), await account.lines(lines)];
    expect(await describes()).toBe(before + 1);
    // The first file had a record that was rejected before Salesforce could be asked; it is read again by itself.
    expect(applied.map(({ rejected }) => rejected)).toEqual([1, 0]);
    expect(applied.flatMap(({ reasons }) => reasons)).toEqual([REJECTED, CHANGED_TYPE]);
    expect(await open('rejected_record')).toEqual([]);
    expect(await rows()).toEqual([
      { name: 'Acme', phone: '2', employee_count: 10 },
      { name: 'Other', phone: '3', employee_count: 12 },
    ]);
    expect(await openDrift()).toEqual([{ field: CHANGED, change: CHANGED_TYPE.change }]);

    // It stays left out, whatever its values look like.
    await account.edit(id, { Phone: '4', [CHANGED]: '11' });
    const again = await describes();
    expect(await account.file(id)).toMatchObject({ updated: 1, rejected: 0, reasons: [] });
    expect((await rows())[0]).toEqual({ name: 'Acme', phone: '4', employee_count: 10 });
    expect(await describes()).toBe(again);

    const notice = { about: 'file', object, key: 'k', execution: 'e', rejected: 0, conflicts: 0 } as const;
    const { subject, text } = messageOf({ ...notice, reasons: [CHANGED_TYPE] });
    expect(subject).toBe('sfsync: 1 mapped field of Account changed type in Salesforce');
    expect(text).toContain(`Account.${CHANGED}: ${CHANGED_TYPE.change}`);
    expect(text).not.toContain('dozen');
  });

  test('is not sent either; and back when its type is, with what both sides made of it in that time', async () => {
    const id = await employer();
    await makeText();
    await account.edit(id, { [CHANGED]: 'a dozen' });
    await edited("phone = 'ours', employee_count = 13");
    const { decided, settled } = await account.round();
    expect(decided).toMatchObject({ pushed: 1, reasons: [CHANGED_TYPE] });
    expect(settled).toMatchObject({ settled: 1, rejected: 0, reasons: [] });
    const held = () => account.org.connection.sobject(object).retrieve(id);
    expect(await held()).toMatchObject({ Phone: 'ours', [CHANGED]: 'a dozen' });
    expect(await due()).toEqual([]);

    // Asked again, Salesforce has not changed its mind.
    await later();
    expect(await account.round()).toMatchObject({ next: 'push', decided: { pushed: 0, reasons: [] } });
    expect(await due()).toEqual([]);
    expect(await openDrift()).toHaveLength(1);

    await account.edit(id, { [CHANGED]: '14' });
    await account.org.faults({ changedField: null });
    await account.edit(id, { [CHANGED]: 14 });
    await later();
    await rounds();
    expect(await openDrift()).toEqual([]);
    expect(await rows()).toMatchObject([{ employee_count: 14 }]);
    expect(await account.rows('select field, base, salesforce_value, postgres_value from sfsync.conflict')).toEqual([
      { field: CHANGED, base: '10', salesforce_value: '14', postgres_value: '13' },
    ]);
  });

  test('an edit of one side alone goes across when the field is back, also of records that came in that time', async () => {
    const id = await employer();
    await makeText();
    await account.edit(id, { [CHANGED]: 'a dozen' });
    await account.file(id);
    const fresh = await created('New', 'some');
    expect(await account.file(fresh)).toMatchObject({ inserted: 1, rejected: 0, reasons: [] });
    await account.org.faults({ changedField: null });
    await account.edit(id, { [CHANGED]: 10 });
    await account.edit(fresh, { [CHANGED]: 5 });
    await edited("employee_count = 11 where name = 'Acme'");
    await later();
    await rounds();
    expect(await account.org.connection.sobject(object).retrieve(id)).toMatchObject({ [CHANGED]: 11 });
    expect(await rows()).toMatchObject([{ employee_count: 11 }, { employee_count: 5 }]);
    expect(await open('conflict')).toEqual([]);
    expect(await open('rejected_record')).toEqual([]);
  });

  test('records that were rejected for it before go across when it is known', async () => {
    const id = await employer();
    await makeText();
    await account.edit(id, { Phone: '2', [CHANGED]: 'a dozen' });
    await account.org.faults({ requestLimitExceeded: { kinds: ['describe'] } });
    await expect(account.file(id)).rejects.toThrow(/REQUEST_LIMIT_EXCEEDED/);
    expect(await open('rejected_record')).toEqual([{ field: CHANGED }]);
    await account.org.faults({ requestLimitExceeded: null });
    const fresh = await created('New', 'some');
    expect(await account.file(fresh)).toMatchObject({
      inserted: 0,
      rejected: 1,
      reasons: [REJECTED, CHANGED_TYPE],
      due: true,
    });
    await rounds();
    expect(await rows()).toMatchObject([{ phone: '2', employee_count: 10 }, { employee_count: null }]);
    expect(await open('rejected_record')).toEqual([]);
  });
});

describe('a value of ours that Salesforce refuses', () => {
  test('because the type of its field is another one: the record goes again without the field', async () => {
    const id = await account.agreedAccount();
    await account.org.faults({ changedField: { object, field: CHANGED, type: 'date' } });
    await edited("phone = 'ours', employee_count = 13");
    const change = 'is a date in Salesforce and mapped as number; map it as date, with a column to match';
    const { settled } = await account.round('fails');
    expect(settled).toMatchObject({ settled: 1, rejected: 0, reasons: [{ ...CHANGED_TYPE, change }] });
    expect(await account.round()).toMatchObject({ decided: { pushed: 1, reasons: [] }, settled: { rejected: 0 } });
    expect(await account.org.connection.sobject(object).retrieve(id)).toMatchObject({ Phone: 'ours', [CHANGED]: null });
    expect(await due()).toEqual([]);

    await account.org.faults({ changedField: null });
    await later();
    await rounds();
    expect(await account.org.connection.sobject(object).retrieve(id)).toMatchObject({ Phone: 'ours', [CHANGED]: 13 });
    expect(await open('rejected_record')).toEqual([]);
  });

  test('for its own sake is a reject as ever', async () => {
    await account.agreedAccount();
    const rowError = { object, code: 'INVALID_TYPE_ON_FIELD_IN_RECORD', fields: [CHANGED], times: 1 };
    await account.org.faults({ rowError });
    await edited("phone = 'ours', employee_count = 13");
    expect((await account.round('fails')).settled).toMatchObject({ rejected: 1, reasons: [{ code: rowError.code }] });
    expect(await openDrift()).toEqual([]);
  });
});

describe('a single value that does not fit', () => {
  test('is a reject as ever, at one question for all of them', async () => {
    const id = await employer();
    await makeText();
    const ids = [id];
    for (const Name of ['B', 'C', 'D']) {
      ids.push(await created(Name, 'x'));
    }
    const lines = await account.linesOf(ids);
    await account.org.faults({ changedField: null });
    const before = await describes();
    const applied = await account.lines(lines);
    expect(applied).toMatchObject({ rejected: 3, reasons: [{ code: 'UNREADABLE_VALUE', field: CHANGED, count: 3 }] });
    expect(await account.lines(lines)).toMatchObject({ rejected: 3 });
    expect(await describes()).toBe(before + 1);
    expect(await openDrift()).toEqual([]);
  });
});
