import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { created } from '../../local/org-simulator/started-org.ts';
import { SweptPair } from './swept-pair.ts';

let pair: SweptPair;
beforeAll(async () => {
  pair = await SweptPair.start();
});
afterAll(() => pair[Symbol.asyncDispose]());

/** Known on both sides. */
let known: string;
beforeEach(async () => {
  await pair.faults({});
  await pair.clear();
  const { records } = await pair.salesforce.query<{ Id: string }>('SELECT Id FROM Account');
  if (records.length > 0) await pair.salesforce.sobject('Account').destroy(records.map(({ Id }) => Id));
  await pair.org.call('POST', '~/_simulator/actions', { purge: {} });
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
  test('that finds nothing tells nobody, reads nothing, and remembers how far it came', async () => {
    const before = Date.now();
    const { status, output: said, notices, states } = await pair.sweep();
    expect({ status, notices }).toEqual({ status: 'SUCCEEDED', notices: [] });
    expect(said).toMatchObject({ ...output, compared: 1, inserted: 0, updated: 0, deleted: 0, rejected: 0 });
    expect(states).not.toContain('Read each batch');
    const [state] = await pair.rows<{ swept_until: Date }>('select swept_until from sfsync.sweep');
    expect(state?.swept_until.getTime()).toBeGreaterThanOrEqual(before);
  });

  test('inserts a record that committed late, and tells it once', async () => {
    await late(() => created(pair.org, 'Account', { Name: 'Late' }));
    expect(await names()).toEqual(['Known']);
    const { output: said, notices } = await pair.sweep();
    expect(await names()).toEqual(['Known', 'Late']);
    expect(said).toMatchObject({ ...output, inserted: 1, updated: 0 });
    expect(notices).toMatchObject([{ about: 'sweep', object: 'Account', full: false, inserted: 1, reasons: [] }]);
    expect((await pair.sweep()).notices).toEqual([]);
  });

  test('updates a record whose edit committed late; an edit of the row of another field survives', async () => {
    await late(() => pair.salesforce.sobject('Account').update({ Id: known, Phone: '2' }));
    await pair.rows(`update lenders set website = 'ours'`);
    expect((await pair.sweep()).notices).toMatchObject([{ updated: 1, conflicts: 0 }]);
    expect(await pair.rows('select phone, website from lenders')).toEqual([{ phone: '2', website: 'ours' }]);
  });

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
    const { output: said, notices } = await pair.sweep();
    expect(notices).toMatchObject([{ deleted: 0, conflicts: 1 }]);
    expect(said).toMatchObject({ due: true });
    expect(await names()).toEqual(['Known']);
  });
});
