/** The column of a mapped field is gone: everything else goes on, and when it is back its emptiness does not count as an edit. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { messageOf } from '../../core/contracts/notice.ts';
import { restoreHeld } from '../../steps/delete-guard.ts';
import { type DriftingAccount, startDriftingAccount } from './drifting-account.ts';

let account: DriftingAccount;
beforeAll(async () => {
  account = await startDriftingAccount();
});
afterAll(() => account[Symbol.asyncDispose]());
beforeEach(() => {
  account.ahead += 10 * 60_000;
  const now = Date.now;
  vi.spyOn(Date, 'now').mockImplementation(() => now() + account.ahead);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await account.rows('alter table lenders drop column if exists website; alter table lenders add column website text');
});

const object = 'Account';
const VANISHED = [{ code: 'COLUMN_VANISHED', field: 'Website', count: 1 }];
const DIRTY = 'update sfsync.link set dirty = true, dirty_since = now(), revision = revision + 1';
const websiteOf = async (id: string) => (await account.org.connection.sobject(object).retrieve(id)).Website;

/** Rounds until nothing is due. */
async function rest(): Promise<void> {
  const due = 'select * from sfsync.link where dirty or reread_due or push_id is not null';
  for (let rounds = 1; ; rounds++) {
    await account.round();
    const left = await account.rows(due);
    if (left.length === 0) return;
    if (rounds === 5) throw new Error(`never at rest: ${JSON.stringify(left)}`);
  }
}

/** Changes of rows that the streamer would see now. */
async function seenByStreamer(): Promise<number> {
  const { name } = account.lender.database;
  const { rows } = await account.lender.application.query<{ changes: number }>(
    `select count(*)::int as changes
       from pg_logical_slot_get_binary_changes($1, null, null, 'proto_version', '1', 'publication_names', 'sfsync', 'origin', 'none')
      where get_byte(data, 0) = ascii('U')`,
    [name],
  );
  return rows[0]?.changes ?? 0;
}

