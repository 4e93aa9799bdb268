import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { created } from '../../../packages/salesforce-simulator/test/started-org.ts';
import { createMany } from '../../salesforce/records.ts';
import { SweptPair } from './swept-pair.ts';

const DAY_SECONDS = 86_400;

let pair: SweptPair;
beforeAll(async () => {
  pair = await SweptPair.start();
});
afterAll(() => pair[Symbol.asyncDispose]());

/** Known on both sides. */
let known: string;
beforeEach(async () => {
  await pair.clear();
  known = await created(pair.org, 'Account', { Name: 'Known', Phone: '1' });
  await pair.settle();
});

const names = async () =>
  (await pair.rows<{ name: string }>('select name from lenders order by name')).map((row) => row.name);
const output = { object: 'Account', full: false, complete: true };

/** As the work of a transaction that commits after the next polls. */
async function late(write: () => Promise<unknown>): Promise<void> {
  await pair.faults({ delayedVisibility: { seconds: 60 } });
  await write();
  await pair.faults({});
  await pair.settle();
  await pair.pass(60);
  await pair.settle();
}

describe('a sweep of the window', () => {
  test('that finds nothing notifies of nothing, reads nothing, and remembers how far it came', async () => {
    const before = Date.now();
    const { status, output: result, notices, states } = await pair.sweep();
    expect({ status, notices }).toEqual({ status: 'SUCCEEDED', notices: [] });
    expect(result).toMatchObject({ ...output, inserted: 0, updated: 0, deleted: 0, rejected: 0 });
    expect(states).not.toContain('Read each batch');
    const [state] = await pair.rows<{ swept_until: Date }>('select swept_until from sfsync.sweep');
    expect(state?.swept_until.getTime()).toBeGreaterThanOrEqual(before);
  });

  test('inserts a record that committed late, and reports it once', async () => {
    await late(() => created(pair.org, 'Account', { Name: 'Late' }));
    expect(await names()).toEqual(['Known']);
    const { output: result, notices } = await pair.sweep();
    expect(await names()).toEqual(['Known', 'Late']);
    expect(result).toMatchObject({ ...output, inserted: 1, updated: 0 });
    expect(notices).toMatchObject([{ about: 'sweep', object: 'Account', full: false, inserted: 1, reasons: [] }]);
    expect((await pair.sweep()).notices).toEqual([]);
  });

  test('updates a record whose edit committed late; an edit of the row of another field survives', async () => {
    await late(() => pair.salesforce.sobject('Account').update({ Id: known, Phone: '2' }));
    await pair.rows(`update lenders set website = 'ours'`);
    expect((await pair.sweep()).notices).toMatchObject([{ updated: 1, conflicts: 0 }]);
    expect(await pair.rows('select phone, website from lenders')).toEqual([{ phone: '2', website: 'ours' }]);
  });

  test.each([false, true])(
    'finds the second of two edits of one second, where it committed late (full: %s)',
    async (full) => {
      await pair.salesforce.sobject('Account').update({ Id: known, Phone: '2' });
      await pair.settle();
      await late(() => pair.salesforce.sobject('Account').update({ Id: known, Phone: '3' }));
      // As if the poll had read the first edit with the stamp that the second one has.
      const { SystemModstamp: stamp } = await pair.salesforce.sobject('Account').retrieve(known);
      await pair.rows(`update sfsync.link set high_water = '${stamp}'`);
      expect(await pair.rows('select phone from lenders')).toEqual([{ phone: '2' }]);
      expect((await pair.sweep({ full })).notices).toMatchObject([{ updated: 1, conflicts: 0 }]);
      expect(await pair.rows('select phone from lenders')).toEqual([{ phone: '3' }]);
      expect((await pair.sweep({ full })).notices).toEqual([]);
    },
  );

  test('deletes the row of a record whose delete committed late, and brings it back after a late undelete', async () => {
    await pair.rows(`update lenders set internal_notes = 'kept'`);
    await late(() => pair.salesforce.sobject('Account').destroy(known));
    expect(await names()).toEqual(['Known']);
    expect((await pair.sweep()).notices).toMatchObject([{ deleted: 1, inserted: 0 }]);
    expect(await names()).toEqual([]);
    await late(() => pair.salesforce.soap.undelete([known]));
    expect(await names()).toEqual([]);
    expect((await pair.sweep()).notices).toMatchObject([{ inserted: 1, deleted: 0 }]);
    expect(await pair.rows('select name, internal_notes from lenders')).toEqual([
      { name: 'Known', internal_notes: 'kept' },
    ]);
  });

  test('deletes the row of a record that was purged before any poll saw it in the recycle bin', async () => {
    await pair.salesforce.sobject('Account').destroy(known);
    await pair.org.call('POST', '~/_simulator/actions', { purge: {} });
    await pair.pass(120);
    await pair.settle();
    expect(await names()).toEqual(['Known']);
    expect((await pair.sweep()).notices).toMatchObject([{ deleted: 1, rejected: 0 }]);
    expect(await names()).toEqual([]);
    expect(await pair.rows('select base_deleted from sfsync.link')).toEqual([{ base_deleted: true }]);
    expect((await pair.sweep()).notices).toEqual([]);
  });

  test('keeps the row of a purged record that the application has edited, as a conflict, and makes it due', async () => {
    await pair.salesforce.sobject('Account').destroy(known);
    await pair.org.call('POST', '~/_simulator/actions', { purge: {} });
    await pair.rows(`update lenders set phone = 'ours'`);
    await pair.pass(120);
    const { output: result, notices } = await pair.sweep();
    expect(notices).toMatchObject([{ deleted: 0, conflicts: 1 }]);
    expect(result).toMatchObject({ due: true });
    expect(await names()).toEqual(['Known']);
  });

  test('does not report again what is rejected, tries it again, and reports when that has helped', async () => {
    await pair.rows(`alter table lenders add constraint no_fax check (phone is distinct from 'fax')`);
    try {
      await late(() => created(pair.org, 'Account', { Name: 'Late', Phone: 'fax' }));
      expect((await pair.sweep()).notices).toMatchObject([{ inserted: 0, rejected: 1, reasons: [{ code: '23514' }] }]);
      const again = await pair.sweep();
      expect(again.notices).toEqual([]);
      expect(again.states).toContain('Apply records');
    } finally {
      await pair.rows('alter table lenders drop constraint no_fax');
    }
    expect((await pair.sweep()).notices).toMatchObject([{ inserted: 1, rejected: 0 }]);
    expect(await names()).toEqual(['Known', 'Late']);
    expect(await pair.rows('select from sfsync.rejected_record where resolved_at is null')).toEqual([]);
  });

  test('leaves alone what the flow may still bring', async () => {
    await pair.pass(7190);
    await created(pair.org, 'Account', { Name: 'Just now' });
    expect(await pair.sweep()).toMatchObject({ notices: [], output: { ...output, inserted: 0 } });
    expect(await names()).toEqual(['Known']);
  });

  test('begins where the last complete one did', async () => {
    await pair.rewind(3 * DAY_SECONDS);
    await created(pair.org, 'Account', { Name: 'Three days ago' });
    await pair.rewind(-3 * DAY_SECONDS);
    expect(await pair.sweep()).toMatchObject({ notices: [] });
    await pair.rows(`update sfsync.sweep set swept_until = now() - interval '4 days'`);
    expect(await pair.sweep()).toMatchObject({ notices: [{ inserted: 1 }] });
  });

  test('finds a delete that has moved no stamp by the delete log', async () => {
    await pair.rewind(3 * DAY_SECONDS);
    const old = await created(pair.org, 'Account', { Name: 'Three days ago' });
    await pair.rewind(-3 * DAY_SECONDS);
    await pair.sweep({ full: true });
    await pair.faults({ keepStampOnDelete: {} });
    await pair.salesforce.sobject('Account').destroy(old);
    await pair.settle();
    await pair.pass(60);
    expect(await names()).toEqual(['Known', 'Three days ago']);
    expect(await pair.sweep()).toMatchObject({ notices: [{ deleted: 1 }] });
    expect(await names()).toEqual(['Known']);
  });
});

