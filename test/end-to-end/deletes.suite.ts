/** Deletes towards Salesforce: by mistake, in masses, for good, refused, and those that only look like one. */
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type BothSides, type Pair, until } from '../support/system/both-sides.ts';

export function deletes(sides: () => BothSides): void {
  /** Runs the command line of the running project. */
  const sfsync = async (...args: readonly string[]) => {
    const { directory } = sides().system;
    const cli = join(dirname(directory), 'cli', 'sfsync.ts');
    const flags = ['--disable-warning=ExperimentalWarning', cli, '--config', 'examples/lender/sync.config.ts', ...args];
    const endpoints = ['--endpoints', join(directory, 'endpoints.json')];
    return (await promisify(execFile)(process.execPath, [...flags, ...endpoints], { cwd: dirname(directory) })).stdout;
  };
  const kindsOfWrites = async (id: string) => (await sides().writesToRecord(id)).map(({ kind }) => kind);
  const isDeleted = async (object: string, id: string) =>
    (await sides().record(object, id, 'SystemModstamp'))?.IsDeleted === true;
  const keysOf = (pairs: readonly Pair[]) => pairs.map(({ key }) => key);
  const notifications = (words: string) =>
    sides()
      .notifications()
      .filter(({ subject }) => subject.includes(words));
  const rejects = (id: string) =>
    sides().rows(
      'select code, direction from sfsync.rejected_record where salesforce_id = $1 and resolved_at is null',
      [id],
    );
  /** An account that no other test uses, with its row. */
  const newAccount = async (fields: Readonly<Record<string, unknown>> = {}): Promise<Pair> => {
    const { id = '' } = await sides()
      .salesforce.sobject('Account')
      .create({ Name: 'Short-Lived Bank', ...fields });
    const row = () => sides().row<{ id: string }>('select id from lenders where salesforce_id = $1', [id]);
    return { id, key: (await until('the row of the account', row)).id };
  };

  describe('deletes', () => {
    test('in unusual number are held and notified once; updates go on; what is released goes, what is restored is back', async () => {
      const doomed = await sides().pairs('Opportunity', 60);
      const [edited, mistaken] = await sides().pairs('Opportunity', 2);
      if (edited === undefined || mistaken === undefined) throw new Error('two pairs were asked for');
      const loan = () => sides().row('select title, amount from loan_applications where id = $1', [mistaken.key]);
      const before = await loan();

      await sides().rows('delete from loan_applications where id = any ($1)', [keysOf([...doomed, mistaken])]);
      await sides().rows('update loan_applications set amount = 6161 where id = $1', [edited.key]);
      await sides().rest();
      expect(await sides().record('Opportunity', edited.id, 'Amount')).toMatchObject({ Amount: 6161 });
      for (const { id } of [...doomed, mistaken]) expect(await kindsOfWrites(id)).toEqual([]);
      await until('the notice', () => notifications('deletes of Opportunity are held').length > 0);
      expect(notifications('deletes of Opportunity are held')).toHaveLength(1);

      // One of them is inserted again by the application; it is held no longer.
      const [back, ...others] = doomed;
      if (back === undefined) throw new Error('sixty pairs were asked for');
      await sides().rows(
        `insert into loan_applications (id, salesforce_id, title, stage, closes_on)
         values ($1, $2, 'Back again', 'Prospecting', '2031-01-31')`,
        [back.key, back.id],
      );
      await sides().rest();
      expect(await sides().record('Opportunity', back.id, 'Name')).toMatchObject({ Name: 'Back again' });

      const count = others.length + 1;
      await expect(sfsync('release', 'Opportunity', '--dry-run')).rejects.toMatchObject({
        stdout: expect.stringContaining(`Opportunity: ${count} deletes held`),
      });
      await expect(sfsync('check')).rejects.toMatchObject({
        stdout: expect.stringContaining(`Opportunity: ${count} deletes are held`),
      });
      expect(await sfsync('release', 'Opportunity', '--restore', '--yes')).toContain('the rows come back');
      await sides().rest();
      expect(await loan()).toEqual(before);

      await sides().rows('delete from loan_applications where id = any ($1)', [keysOf(others)]);
      await sides().rest();
      expect(await sfsync('release', 'Opportunity', '--yes')).toContain(`${others.length} deletes released`);
      await sides().rest();
      for (const { id } of others) expect(await kindsOfWrites(id)).toEqual(['delete']);
      expect(await kindsOfWrites(mistaken.id)).toEqual([]);
    });

    test('by TRUNCATE are held, every one; with the rows back from a backup nothing was written', async () => {
      const [edited] = await sides().pairs('Opportunity', 1);
      const deletedRecords = async () =>
        (await sides().salesforce.query('SELECT COUNT() FROM Opportunity WHERE IsDeleted = true', { scanAll: true }))
          .totalSize;
      const before = await deletedRecords();
      const links = () =>
        sides().row<{ links: number; held: number }>(
          `select count(*)::int as links, count(*) filter (where delete_guard = 'held')::int as held
             from sfsync.link where object = 'Opportunity' and not base_deleted and row_key is not null`,
        );
      await sides().rows('create table watch.backup as select * from loan_applications');
      await sides().rows('truncate loan_applications');
      await sides().rest();
      const stood = await links();
      expect(stood?.links).toBeGreaterThan(300);
      expect(stood?.held).toBe(stood?.links);

      // The watch on row writes looks away: what comes back is no edit.
      await sides().database.query(`begin; set local session_replication_role = replica;
        insert into loan_applications select * from watch.backup; commit`);
      await sides().rows('update loan_applications set amount = 7117 where id = $1', [edited?.key]);
      await sides().rest();
      expect(await links()).toEqual({ links: stood?.links, held: 0 });
      expect(await sides().record('Opportunity', edited?.id ?? '', 'Amount')).toMatchObject({ Amount: 7117 });
      expect(await deletedRecords()).toBe(before);
      expect(await kindsOfWrites(edited?.id ?? '')).toEqual(['update']);
      expect(await sfsync('release', 'Opportunity')).toContain('counting begins anew');
    });

    test.concurrent('for good: the record goes to the recycle bin, and out of it; a row inserted again is listed', async () => {
      const { id, key } = await newAccount();
      await sides().rows('delete from lenders where id = $1', [key]);
      await sides().rest();
      expect(await kindsOfWrites(id)).toEqual(['create', 'delete', 'hardDelete']);

      await sides().rows(`insert into lenders (id, salesforce_id, name) values ($1, $2, 'Back')`, [key, id]);
      await sides().rest();
      expect(await rejects(id)).toEqual([{ code: 'UNDELETE_FAILED', direction: 'to-salesforce' }]);
    });

    test.concurrent('refused by Salesforce are listed with the reason, and go when they are redriven', async () => {
      const { id, key } = await newAccount();
      const message = 'The account has open loans.';
      await sides().faults({ rowError: { object: 'Account', ids: [id], code: 'DELETE_FAILED', message } });
      await sides().rows('delete from lenders where id = $1', [key]);
      await sides().rest();
      expect(await rejects(id)).toEqual([{ code: 'DELETE_FAILED', direction: 'to-salesforce' }]);
      expect(await isDeleted('Account', id)).toBe(false);

      await sides().faults({ rowError: null });
      await sfsync('redrive', 'rejects', '--id', id);
      await sides().rest();
      expect(await isDeleted('Account', id)).toBe(true);
      expect(await rejects(id)).toEqual([]);
    });

    test.concurrent('of a row that leaves the filter; the row stays, and brings the record back', async () => {
      const { id, key } = await newAccount();
      await sides().rows(`update lenders set description = 'private', phone = '0' where id = $1`, [key]);
      await sides().rest();
      expect(await isDeleted('Account', id)).toBe(true);
      expect(await sides().row('select phone from lenders where id = $1', [key])).toEqual({ phone: '0' });

      await sides().rows(`update lenders set description = 'open again' where id = $1`, [key]);
      await sides().rest();
      expect(await sides().record('Account', id, 'Phone, Description')).toMatchObject({
        IsDeleted: false,
        Phone: '0',
        Description: 'open again',
      });
      expect(await kindsOfWrites(id)).toEqual(['create', 'delete', 'undelete', 'update']);
    });

    test.concurrent('that are none: a row under a new primary key is still the pair of its record', async () => {
      const { id, key } = await sides().pair('Contact');
      const [row] = await sides().rows<{ id: string }>(
        'update borrowers set id = gen_random_uuid() where id = $1 returning id',
        [key],
      );
      await sides().rest();
      expect(await kindsOfWrites(id)).toEqual([]);
      await sides().rows('update borrowers set credit_score = 612 where id = $1', [row?.id]);
      await sides().rest();
      expect(await sides().record('Contact', id, 'Credit_Score__c')).toMatchObject({ Credit_Score__c: 612 });
      const phone = sides().personal('phone');
      await sides().salesforce.sobject('Contact').update({ Id: id, Phone: phone });
      await sides().rest();
      expect(await sides().row('select phone from borrowers where id = $1', [row?.id])).toEqual({ phone });
      expect(await kindsOfWrites(id)).toEqual(['update', 'update']);
    });

    test.concurrent('whose row was inserted again, without edit, in a later transaction: the record is there', async () => {
      const { id, key } = await sides().pair('Contact');
      const [row] = await sides().rows('delete from borrowers where id = $1 returning to_jsonb(borrowers) as kept', [
        key,
      ]);
      await sides().rows('insert into borrowers select * from jsonb_populate_record(null::borrowers, $1)', [row?.kept]);
      await sides().rest();
      expect(await isDeleted('Contact', id)).toBe(false);
    });

    test('bury no edit that a person makes between our look and our delete: it survives, and the row comes back', async () => {
      const { id, key } = await sides().pair('Opportunity');
      const name = sides().personal('name');
      const slow = { object: 'Opportunity', client: 'sfsync', kinds: ['collections'], beforeMs: 1_500, times: 1 };
      await sides().faults({ slowAnswer: slow });
      await sides().rows('delete from loan_applications where id = $1', [key]);
      await until('the delete on its way', async () => !(await sides().faultIsOn('slowAnswer')));
      await sides().salesforce.sobject('Opportunity').update({ Id: id, Name: name });
      await sides().rest();
      expect(await sides().record('Opportunity', id, 'Name')).toMatchObject({ IsDeleted: false, Name: name });
      expect(await sides().row('select title from loan_applications where id = $1', [key])).toEqual({ title: name });
      expect(await kindsOfWrites(id)).toEqual(['update', 'delete', 'undelete', 'update']);
    });
  });
}
