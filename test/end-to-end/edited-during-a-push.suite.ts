/** A person edits a record in Salesforce while we are about to write it: nothing is lost silently. */
import { describe, expect, test } from 'vitest';
import { type BothSides, until } from '../support/system/both-sides.ts';

/** Long enough for an inbound file to arrive in the meantime. */
const LONG_MS = 4_000;
const SHORT_MS = 1_500;

export function editedDuringAPush(sides: () => BothSides): void {
  /** Makes the next call wait; answers when there is one that waits. */
  const holdNextCall = async (call: { object: string; client: string; kinds: string[] }, beforeMs: number) => {
    await sides().faults({ slowAnswer: { ...call, beforeMs, times: 1 } });
    return () => until(`a waiting call of ${call.client}`, async () => !(await sides().faultIsOn('slowAnswer')));
  };
  const conflicts = (id: string) =>
    sides().rows(
      'select field, reason, salesforce_value, postgres_value from sfsync.conflict where salesforce_id = $1 order by id',
      [id],
    );

  describe('a person edits while we are about to write', () => {
    test('just before our look: the look sees it, and it is not overwritten', async () => {
      const [same, other] = await sides().pairs('Opportunity', 2);
      if (same === undefined || other === undefined) throw new Error('two pairs were asked for');
      const [theirs, ours] = [sides().personal('name'), sides().personal('name')];
      const look = { object: 'Opportunity', client: 'sfsync', kinds: ['retrieve'] };
      const called = await holdNextCall(look, SHORT_MS);

      await sides().rows('update loan_applications set title = $2 where id = any ($1)', [[same.key, other.key], ours]);
      await called();
      await sides()
        .salesforce.sobject('Opportunity')
        .update([
          { Id: same.id, Name: theirs },
          { Id: other.id, Loan_Term_Months__c: 84 },
        ]);
      await sides().rest();

      expect(await sides().record('Opportunity', same.id, 'Name')).toMatchObject({ Name: theirs });
      expect(await conflicts(same.id)).toEqual([
        { field: 'Name', reason: 'both edited', salesforce_value: theirs, postgres_value: ours },
      ]);
      expect(await sides().writesToRecord(same.id), "the person's alone").toHaveLength(1);
      const merged = await sides().record('Opportunity', other.id, 'Name, Loan_Term_Months__c');
      expect(merged).toMatchObject({ Name: ours, Loan_Term_Months__c: 84 });
      expect(await conflicts(other.id)).toEqual([]);
      const titles = await sides().rows('select title, term_months from loan_applications where id = any ($1)', [
        [same.key, other.key],
      ]);
      expect(titles).toEqual(
        expect.arrayContaining([
          { title: theirs, term_months: expect.anything() },
          { title: ours, term_months: '84' },
        ]),
      );
    });

    test('between our look and our write through the API: another field is not touched', async () => {
      const { id, key } = await sides().pair('Opportunity');
      const title = sides().personal('name');
      const write = { object: 'Opportunity', client: 'sfsync', kinds: ['collections'] };
      const called = await holdNextCall(write, SHORT_MS);

      await sides().rows('update loan_applications set title = $2 where id = $1', [key, title]);
      await called();
      await sides().salesforce.sobject('Opportunity').update({ Id: id, Loan_Term_Months__c: 84 });
      await sides().rest();

      const both = { Name: title, Loan_Term_Months__c: 84 };
      expect(await sides().record('Opportunity', id, 'Name, Loan_Term_Months__c')).toMatchObject(both);
      const row = await sides().row('select title, term_months from loan_applications where id = $1', [key]);
      expect(row).toEqual({ title, term_months: '84' });
      expect(await sides().writesToRecord(id)).toHaveLength(2);
    });

    test("while AppFlow's run is under way: what its file overwrites was seen, is logged and restored", async () => {
      const { id, key } = await sides().pair('Account');
      const [website, phone] = [`https://${sides().personal('name')}.example`, sides().personal('phone')];
      const before = await sides().record('Account', id, 'Phone');
      const write = { object: 'Account', client: 'AmazonAppFlow', kinds: ['collections'] };
      const called = await holdNextCall(write, LONG_MS);

      await sides().rows('update lenders set website = $2 where id = $1', [key, website]);
      await called();
      await sides().salesforce.sobject('Account').update({ Id: id, Phone: phone });
      await until('the edit noted while the push is open', async () => (await conflicts(id)).length > 0);
      await sides().rest();

      expect(await sides().record('Account', id, 'Phone, Website')).toMatchObject({ Phone: phone, Website: website });
      expect(await sides().row('select phone, website from lenders where id = $1', [key])).toEqual({ phone, website });
      expect(await conflicts(id)).toContainEqual({
        field: 'Phone',
        reason: 'edited during our push',
        salesforce_value: phone,
        postgres_value: before?.Phone,
      });
      // The person's write, our file with the whole row, and the restored value.
      const writes = await sides().writesToRecord(id);
      expect(writes.map(({ fields }) => fields.includes('Phone'))).toEqual([true, true, true]);
    });
  });
}
