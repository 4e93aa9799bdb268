/** Files come late, and twice: nothing that is newer is undone. */
import { describe, expect, test } from 'vitest';
import { type BothSides, until } from '../support/system/both-sides.ts';

export function lateFiles(sides: () => BothSides): void {
  /** Key of the inbound file that has these words. */
  const fileWith = async (object: string, words: string): Promise<string> => {
    for (const key of await sides().inboundFiles(`salesforce/${object}/`)) {
      if ((await sides().objectText(key)).includes(words)) return key;
    }
    throw new Error(`No file of ${object} has ${words}`);
  };

  /** Puts the file again under another run of the flow, and waits until it has been worked on. */
  const comesAgain = async (object: string, key: string): Promise<void> => {
    const again = await sides().putInboundFile(object, await sides().objectText(key));
    expect((await sides().executionOf(again)).status).toBe('SUCCEEDED');
    await sides().rest();
  };

  const state = async ({ id, key }: { id: string; key: string }) => ({
    row: await sides().row('select * from borrowers where id = $1', [key]),
    record: await sides().record('Contact', id, 'Phone, Email, SystemModstamp'),
    rowWrites: await sides().writesToRow(key),
    recordWrites: await sides().writesToRecord(id),
  });

  describe('a file that comes late, or again', () => {
    test.concurrent('undoes no newer edit of either side', async () => {
      const pair = await sides().pair('Contact');
      const [old, phone, email] = [sides().personal('phone'), sides().personal('phone'), sides().personal('email')];
      await sides().salesforce.sobject('Contact').update({ Id: pair.id, Phone: old });
      await sides().rest();
      const late = await fileWith('Contact', old);
      await comesAgain('Contact', late);
      await sides().salesforce.sobject('Contact').update({ Id: pair.id, Phone: phone });
      await sides().rows('update borrowers set email = $2 where id = $1', [pair.key, email]);
      await sides().rest();
      const before = await state(pair);
      expect(before).toMatchObject({ row: { phone, email }, record: { Phone: phone, Email: email } });

      await comesAgain('Contact', late);
      expect(await state(pair)).toEqual(before);
    });

    test.concurrent('deletes no record that was undeleted since', async () => {
      const pair = await sides().pair('Contact');
      await sides().salesforce.sobject('Contact').destroy(pair.id);
      await until('the row gone', async () => (await state(pair)).row === undefined);
      await sides().rest();
      const late = await fileWith('Contact', `"Id":"${pair.id}","IsDeleted":true`);
      await sides().salesforce.soap.undelete([pair.id]);
      await sides().rest();
      const before = await state(pair);
      expect(before).toMatchObject({ row: { salesforce_id: pair.id }, record: { IsDeleted: false } });

      await comesAgain('Contact', late);
      expect(await state(pair)).toEqual(before);
    });

    test.concurrent('brings back no row that was deleted since', async () => {
      const pair = await sides().pair('Contact');
      const phone = sides().personal('phone');
      await sides().salesforce.sobject('Contact').update({ Id: pair.id, Phone: phone });
      await sides().rest();
      const late = await fileWith('Contact', phone);
      await sides().rows('delete from borrowers where id = $1', [pair.key]);
      await sides().rest();
      const before = await state(pair);
      expect(before).toMatchObject({ row: undefined, record: { IsDeleted: true } });

      await comesAgain('Contact', late);
      expect(await state(pair)).toEqual(before);
    });
  });
}
