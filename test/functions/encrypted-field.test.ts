/** A text that Salesforce encrypts, and whose values our user may not see: a mask is no value, in either direction. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
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
  await account.org.faults({ changedField: null, viewEncryptedData: null });
});

const object = 'Account';
const FIELD = 'Website';
const SECRET = 'card 4111 1111 1111 1234';
const encrypt = () => account.org.faults({ changedField: { object, field: FIELD, type: 'encryptedstring' } });
const mayView = (may: boolean) => account.org.faults({ viewEncryptedData: may ? {} : null });
const row = async () => (await account.rows('select phone, website from lenders'))[0];
const drift = () => account.rows('select field from sfsync.drift where closed_at is null');
const held = async (id: string) => {
  await mayView(true);
  const { Website, Phone } = await account.org.connection.sobject(object).retrieve(id);
  await mayView(false);
  return { Website, Phone };
};

async function secretPair(): Promise<string> {
  const id = await account.agreedAccount();
  await account.edit(id, { [FIELD]: SECRET });
  await account.file(id);
  expect(await row()).toMatchObject({ website: SECRET });
  return id;
}

async function edited(set: string): Promise<void> {
  await account.rows(`update lenders set ${set}; update sfsync.link set dirty = true, dirty_since = now()`);
}

describe('an encrypted text without the permission View Encrypted Data', () => {
  test('does not replace the value of the row, and is reported', async () => {
    const id = await secretPair();
    await encrypt();
    await account.edit(id, { Phone: '2' });
    const { reasons } = await account.file(id);
    expect(reasons).toMatchObject([{ code: 'FIELD_TYPE_CHANGED', field: FIELD }]);
    expect(reasons[0]?.change).toContain('View Encrypted Data');
    expect(await row()).toEqual({ phone: '2', website: SECRET });
    expect(await drift()).toEqual([{ field: FIELD }]);
  });

  test('is not sent, as an edit or as a filler', async () => {
    const id = await secretPair();
    await encrypt();
    await edited("phone = 'ours', website = 'another'");
    const { decided } = await account.round();
    expect(decided).toMatchObject({ pushed: 1, reasons: [{ code: 'FIELD_TYPE_CHANGED', field: FIELD }] });
    expect(await held(id)).toEqual({ Website: SECRET, Phone: 'ours' });
    expect((await row())?.website).toBe('another');
  });

  test('with the permission it is a field like any other', async () => {
    const id = await secretPair();
    await encrypt();
    await mayView(true);
    await account.edit(id, { [FIELD]: 'XXXX-1234' });
    expect((await account.file(id)).reasons).toEqual([]);
    expect(await row()).toMatchObject({ website: 'XXXX-1234' });
    expect(await drift()).toEqual([]);
  });
});

test('a plain text that looks like a mask is taken, when Salesforce has been asked', async () => {
  const id = await account.agreedAccount();
  await account.edit(id, { [FIELD]: '****1234' });
  expect(await account.file(id)).toMatchObject({ rejected: 0, reasons: [] });
  expect(await row()).toMatchObject({ website: '****1234' });
  expect(await drift()).toEqual([]);
});