describe('a full sweep', () => {
  test('compares all records with all links: finds rows that were lost, also beyond the window', async () => {
    await pair.rewind(20 * DAY_SECONDS);
    const old = await created(pair.org, 'Account', { Name: 'Old' });
    await pair.rewind(-20 * DAY_SECONDS);
    expect((await pair.sweep()).notices).toEqual([]);
    const { output: result, notices } = await pair.sweep({ full: true });
    expect(result).toMatchObject({ full: true, complete: true, inserted: 1 });
    expect(notices).toMatchObject([{ full: true, inserted: 1 }]);
    expect(await pair.rows(`select name from lenders where salesforce_id = '${old}'`)).toEqual([{ name: 'Old' }]);
    expect(await pair.rows('select from sfsync.sweep_listed')).toEqual([]);
    expect((await pair.sweep({ full: true })).notices).toEqual([]);
  });

  test('finds a value that changed without a newer stamp, as that of a formula does', async () => {
    const phones = () => pair.rows('select phone from lenders');
    await pair.rewind(20 * DAY_SECONDS);
    await pair.salesforce.sobject('Account').update({ Id: known, Phone: '2' });
    await pair.rewind(-20 * DAY_SECONDS);
    expect((await pair.sweep()).notices).toEqual([]);
    expect(await phones()).toEqual([{ phone: '1' }]);
    expect((await pair.sweep({ full: true })).notices).toMatchObject([{ full: true, updated: 1 }]);
    expect(await phones()).toEqual([{ phone: '2' }]);
  });

  test('lists a record that is nowhere to be seen as rejected, once, and keeps its row', async () => {
    await pair.rewind(20 * DAY_SECONDS);
    const hidden = await created(pair.org, 'Account', { Name: 'Hidden' });
    await pair.rewind(-20 * DAY_SECONDS);
    await pair.sweep({ full: true });
    // Deleted and purged so long ago that the delete log no longer has it: as if our user had lost sight of it.
    await pair.rewind(20 * DAY_SECONDS);
    await pair.salesforce.sobject('Account').destroy(hidden);
    await pair.org.call('POST', '~/_simulator/actions', { purge: {} });
    await pair.rewind(-20 * DAY_SECONDS);
    const { notices } = await pair.sweep({ full: true });
    expect(notices).toMatchObject([{ deleted: 0, rejected: 1, reasons: [{ code: 'NOT_VISIBLE', count: 1 }] }]);
    expect(await names()).toEqual(['Hidden', 'Known']);
    expect(await pair.rows('select salesforce_id, code, source from sfsync.rejected_record')).toEqual([
      { salesforce_id: hidden, code: 'NOT_VISIBLE', source: 'sweep' },
    ]);
    expect((await pair.sweep({ full: true })).notices).toEqual([]);
    expect(await names()).toEqual(['Hidden', 'Known']);
  });

  test('takes an earlier deletion for proof enough', async () => {
    await pair.salesforce.sobject('Account').destroy(known);
    await pair.settle();
    expect(await names()).toEqual([]);
    await pair.org.call('POST', '~/_simulator/actions', { purge: {} });
    expect(await pair.sweep({ full: true })).toMatchObject({ notices: [], output: { rejected: 0 } });
  });

  test('looks at each page of a large object', async () => {
    await createMany(pair.org, 'Account', 1200);
    await pair.faults({ smallPages: { size: 250 } });
    const { output: result, notices } = await pair.sweep({ full: true });
    expect(result).toMatchObject({ inserted: 1200, complete: true });
    expect(notices).toHaveLength(1);
    expect(await pair.sweep({ full: true })).toMatchObject({ notices: [], output: { unchanged: 0 } });
  });
});

test('an unknown object fails at once, with what is known', async () => {
  await expect(pair.sweep({ object: 'Lead' })).rejects.toThrow('ConfigurationError in Compare rows');
});
