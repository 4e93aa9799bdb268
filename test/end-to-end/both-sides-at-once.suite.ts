/** No lost edit: both sides edit one record before the edit of either has reached the other. */
import { describe, expect, test } from 'vitest';
import type { BothSides } from '../support/system/both-sides.ts';

/** An object of either delivery, with a text field that is free. */
const FIELDS = [
  ['Contact', 'borrowers', 'Phone', 'phone'],
  ['Opportunity', 'loan_applications', 'Name', 'title'],
] as const;

export function bothSidesAtOnce(sides: () => BothSides): void {
  const openConflicts = (id: string) =>
    sides().rows(
      `select field, reason, salesforce_value, postgres_value, winner from sfsync.conflict
        where salesforce_id = $1 and resolved_at is null order by id`,
      [id],
    );

  describe('both sides edit one record at once', () => {
    test.concurrent('different fields: both edits survive on both sides, without a notification', async () => {
      const contact = await sides().pair('Contact');
      const loan = await sides().pair('Opportunity');
      const [phone, email] = [sides().personal('phone'), sides().personal('email')];

      await Promise.all([
        sides().salesforce.sobject('Contact').update({ Id: contact.id, Phone: phone }),
        sides().rows('update borrowers set email = $2 where id = $1', [contact.key, email]),
        sides().salesforce.sobject('Opportunity').update({ Id: loan.id, Loan_Term_Months__c: 48 }),
        sides().rows('update loan_applications set amount = 4800 where id = $1', [loan.key]),
      ]);
      await sides().rest();

      expect(await sides().record('Contact', contact.id, 'Phone, Email')).toMatchObject({ Phone: phone, Email: email });
      expect(await sides().row('select phone, email from borrowers where id = $1', [contact.key])).toEqual({
        phone,
        email,
      });
      expect(await sides().record('Opportunity', loan.id, 'Amount, Loan_Term_Months__c')).toMatchObject({
        Amount: 4800,
        Loan_Term_Months__c: 48,
      });
      const row = await sides().row('select amount, term_months from loan_applications where id = $1', [loan.key]);
      expect(row).toEqual({ amount: '4800', term_months: '48' });
      for (const { id } of [contact, loan]) {
        expect(await openConflicts(id)).toEqual([]);
        // The person's write and ours.
        expect(await sides().writesToRecord(id)).toHaveLength(2);
      }
    });

    test.concurrent.each(FIELDS)(
      'the same field of a %s: Salesforce has it, both values are kept, and a notification is sent',
      async (object, table, field, column) => {
        const { id, key } = await sides().pair(object);
        const [theirs, ours] = [sides().personal('phone'), sides().personal('phone')];

        await Promise.all([
          sides()
            .salesforce.sobject(object)
            .update({ Id: id, [field]: theirs }),
          sides().rows(`update ${table} set ${column} = $2 where id = $1`, [key, ours]),
        ]);
        await sides().rest();

        expect(await sides().record(object, id, field)).toMatchObject({ [field]: theirs });
        expect(await sides().row(`select ${column} from ${table} where id = $1`, [key])).toEqual({ [column]: theirs });
        expect(await openConflicts(id)).toEqual([
          { field, reason: 'both edited', salesforce_value: theirs, postgres_value: ours, winner: 'salesforce' },
        ]);
        // The person's write; ours gave way before it was sent.
        expect(await sides().writesToRecord(id)).toHaveLength(1);
        const notifications = sides()
          .notifications()
          .filter(({ subject }) => /conflict/.test(subject) && subject.includes(object));
        expect(notifications).not.toEqual([]);
      },
    );

    test.concurrent('deleted in Salesforce, edited here: the edit survives, and the record is revived', async () => {
      const { id, key } = await sides().pair('Contact');
      const email = sides().personal('email');

      await Promise.all([
        sides().salesforce.sobject('Contact').destroy(id),
        sides().rows('update borrowers set email = $2 where id = $1', [key, email]),
      ]);
      await sides().rest();

      expect(await sides().record('Contact', id, 'Email')).toMatchObject({ IsDeleted: false, Email: email });
      expect(await sides().row('select email from borrowers where id = $1', [key])).toEqual({ email });
      expect(await openConflicts(id)).toMatchObject([
        { field: null, reason: 'deleted and edited', winner: 'postgres' },
      ]);
    });

    test.concurrent('edited in Salesforce, deleted here: the edit survives, and the row comes back', async () => {
      const { id, key } = await sides().pair('Contact');
      const phone = sides().personal('phone');

      await Promise.all([
        sides().salesforce.sobject('Contact').update({ Id: id, Phone: phone }),
        sides().rows('delete from borrowers where id = $1', [key]),
      ]);
      await sides().rest();

      expect(await sides().record('Contact', id, 'Phone')).toMatchObject({ IsDeleted: false, Phone: phone });
      expect(await sides().row('select phone from borrowers where id = $1', [key])).toEqual({ phone });
      expect(await openConflicts(id)).toMatchObject([{ reason: 'deleted and edited', winner: 'salesforce' }]);
    });
  });
}
