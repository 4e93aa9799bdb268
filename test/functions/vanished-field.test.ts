/** A mapped field vanishes from Salesforce: everything else goes on, in both directions, and it is notified once. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { messageOf } from '../../core/contracts/notice.ts';
import { type DriftingAccount, startDriftingAccount } from './drifting-account.ts';

let account: DriftingAccount;
beforeAll(async () => {
  account = await startDriftingAccount();
});
afterAll(() => account[Symbol.asyncDispose]());
beforeEach(() => {
  // What is left out is forgotten after minutes: each test begins later than the one before ended.
  account.ahead += 10 * 60_000;
  const now = Date.now;
  vi.spyOn(Date, 'now').mockImplementation(() => now() + account.ahead);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await account.org.faults({ hiddenField: null });
});

const object = 'Account';
const GONE = 'Website';
const VANISHED = [{ code: 'FIELD_VANISHED', field: GONE, count: 1 }];

describe('a field that vanished from Salesforce', () => {
  test('is left out of reads and merges; the operator is notified once, with the change to make', async () => {
    const id = await account.agreedAccount();
    await account.org.faults({ hiddenField: { object, field: GONE } });
    await account.edit(id, { Phone: '2' });
    expect(await account.file(id, [GONE])).toMatchObject({ updated: 1, rejected: 0, due: false, reasons: VANISHED });
    expect(await account.rows('select phone, website from lenders')).toEqual([{ phone: '2', website: 'w' }]);
    expect(await account.rows('select object, field, closed_at from sfsync.drift')).toEqual([
      { object, field: GONE, closed_at: null },
    ]);

    // A file without it is complete from now on, and is not read again.
    await account.edit(id, { Phone: '3' });
    expect(await account.file(id, [GONE])).toMatchObject({ updated: 1, due: false, reasons: [] });
    expect(await account.rows('select phone, website from lenders')).toEqual([{ phone: '3', website: 'w' }]);

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
    const id = await account.agreedAccount();
    await account.org.faults({ hiddenField: { object, field: GONE } });
    await account.rows(
      `update lenders set phone = 'ours', website = 'ours'; update sfsync.link set dirty = true, dirty_since = now()`,
    );
    const { decided, settled } = await account.round();
    expect(decided).toMatchObject({ pushed: 1, reasons: VANISHED });
    expect(decided).not.toHaveProperty('csvKey');
    expect(settled).toMatchObject({ settled: 1, rejected: 0, reasons: [] });
    expect(await account.org.connection.sobject(object).retrieve(id)).toMatchObject({ Phone: 'ours' });
    expect(await account.round()).toEqual({ next: 'end' });

    // It is given back: what was edited in that time goes across.
    await account.org.faults({ hiddenField: null });
    account.ahead += 10 * 60_000;
    await account.rows(
      `update lenders set phone = 'ours again'; update sfsync.link set dirty = true, dirty_since = now()`,
    );
    // Every record is read once more, this one too.
    expect(await account.round()).toMatchObject({ decided: { pushed: 0 } });
    const { decided: after } = await account.round();
    expect(await account.lambda.text(after?.csvKey ?? '')).toContain('Acme,ours again,ours,');
    expect(await account.rows('select closed_at is not null as closed from sfsync.drift')).toEqual([{ closed: true }]);
  });

  test('and is back: a file holds it, and what Salesforce held in that time arrives for all records', async () => {
    const [id, other] = [
      await account.agreedAccount(),
      (await account.org.connection.sobject(object).create({ Name: 'Other' })).id ?? '',
    ];
    await account.file(other);
    await account.org.faults({ hiddenField: { object, field: GONE } });
    await account.edit(id, { Phone: '2' });
    await account.file(id, [GONE]);
    await account.org.faults({ hiddenField: null });
    await account.edit(other, { Website: 'later' });
    await account.rows(`update sfsync.link set high_water = now() + interval '1 day' where salesforce_id = '${other}'`);
    account.ahead += 10 * 60_000;
    await account.edit(id, { Website: 'new' });
    await account.rows(`update sfsync.link set reread_due = true where salesforce_id = '${id}'`);
    await account.round();
    await account.round();
    expect(await account.rows('select website from lenders order by name')).toEqual([
      { website: 'new' },
      { website: 'later' },
    ]);
    expect(await account.rows('select from sfsync.drift where closed_at is null')).toEqual([]);
  });
});
