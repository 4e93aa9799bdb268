import { Connection } from 'jsforce';
import { expect, test } from 'vitest';
import { openStore } from '../../embedded-aws/store.ts';
import { created, type StartedOrg, startedOrg } from './started-org.ts';

interface Version {
  readonly sequence: number;
  readonly at: number;
  readonly object: string;
  readonly id: string;
  readonly kind: string;
  readonly client?: string;
  readonly cascade: boolean;
  readonly values: Record<string, unknown>;
}

async function versions(org: StartedOrg, after = 0): Promise<Version[]> {
  const { json } = await org.call('GET', `~/_simulator/versions?after=${after}`);
  return (json as { versions: Version[] }).versions;
}

async function record(org: StartedOrg): Promise<void> {
  await org.call('POST', '~/_simulator/versions');
}

test('no version is kept until it is asked for', async () => {
  await using org = await startedOrg();
  await created(org, 'Account', { Name: 'before' });
  expect(await versions(org)).toEqual([]);
});

test('each write is kept with its values, and the name that its client gives itself', async () => {
  await using org = await startedOrg();
  await record(org);
  const { instanceUrl, accessToken } = org.simulator;
  const named = new Connection({ instanceUrl, accessToken, version: '66.0', callOptions: { client: 'chaos-7' } });
  const id = await created(org, 'Account', { Name: 'first' });
  await named.sobject('Account').update({ Id: id, Name: 'second' });
  await named.soap.update({ type: 'Account', Id: id, Name: 'third' });
  await named.sobject('Account').destroy(id);
  const kept = await versions(org);
  expect(kept.map(({ kind, client, values }) => [kind, client, values.Name, values.IsDeleted])).toEqual([
    ['create', undefined, 'first', false],
    ['update', 'chaos-7', 'second', false],
    ['update', 'chaos-7', 'third', false],
    ['delete', 'chaos-7', 'third', true],
  ]);
  expect(await versions(org, kept[1]?.sequence)).toEqual(kept.slice(2));
});

test('what follows from a write is marked: lookups that a delete clears, and children that a merge moves', async () => {
  await using org = await startedOrg();
  const [winner, loser] = [
    await created(org, 'Account', { Name: 'winner' }),
    await created(org, 'Account', { Name: 'loser' }),
  ];
  const child = await created(org, 'Contact', { LastName: 'child', AccountId: loser });
  await record(org);
  await org.connection.soap.merge({ masterRecord: { type: 'Account', Id: winner }, recordToMergeIds: [loser] });
  const kept = await versions(org);
  expect(kept.map(({ id, kind, cascade }) => [id, kind, cascade])).toEqual([
    [child, 'update', true],
    [loser, 'delete', true],
    [winner, 'update', false],
  ]);
  expect(kept[0]?.values.AccountId).toBe(winner);
  expect(kept[1]?.values.MasterRecordId).toBe(winner);
});

test('what is rolled back is not kept', async () => {
  await using org = await startedOrg();
  await record(org);
  const records = [{ attributes: { type: 'Account' }, Name: 'good' }, { attributes: { type: 'Account' } }];
  await org.call('POST', '/composite/sobjects', { allOrNone: true, records });
  expect(await versions(org)).toEqual([]);
  await org.call('POST', '/composite/sobjects', { allOrNone: false, records });
  expect((await versions(org)).map(({ values }) => values.Name)).toEqual(['good']);
});

test('a write that readers see later is kept from then on, in that order', async () => {
  await using org = await startedOrg();
  await record(org);
  const id = await created(org, 'Account', { Name: 'first' });
  await org.faults({ delayedVisibility: { seconds: 60 } });
  await org.connection.sobject('Account').update({ Id: id, Name: 'late' });
  await org.faults({ delayedVisibility: null });
  await created(org, 'Account', { Name: 'other' });
  expect((await versions(org)).map(({ values }) => values.Name)).toEqual(['first', 'other']);
  org.clock.now += 61_000;
  const kept = await versions(org);
  expect(kept.map(({ values }) => values.Name)).toEqual(['first', 'other', 'late']);
  expect(kept[2]?.at).toBe(org.clock.now);
});

test('it goes on after a restart, and a purge is kept, too', async () => {
  const store = openStore(undefined);
  let id: string;
  {
    await using org = await startedOrg({ store });
    await record(org);
    id = await created(org, 'Account', { Name: 'kept' });
    await org.connection.sobject('Account').destroy(id);
  }
  await using org = await startedOrg({ store });
  await org.call('POST', '~/_simulator/actions', { purge: { ids: [id] } });
  expect((await versions(org)).map(({ kind, values }) => [kind, values.Name])).toEqual([
    ['create', 'kept'],
    ['delete', 'kept'],
    ['purge', 'kept'],
  ]);
});
