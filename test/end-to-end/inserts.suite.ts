/** Rows that the application inserts become records, each exactly one, whatever happens to the answer. */
import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { type BothSides, until } from '../support/system/both-sides.ts';

export function inserts(sides: () => BothSides): void {
  const insert = async (title: string, lender?: string): Promise<string> => {
    const key = randomUUID();
    await sides().rows(
      `insert into loan_applications (id, title, stage, closes_on, lender_id)
       values ($1, $2, 'Prospecting', '2031-05-31', $3)`,
      [key, title, lender ?? null],
    );
    return key;
  };
  const records = async (key: string) => {
    const soql = `SELECT Id, IsDeleted, Name, AccountId FROM Opportunity WHERE External_Id__c = '${key}'`;
    return (await sides().salesforce.query<{ Id: string; Name: string }>(soql, { scanAll: true })).records;
  };
  const row = (key: string) => sides().row('select * from loan_applications where id = $1', [key]);
  const rowsOf = (id: string) => sides().rows('select id from loan_applications where salesforce_id = $1', [id]);

  /** At rest: one record, one row, which know each other and are equal. */
  const pair = async (key: string): Promise<string> => {
    await until('the id in the row', async () => (await row(key))?.salesforce_id !== null);
    await sides().rest();
    const found = await records(key);
    expect(found).toHaveLength(1);
    const id = found[0]?.Id ?? '';
    expect(await rowsOf(id)).toEqual([{ id: key }]);
    expect(await row(key)).toMatchObject({ title: found[0]?.Name, probability: '10' });
    expect(await sides().rows('select from sfsync.insertion where row_key = $1', [key])).toEqual([]);
    return id;
  };
  const kinds = async (id: string) => (await sides().writesToRecord(id)).map(({ kind }) => kind);
  const conflicts = (id: string) => sides().rows('select from sfsync.conflict where salesforce_id = $1', [id]);

  describe('inserts', () => {
    afterEach(() => sides().faults({ lostReply: null, slowAnswer: null }));

    test('a new row becomes a record by one write, and its own write does not come back as another row', async () => {
      const lender = await sides().pair('Account');
      const key = await insert('Vehicle loan', lender.key);
      const id = await pair(key);
      expect(await records(key)).toMatchObject([{ Name: 'Vehicle loan', AccountId: lender.id }]);
      expect(await kinds(id)).toEqual(['create']);
      expect(await conflicts(id)).toEqual([]);
      await sides().rows(`update loan_applications set title = 'Another vehicle' where id = $1`, [key]);
      await sides().rest();
      expect(await records(key)).toMatchObject([{ Id: id, Name: 'Another vehicle' }]);
      expect(await kinds(id)).toEqual(['create', 'update']);
    });

    test('the answer is lost: one record all the same', async () => {
      await sides().faults({ lostReply: { kinds: ['collections'], object: 'Opportunity', client: 'sfsync' } });
      const key = await insert('Lost loan');
      const id = await pair(key);
      expect(await sides().faultIsOn('lostReply')).toBe(false);
      expect(await kinds(id)).toEqual(['create']);
    });

    test('the poll is faster than the answer, and the row is edited before it: one row, and the edit lives', async () => {
      await sides().faults({
        slowAnswer: { kinds: ['collections'], object: 'Opportunity', client: 'sfsync', afterMs: 6_000 },
      });
      const key = await insert('Early loan');
      await until('the record', async () => (await records(key)).length > 0);
      await sides().rows(`update loan_applications set title = 'Edited before the answer' where id = $1`, [key]);
      await until('the id by the file', async () => (await row(key))?.salesforce_id !== null);
      const waiting = await sides().rows(
        `select from sfsync.lease where object = 'Opportunity' and execution is not null`,
      );
      expect(waiting, 'the answer is still on its way').toHaveLength(1);
      await sides().faults({ slowAnswer: null });
      const id = await pair(key);
      expect(await row(key)).toMatchObject({ title: 'Edited before the answer' });
      expect(await kinds(id)).toEqual(['create', 'update']);
      expect(await conflicts(id)).toEqual([]);
    });

    test('a row that is deleted and inserted again without its id is a new record', async () => {
      const key = await insert('First loan');
      const first = await pair(key);
      await sides().rows('delete from loan_applications where id = $1', [key]);
      await sides().rest();
      expect(await kinds(first)).toEqual(['create', 'delete']);
      await sides().rows(
        `insert into loan_applications (id, title, stage, closes_on) values ($1, 'Second loan', 'Prospecting', '2031-05-31')`,
        [key],
      );
      await until('the id in the row', async () => (await row(key))?.salesforce_id !== null);
      await sides().rest();
      const second = String((await row(key))?.salesforce_id);
      expect(second).not.toBe(first);
      expect(await kinds(first)).toEqual(['create', 'delete']);
      expect(await kinds(second)).toEqual(['create']);
    });
  });
}
