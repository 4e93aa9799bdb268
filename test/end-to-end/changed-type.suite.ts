/** An administrator changes the type of a mapped field: it is left out, and everything else goes on. */
import { describe, expect, test } from 'vitest';
import { type BothSides, until } from '../support/system/both-sides.ts';

/** The client's types know the field as the number that it was. */
const JSON_BODY = { 'content-type': 'application/json' };

export function changedType(sides: () => BothSides): void {
  const notifications = () =>
    sides()
      .notifications()
      .filter(({ message }) =>
        message.includes('Account.NumberOfEmployees: is a string in Salesforce and mapped as number'),
      );

  describe('a field whose type was changed in Salesforce', () => {
    test('is left out in both directions, and notified once', async () => {
      const { id, key } = await sides().pair('Account');
      const held = async () =>
        sides().row<{ phone: string; count: string }>(
          'select phone, employee_count::text as count from lenders where id = $1',
          [key],
        );
      await sides().salesforce.sobject('Account').update({ Id: id, NumberOfEmployees: 10 });
      await until('the number in the row', async () => (await held())?.count === '10');

      await sides().faults({ changedField: { object: 'Account', field: 'NumberOfEmployees', type: 'string' } });
      try {
        const [theirs, ours] = [sides().personal('phone'), sides().personal('phone')];
        const body = JSON.stringify({ Phone: theirs, NumberOfEmployees: sides().personal('name') });
        await sides().salesforce.request({ method: 'PATCH', url: `/sobjects/Account/${id}`, body, headers: JSON_BODY });
        await until('their phone in the row', async () => (await held())?.phone === theirs);
        expect(await held()).toEqual({ phone: theirs, count: '10' });

        await sides().rows('update lenders set phone = $2, employee_count = 11 where id = $1', [key, ours]);
        await until(
          'our phone in Salesforce',
          async () => (await sides().record('Account', id, 'Phone'))?.Phone === ours,
        );
        await sides().rest();
        const rejects = 'select from sfsync.rejected_record where salesforce_id = $1 and resolved_at is null';
        expect(await sides().rows(rejects, [id])).toEqual([]);
        expect(notifications()).toHaveLength(1);
      } finally {
        await sides().faults({ changedField: null });
      }
    });
  });
}
