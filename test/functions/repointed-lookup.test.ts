/** A lookup that points to another object now: its values look as they always did, and only Salesforce knows. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type DriftingAccount, startDriftingAccount } from './drifting-account.ts';

let contact: DriftingAccount;
beforeAll(async () => {
  contact = await startDriftingAccount('Contact');
});
afterAll(() => contact[Symbol.asyncDispose]());
beforeEach(() => {
  const now = Date.now;
  vi.spyOn(Date, 'now').mockImplementation(() => now() + contact.ahead);
});

afterEach(() => {
  vi.restoreAllMocks();
});

const object = 'Contact';
const LENDER = '00000000-0000-4000-8000-000000000007';
const due = () => contact.rows('select from sfsync.link where dirty or reread_due or push_id is not null');
const rows = () => contact.rows('select last_name, phone, lender_id from borrowers');
const describes = async () => (await contact.org.stats()).apiCalls.byKind.describe ?? 0;

describe('a lookup of which records wait for a parent that cannot be one', () => {
  test('is asked about, left out, reported once; and back with what the application made of it', async () => {
    const { connection } = contact.org;
    const { id: account = '' } = await connection.sobject('Account').create({ Name: 'Lender' });
    await contact.rows(`insert into lenders (id, name, salesforce_id) values ('${LENDER}', 'Lender', '${account}');
      insert into sfsync.link (object, salesforce_id, row_key, base) values ('Account', '${account}', '${LENDER}', '{}')`);
    const { id = '' } = await connection.sobject(object).create({ LastName: 'B', AccountId: account });
    expect(await contact.file(id)).toMatchObject({ inserted: 1 });
    expect(await rows()).toMatchObject([{ lender_id: LENDER }]);

    await contact.org.faults({
      changedField: { object, field: 'AccountId', type: 'reference', referenceTo: ['Opportunity'] },
    });
    const { id: opportunity = '' } = await connection
      .sobject('Opportunity')
      .create({ Name: 'O', StageName: 'Prospecting', CloseDate: '2026-12-31' });
    await contact.edit(id, { AccountId: opportunity });
    expect(await contact.file(id)).toMatchObject({ updated: 1, rejected: 0 });
    const change = expect.stringMatching(/^points to Opportunity in Salesforce and to Account/);
    const { decided } = await contact.round();
    expect(decided?.reasons).toEqual([{ code: 'FIELD_TYPE_CHANGED', field: 'AccountId', count: 1, change }]);
    await contact.edit(id, { Phone: '2' });
    expect(await contact.file(id)).toMatchObject({ updated: 1, reasons: [] });
    expect(await due()).toEqual([]);

    await contact.org.faults({ changedField: null });
    await contact.edit(id, { AccountId: account });
    contact.ahead += 6 * 60_000;
    await contact.rows(`update sfsync.drift set first_seen = now() - interval '6 minutes', asked_at = null`);
    do await contact.round();
    while ((await due()).length > 0);
    expect(await rows()).toEqual([{ last_name: 'B', phone: '2', lender_id: LENDER }]);
  });

  test('where it may point to several objects, it goes on, and is asked about once in a while', async () => {
    await contact.rows("update sfsync.drift set asked_at = null, closed_at = now() - interval '1 day'");
    const referenceTo = ['Account', 'Opportunity'];
    await contact.org.faults({ changedField: { object, field: 'AccountId', type: 'reference', referenceTo } });
    const { records } = await contact.org.connection.query<{ Id: string }>('SELECT Id FROM Opportunity LIMIT 1');
    const [{ Id: id }] = (await contact.rows(`select salesforce_id as "Id" from borrowers`)) as [{ Id: string }];
    await contact.edit(id, { AccountId: records[0]?.Id });
    await contact.file(id);
    contact.ahead += 6 * 60_000;
    const before = await describes();
    expect((await contact.round()).decided).toMatchObject({ pushed: 0, reasons: [] });
    expect(await describes()).toBe(before + 1);
    expect(await due()).toEqual([]);
    await contact.rows(`update sfsync.link set reread_due = true where object = '${object}'`);
    contact.ahead += 6 * 60_000;
    expect((await contact.round()).decided).toMatchObject({ pushed: 0, reasons: [] });
    expect(await describes()).toBe(before + 1);
  });
});
