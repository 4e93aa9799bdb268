/** Children and parents travel in files of their own, which come in any order. */
import { describe, expect, test } from 'vitest';
import { type BothSides, until } from '../support/system/both-sides.ts';

export function families(sides: () => BothSides): void {
  const create = async (object: string, fields: Readonly<Record<string, unknown>>): Promise<string> =>
    (await sides().salesforce.sobject(object).create(fields)).id ?? '';
  const loan = (AccountId: string) => ({
    Name: `Vehicle loan ${sides().personal('name')}`,
    StageName: 'Qualification',
    CloseDate: '2031-05-31',
    AccountId,
  });

  describe('families', () => {
    test.concurrent('a child that comes before its parent waits for it, and loses its lookup on neither side', async () => {
      const flowName = sides().resource('inboundFlow.Account');
      await sides().system.call('appflow', 'StopFlow', { flowName });
      const account = await create('Account', { Name: 'Waited For Bank' });
      const contact = await create('Contact', { LastName: sides().personal('name'), AccountId: account });
      const opportunity = await create('Opportunity', loan(account));
      const borrower = () => sides().row('select * from borrowers where salesforce_id = $1', [contact]);
      const application = () => sides().row('select * from loan_applications where salesforce_id = $1', [opportunity]);
      await until('the children', async () => (await borrower()) !== undefined && (await application()) !== undefined);
      expect(await borrower()).toMatchObject({ lender_id: null });

      // Its file comes again, and says nothing new.
      const again = await sides().putInboundFile('Contact', await sides().fileLine('Contact', contact));
      expect((await sides().executionOf(again)).status).toBe('SUCCEEDED');
      // An edit of the orphan, as a whole row, must not clear its lender in Salesforce.
      const email = sides().personal('email');
      await sides().rows('update borrowers set email = $2 where salesforce_id = $1', [contact, email]);
      const arrived = async () => (await sides().record('Contact', contact, 'Email'))?.Email === email;
      await until('the edit in Salesforce', arrived);
      await sides().system.call('appflow', 'StartFlow', { flowName });
      await sides().rest();

      const lender = await sides().row('select * from lenders where salesforce_id = $1', [account]);
      expect(lender).toMatchObject({ name: 'Waited For Bank' });
      expect(await borrower()).toMatchObject({ lender_id: lender?.id, email });
      expect(await application()).toMatchObject({ lender_id: lender?.id });
      expect(await sides().record('Contact', contact, 'AccountId')).toMatchObject({ AccountId: account });
      expect((await sides().writesToRecord(contact)).map(({ kind }) => kind)).toEqual(['create', 'update']);
      expect((await sides().writesToRecord(opportunity)).map(({ kind }) => kind)).toEqual(['create']);
    });

    test.concurrent('a parent deleted with its children, and undeleted with them: keys, lookups and own columns are back', async () => {
      const account = await create('Account', { Name: 'Cascading Bank' });
      const contacts = [
        await create('Contact', { LastName: sides().personal('name'), AccountId: account }),
        await create('Contact', { LastName: sides().personal('name'), AccountId: account }),
      ];
      const loans = [await create('Opportunity', loan(account)), await create('Opportunity', loan(account))];
      const ids = [account, ...contacts, ...loans];
      await sides().rest();
      await sides().rows("update lenders set internal_notes = 'ours' where salesforce_id = $1", [account]);
      await sides().rows("update borrowers set password_digest = 'ours' where salesforce_id = any ($1)", [contacts]);
      await sides().rows("update loan_applications set underwriter_notes = 'ours' where salesforce_id = any ($1)", [
        loans,
      ]);
      const rows = async () => [
        ...(await sides().rows('select * from lenders where salesforce_id = any ($1)', [ids])),
        ...(await sides().rows('select * from borrowers where salesforce_id = any ($1) order by id', [ids])),
        ...(await sides().rows('select * from loan_applications where salesforce_id = any ($1) order by id', [ids])),
      ];
      // A child that lost its parent first was touched once more.
      const withoutTouch = (all: readonly Readonly<Record<string, unknown>>[]) =>
        all.map(({ updated_at: _, ...row }) => row);
      const before = withoutTouch(await rows());
      expect(before).toHaveLength(5);

      await sides().salesforce.sobject('Account').destroy(account);
      await sides().rest();
      expect(await rows()).toEqual([]);
      await sides().salesforce.soap.undelete([account]);
      await sides().rest();

      expect(withoutTouch(await rows())).toEqual(before);
      for (const id of ids) {
        const writes = await sides().writesToRecord(id);
        expect(writes.map(({ kind, cascade }) => (cascade ? `${kind} along` : kind))).toEqual(
          id === account ? ['create', 'delete', 'undelete'] : ['create', 'delete along', 'undelete along'],
        );
      }
    });
  });
}
