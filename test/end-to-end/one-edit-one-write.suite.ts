/** No loops: one edit on either side is exactly one write on the other, and none back. Counted on both sides. */
import { describe, expect, test } from 'vitest';
import { type BothSides, until } from '../support/system/both-sides.ts';
import type { Traffic } from '../support/system/traffic.ts';

export function oneEditOneWrite(sides: () => BothSides, traffic: () => Traffic): void {
  const kindsOfWrites = async (id: string) => (await sides().writesToRecord(id)).map(({ kind }) => kind);

  describe('one edit, one write', () => {
    test.concurrent('an edit in Salesforce writes its row once, and does not come back', async () => {
      const contact = await sides().pair('Contact');
      const loan = await sides().pair('Opportunity');
      const phone = sides().personal('phone');

      await sides().salesforce.sobject('Contact').update({ Id: contact.id, Phone: phone });
      await sides().salesforce.sobject('Opportunity').update({ Id: loan.id, Amount: 1234.5 });
      await sides().rest();

      expect(await sides().row('select phone from borrowers where id = $1', [contact.key])).toEqual({ phone });
      const amount = await sides().row('select amount from loan_applications where id = $1', [loan.key]);
      expect(amount).toEqual({ amount: '1234.5' });
      for (const { id, key } of [contact, loan]) {
        expect(await sides().writesToRow(key)).toEqual(['update']);
        expect(await kindsOfWrites(id)).toEqual(['update']);
        expect(
          traffic().bodies.filter((body) => body.includes(key)),
          'not even a change message',
        ).toEqual([]);
      }
    });

    test.concurrent('an edit of a row writes its record once through AppFlow, and the row is left alone', async () => {
      const { id, key } = await sides().pair('Contact');
      const email = sides().personal('email');

      await sides().rows('update borrowers set email = $2, credit_score = 715 where id = $1', [key, email]);
      await sides().rest();

      const record = await sides().record('Contact', id, 'Email, Credit_Score__c');
      expect(record).toMatchObject({ Email: email, Credit_Score__c: 715 });
      const writes = await sides().writesToRecord(id);
      expect(writes.map(({ kind }) => kind)).toEqual(['update']);
      expect(writes[0]?.fields, 'the whole row').toContain('LastName');
      expect(await sides().writesToRow(key)).toEqual(['update']);
    });

    test.concurrent('an edit of a row writes its changed fields once through the API, and the row is left alone', async () => {
      const { id, key } = await sides().pair('Opportunity');
      const title = `Renovation loan ${sides().personal('name')}`;

      await sides().rows("update loan_applications set title = $2, purposes = '{Renovation,Medical}' where id = $1", [
        key,
        title,
      ]);
      await sides().rest();

      const record = await sides().record('Opportunity', id, 'Name, Purposes__c');
      expect(record).toMatchObject({ Name: title, Purposes__c: 'Renovation;Medical' });
      const writes = await sides().writesToRecord(id);
      expect(writes.map(({ kind }) => kind)).toEqual(['update']);
      expect([...(writes[0]?.fields ?? [])].sort()).toEqual(['Name', 'Purposes__c']);
      expect(await sides().writesToRow(key)).toEqual(['update']);
    });

    test.concurrent('a value that becomes null reaches Salesforce as null, by one write of that field', async () => {
      const { id, key } = await sides().pair('Contact');

      await sides().rows('update borrowers set phone = null where id = $1', [key]);
      await sides().rest();

      expect(await sides().record('Contact', id, 'Phone')).toMatchObject({ Phone: null });
      const writes = await sides().writesToRecord(id);
      expect(writes.map(({ kind, fields }) => [kind, fields])).toEqual([['update', ['Phone']]]);
      expect(await sides().writesToRow(key)).toEqual(['update']);
    });

    test.concurrent('a borrower moves to another lender by one write', async () => {
      const { id, key } = await sides().pair('Contact');
      const lender = await sides().pair('Account');

      await sides().rows('update borrowers set lender_id = $2 where id = $1', [key, lender.key]);
      await sides().rest();

      expect(await sides().record('Contact', id, 'AccountId')).toMatchObject({ AccountId: lender.id });
      expect(await kindsOfWrites(id)).toEqual(['update']);
      expect(await sides().writesToRow(key)).toEqual(['update']);
      expect(await sides().writesToRow(lender.key)).toEqual([]);
    });

    test.concurrent('a statement that changes forty rows writes forty records once each', async () => {
      const pairs = await sides().pairs('Contact', 40);

      const keys = pairs.map(({ key }) => key);
      await sides().rows('update borrowers set credit_score = 650 where id = any ($1)', [keys]);
      await sides().rest();

      for (const { id, key } of pairs) {
        expect(await sides().record('Contact', id, 'Credit_Score__c')).toMatchObject({ Credit_Score__c: 650 });
        expect(await kindsOfWrites(id)).toEqual(['update']);
        expect(await sides().writesToRow(key)).toEqual(['update']);
      }
    });

    test.concurrent('what the other side does not have, or has in another spelling, is not written at all', async () => {
      const edited = await sides().pair('Contact');
      const seen = await sides().pair('Contact');

      await sides().rows("update borrowers set password_digest = 'digest', email = email || ' ' where id = $1", [
        edited.key,
      ]);
      await sides().salesforce.sobject('Contact').update({ Id: seen.id, Title: 'Treasurer' });
      await sides().rest();

      expect(await kindsOfWrites(edited.id)).toEqual([]);
      expect(await sides().writesToRow(edited.key)).toEqual(['update']);
      expect(await kindsOfWrites(seen.id)).toEqual(['update']);
      expect(await sides().writesToRow(seen.key)).toEqual([]);
    });

    test.concurrent('a record made in Salesforce becomes one row of its lender', async () => {
      const lender = await sides().pair('Account');
      const person = { FirstName: sides().personal('name'), LastName: sides().personal('name') };

      const { id } = await sides()
        .salesforce.sobject('Contact')
        .create({ ...person, AccountId: lender.id });
      await sides().rest();

      const rows = await sides().rows<{ id: string }>('select * from borrowers where salesforce_id = $1', [id]);
      expect(rows).toHaveLength(1);
      expect(rows[0]).toMatchObject({
        first_name: person.FirstName,
        last_name: person.LastName,
        lender_id: lender.key,
      });
      expect(await sides().writesToRow(rows[0]?.id ?? '')).toEqual(['insert']);
      expect(await kindsOfWrites(id ?? '')).toEqual(['create']);
    });

    test.concurrent('a record deleted in Salesforce takes its row away; undeleted, it brings all of it back', async () => {
      const { id, key } = await sides().pair('Contact');
      await sides().rows("update borrowers set password_digest = 'kept' where id = $1", [key]);
      const before = await sides().row('select * from borrowers where id = $1', [key]);

      await sides().salesforce.sobject('Contact').destroy(id);
      const gone = async () => (await sides().row('select from borrowers where id = $1', [key])) === undefined;
      await until('the row gone', gone);
      await sides().rest();
      await sides().salesforce.soap.undelete([id]);
      await sides().rest();

      expect(await sides().row('select * from borrowers where id = $1', [key])).toEqual(before);
      expect(await sides().writesToRow(key)).toEqual(['update', 'delete', 'insert']);
      expect(await kindsOfWrites(id)).toEqual(['delete', 'undelete']);
    });

    test.concurrent('a deleted row puts its record into the recycle bin by one write', async () => {
      const contact = await sides().pair('Contact');
      const loan = await sides().pair('Opportunity');

      await sides().rows('delete from borrowers where id = $1', [contact.key]);
      await sides().rows('delete from loan_applications where id = $1', [loan.key]);
      await sides().rest();

      for (const [object, { id, key }] of [['Contact', contact] as const, ['Opportunity', loan] as const]) {
        expect(await sides().record(object, id, 'SystemModstamp')).toMatchObject({ IsDeleted: true });
        expect(await kindsOfWrites(id)).toEqual(['delete']);
        expect(await sides().writesToRow(key)).toEqual(['delete']);
      }
    });

    test.concurrent('a deleted row that is inserted again revives its record: undeleted, then written once', async () => {
      const { id, key } = await sides().pair('Contact');
      const email = sides().personal('email');
      const inBin = async () => (await sides().record('Contact', id, 'Email'))?.IsDeleted === true;

      await sides().rows('create table watch.kept as select * from borrowers where id = $1', [key]);
      await sides().rows('delete from borrowers where id = $1', [key]);
      await until('the record in the recycle bin', inBin);
      await sides().rest();
      await sides().rows('update watch.kept set email = $1', [email]);
      await sides().rows('insert into borrowers select * from watch.kept');
      await sides().rest();

      expect(await sides().record('Contact', id, 'Email')).toMatchObject({ IsDeleted: false, Email: email });
      expect(await kindsOfWrites(id)).toEqual(['delete', 'undelete', 'update']);
      expect(await sides().writesToRow(key)).toEqual(['delete', 'insert']);
    });
  });
}