describe('a column that is gone', () => {
  test('is left out in both directions; the operator is notified once, with the change to make', async () => {
    const id = await account.agreedAccount();
    await account.rows('alter table lenders drop column website');
    await account.edit(id, { Phone: '2', Website: 'theirs' });
    expect(await account.file(id)).toMatchObject({ updated: 1, rejected: 0, due: false, reasons: VANISHED });
    await account.edit(id, { Phone: '3' });
    expect(await account.file(id)).toMatchObject({ updated: 1, reasons: [] });
    expect(await account.rows('select phone from lenders')).toEqual([{ phone: '3' }]);

    await account.rows(`update lenders set phone = 'ours'; ${DIRTY}`);
    const { decided, settled } = await account.round();
    expect(decided).toMatchObject({ pushed: 1, reasons: [] });
    expect(settled).toMatchObject({ settled: 1, rejected: 0, reasons: [] });
    expect(await account.org.connection.sobject(object).retrieve(id)).toMatchObject({
      Phone: 'ours',
      Website: 'theirs',
    });
    const { id: made = '' } = await account.org.connection.sobject(object).create({ Name: 'New', Website: 'new' });
    expect(await account.file(made)).toMatchObject({ inserted: 1, rejected: 0, reasons: [] });

    const notice = { about: 'batch', object, execution: 'e', rejected: 0, conflicts: 0, reasons: VANISHED } as const;
    const { subject, text } = messageOf(notice);
    expect(subject).toBe('sfsync: the column of 1 mapped field of Account vanished from Postgres');
    expect(text).toContain('Account.Website');
    expect(text).toMatch(/Add the column again .*, or take the field out of sync\.config\.ts/);
  });

  test('does not keep rows from coming back whose deletes were held and are restored', async () => {
    const id = await account.agreedAccount();
    await account.rows(`delete from lenders; update sfsync.link set delete_guard = 'held'`);
    await account.rows('alter table lenders drop column website');
    const session = await account.lender.session();
    expect(await restoreHeld(session, object)).toBe(1);
    await rest();
    expect(await account.rows('select salesforce_id, name, phone from lenders')).toEqual([
      { salesforce_id: id, name: 'Acme', phone: '1' },
    ]);
    await account.rows('alter table lenders add column website text');
    await account.edit(id, { Phone: '2' });
    await account.file(id);
    await rest();
    expect(await account.rows('select phone, website from lenders')).toEqual([{ phone: '2', website: 'w' }]);
    expect(await websiteOf(id)).toBe('w');
  });

  test('comes back empty: it is filled with what was agreed, and what was edited in that time arrives; nothing is nulled', async () => {
    const id = await account.agreedAccount();
    const [edited, made] = ['', ''];
    const { id: other = edited } = await account.org.connection.sobject(object).create({ Name: 'Other', Website: 'o' });
    await account.file(other);
    await account.rows('alter table lenders drop column website');
    await account.edit(other, { Website: 'later' });
    expect(await account.file(other)).toMatchObject({ reasons: VANISHED });
    const { id: third = made } = await account.org.connection
      .sobject(object)
      .create({ Name: 'Third', Website: 'third' });
    await account.file(third);

    await account.rows('alter table lenders add column website text');
    await seenByStreamer();
    await account.edit(id, { Phone: '9' });
    await account.file(id);
    expect(await seenByStreamer()).toBe(0);
    await rest();
    expect(await account.rows('select name, website from lenders order by name')).toEqual([
      { name: 'Acme', website: 'w' },
      { name: 'Other', website: 'later' },
      { name: 'Third', website: 'third' },
    ]);
    expect([await websiteOf(id), await websiteOf(other), await websiteOf(third)]).toEqual(['w', 'later', 'third']);
    expect(await account.rows('select from sfsync.conflict')).toEqual([]);

    // It is in force: an edit of it goes across, and so does an emptiness that is meant.
    await account.rows(`update lenders set website = null where name = 'Acme'; ${DIRTY}`);
    await rest();
    expect(await websiteOf(id)).toBeNull();
  });

  test('was dropped and added again within one migration: no step sees it empty', async () => {
    const id = await account.agreedAccount();
    await account.rows(
      `begin; alter table lenders drop column website; alter table lenders add column website text default 'none'; commit;
       update lenders set phone = 'ours'; ${DIRTY}`,
    );
    const { decided } = await account.round();
    expect(decided).toMatchObject({ pushed: 1, reasons: [] });
    expect(await account.lambda.text(decided?.csvKey ?? '')).toContain(`${id},Acme,ours,w,`);
    expect(await account.rows('select phone, website from lenders')).toEqual([{ phone: 'ours', website: 'w' }]);
  });

  test('moves while a step waits for the migration: the step looks again', async () => {
    const id = await account.agreedAccount();
    const migration = await account.lender.database.client();
    await migration.query(
      'begin; alter table lenders drop column website; alter table lenders add column website text',
    );
    await account.rows(DIRTY);
    const round = account.round();
    await vi.waitFor(async () => {
      const waiting = `select from pg_locks where not granted and relation = 'lenders'::regclass`;
      expect(await account.rows(waiting)).not.toEqual([]);
    }, 10_000);
    await migration.query('commit');
    expect(await round).toMatchObject({ next: 'push', decided: { pushed: 0 } });
    expect(await account.rows('select from sfsync.link where dirty or reread_due')).toEqual([]);
    expect(await account.rows('select website from lenders')).toEqual([{ website: 'w' }]);
    expect(await websiteOf(id)).toBe('w');
  });

  test('was renamed and is called again what it was: what it holds counts, an emptiness too', async () => {
    const id = await account.agreedAccount();
    await account.rows(`alter table lenders rename website to site`);
    await account.edit(id, { Phone: '2' });
    expect(await account.file(id)).toMatchObject({ reasons: VANISHED });
    await account.rows(`update lenders set site = null; alter table lenders rename site to website`);
    await rest();
    expect(await websiteOf(id)).toBeNull();
  });

  test('comes back and does not take its values: it stays out, and nothing is nulled', async () => {
    const id = await account.agreedAccount();
    await account.rows('alter table lenders drop column website');
    await account.edit(id, { Phone: '2' });
    await account.file(id);
    await account.rows('alter table lenders add column website integer');
    await account.edit(id, { Phone: '3' });
    const REFUSES = [{ code: 'COLUMN_REFUSES', field: 'Website', count: 1 }];
    expect(await account.file(id)).toMatchObject({ updated: 1, rejected: 0, reasons: REFUSES });
    await account.rows(`update lenders set phone = 'ours'; ${DIRTY}`);
    expect(await account.round()).toMatchObject({ decided: { reasons: [] }, settled: { settled: 1, reasons: [] } });
    expect(await account.org.connection.sobject(object).retrieve(id)).toMatchObject({ Phone: 'ours', Website: 'w' });

    await account.rows(
      `alter table lenders alter column website type text using null;
       update sfsync.mapped_column set refused_at = refused_at - interval '5 minutes'`,
    );
    await rest();
    expect(await account.rows('select phone, website from lenders')).toEqual([{ phone: 'ours', website: 'w' }]);
    expect(await websiteOf(id)).toBe('w');
  });
});
