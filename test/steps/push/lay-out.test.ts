/** What a batch sends lies where the next steps find it, and only what is there has a key. */
import { describe, expect, test } from 'vitest';
import { defineSync, mappingOf, reference, text } from '../../../core/mapping/configuration.ts';
import type { Decided } from '../../../steps/decide.ts';
import { readAnswers } from '../../../steps/push/answers.ts';
import { flowCsv } from '../../../steps/push/flow-csv.ts';
import { archiveCsv, layOutLeftOver, layOutPushes, pushDeadline } from '../../../steps/push/lay-out.ts';
import { MemoryBucket } from '../../support/system/memory-bucket.ts';

const configuration = defineSync({
  objects: {
    Account: { table: 'lenders', fields: { Name: text('name') } },
    Contact: {
      table: 'borrowers',
      fields: {
        LastName: text('last_name'),
        Phone: text('phone', { direction: 'to-postgres' }),
        AccountId: reference('lender_id', 'Account'),
      },
    },
  },
});
const mapping = mappingOf(configuration, 'Contact');
const idOf = (n: number) => `00300000000000${n}AAA`;
const ORG = '00D000000000001AAA';
const PLACE = 'work/one';

type Kind = Decided['push']['outgoing']['kind'];
function decided(n: number, kind: Kind, delivery: 'api' | 'appflow' = 'api', fillers = {}): Decided {
  const outgoing = kind === 'update' || kind === 'revive' ? { kind, fields: { LastName: `L${n}` } } : { kind };
  return { id: idOf(n), revision: n, push: { delivery, outgoing, fillers } as unknown as Decided['push'] };
}
const look = (n: number, parent: string | null) => ({ id: idOf(n), version: { fields: { AccountId: parent } } });
const insert = (externalId: string) => ({
  externalId,
  insertion: '1',
  revision: 0,
  line: { kind: 'insert' as const, externalId, fields: { LastName: 'New' } },
});

function batch() {
  const bucket = new MemoryBucket();
  const execution = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';
  return { bucket, batch: { storage: bucket.storage, mapping, execution, batchId: 'one-0' } };
}

describe('pushes', () => {
  const nothing = { pushes: [], inserts: [], org: ORG };

  test('that there are none of have no keys', async () => {
    const { bucket, batch: to } = batch();
    expect(await layOutPushes(to, [], nothing)).toEqual({});
    expect(bucket.objects.size).toBe(0);
  });

  test('through the API: updates and revives beside new rows, deletes and purges apart, all of them to be read back', async () => {
    const { bucket, batch: to } = batch();
    const pushes = [decided(1, 'update'), decided(2, 'delete'), decided(3, 'revive'), decided(4, 'purge')];
    const keys = await layOutPushes(to, [], { pushes, inserts: [insert('k')], org: ORG });
    expect(keys).toEqual({
      pushedKey: `${PLACE}/pushed-one-0.jsonl`,
      updatesKey: `${PLACE}/updates-one-0.jsonl`,
      deletesKey: `${PLACE}/deletes-one-0.jsonl`,
    });
    expect(bucket.lines(`${PLACE}/pushed-one-0.jsonl`)).toEqual([
      ...[1, 2, 3, 4].map((n) => ({ id: idOf(n), revision: n })),
      { externalId: 'k', insertion: '1', revision: 0 },
    ]);
    // The first line names the org for all of them.
    expect(bucket.lines(`${PLACE}/updates-one-0.jsonl`)).toEqual([
      { id: idOf(1), kind: 'update', fields: { LastName: 'L1' }, org: ORG },
      { id: idOf(3), kind: 'revive', fields: { LastName: 'L3' } },
      { kind: 'insert', externalId: 'k', fields: { LastName: 'New' } },
    ]);
    expect(bucket.lines(`${PLACE}/deletes-one-0.jsonl`)).toEqual([
      { id: idOf(2), kind: 'delete', fields: {}, org: ORG },
      { id: idOf(4), kind: 'purge', fields: {} },
    ]);
  });

  test('of which there are only deletes have no file of updates, and the other way round', async () => {
    const deletes = await layOutPushes(batch().batch, [], { ...nothing, pushes: [decided(1, 'delete')] });
    expect(Object.keys(deletes)).toEqual(['pushedKey', 'deletesKey']);
    const inserts = await layOutPushes(batch().batch, [], { ...nothing, inserts: [insert('k')] });
    expect(Object.keys(inserts)).toEqual(['pushedKey', 'updatesKey']);
  });

  test('through the flow are rows of a CSV, alone under its prefix', async () => {
    const { bucket, batch: to } = batch();
    const pushes = [decided(1, 'update', 'appflow', { AccountId: '001000000000001AAA' }), decided(2, 'update')];
    const keys = await layOutPushes(to, [], { ...nothing, pushes });
    expect(keys).toMatchObject({ csvKey: 'outbound/Contact.d/one-0.csv', updatesKey: `${PLACE}/updates-one-0.jsonl` });
    expect(String(bucket.objects.get('outbound/Contact.d/one-0.csv'))).toBe(
      `Id,LastName,AccountId\n${idOf(1)},L1,001000000000001AAA\n`,
    );
    expect(bucket.lines(`${PLACE}/updates-one-0.jsonl`)).toHaveLength(1);
    expect(bucket.lines(`${PLACE}/pushed-one-0.jsonl`)).toHaveLength(2);
  });

  test('of children of one parent lie beside each other', async () => {
    const { bucket, batch: to } = batch();
    const [one, two] = ['001000000000001AAA', '001000000000002AAA'];
    const pushes = [1, 2, 3].map((n) => decided(n, 'update'));
    await layOutPushes(to, [look(1, two), look(2, one), look(3, two)], { ...nothing, pushes });
    expect(bucket.lines(`${PLACE}/updates-one-0.jsonl`)).toMatchObject([2, 1, 3].map((n) => ({ id: idOf(n) })));
  });
});

test('in a CSV a value has what stands for it, and a carriage return does not end the row', () => {
  const push = {
    delivery: 'appflow',
    outgoing: { kind: 'update', fields: { LastName: 'a,"b"\rc' } },
    fillers: { LastName: 'old', AccountId: null },
  };
  const [row = ''] = flowCsv(mapping, [{ id: idOf(1), revision: 1, push: push as never }])
    .split('\n')
    .slice(1);
  expect(row).toBe(`${idOf(1)},"a,""b""\rc",`);
  const lone = { ...push, outgoing: { kind: 'update', fields: { LastName: 'b\rc' } } };
  expect(flowCsv(mapping, [{ id: idOf(1), revision: 1, push: lone as never }])).toContain('"b\rc"');
  // What has no fields of its own, such as a delete, has what was read.
  const bare = { ...push, outgoing: { kind: 'delete' } };
  expect(flowCsv(mapping, [{ id: idOf(1), revision: 1, push: bare as never }])).toBe(
    `Id,LastName,AccountId\n${idOf(1)},old,\n`,
  );
});

describe('what a read-back has left over', () => {
  test('is read again, or pushed again and read back, by attempts', async () => {
    const { bucket, batch: to } = batch();
    const line = { id: idOf(1), kind: 'update' as const, fields: { LastName: 'L' } };
    const pushAgain = [
      { line, revision: 4 },
      { line: { ...line, id: idOf(2) }, revision: 5 },
    ];
    expect(await layOutLeftOver(to, 2, { org: ORG, readAgain: [{ id: idOf(3), revision: 6 }], pushAgain })).toEqual({
      readAgainKey: `${PLACE}/read-again-one-0-2.jsonl`,
      pushAgainKey: `${PLACE}/push-again-one-0-2.jsonl`,
      pushedAgainKey: `${PLACE}/pushed-again-one-0-2.jsonl`,
    });
    expect(bucket.lines(`${PLACE}/read-again-one-0-2.jsonl`)).toEqual([{ id: idOf(3), revision: 6 }]);
    expect(bucket.lines(`${PLACE}/push-again-one-0-2.jsonl`)).toEqual([
      { ...line, org: ORG },
      { ...line, id: idOf(2) },
    ]);
    expect(bucket.lines(`${PLACE}/pushed-again-one-0-2.jsonl`)).toEqual([
      { id: idOf(1), revision: 4 },
      { id: idOf(2), revision: 5 },
    ]);
  });

  test('is nothing, as a rule', async () => {
    expect(await layOutLeftOver(batch().batch, 1, { org: ORG, readAgain: [], pushAgain: [] })).toEqual({});
  });
});

describe('the CSV of a run that is over', () => {
  const [CSV, ARCHIVED] = ['outbound/Contact.d/one-0.csv', 'archive/Contact/one-0.csv'];

  test('makes room for the next one', async () => {
    const { bucket, batch: of } = batch();
    await bucket.write(CSV, 'Id\n');
    await archiveCsv(of);
    expect([...bucket.objects.keys()]).toEqual([ARCHIVED]);
  });

  test('may be archived already, and another one that begins alike is left', async () => {
    const { bucket, batch: of } = batch();
    await bucket.write(`${CSV}.gz`, '');
    await archiveCsv(of);
    expect([...bucket.objects.keys()]).toEqual([`${CSV}.gz`]);
  });
});

test('a push has an end, so many seconds after its decision', () => {
  const settings = { ...configuration.settings, pushDeadlineSeconds: 90 };
  expect(pushDeadline(settings, Date.UTC(2026, 0, 1))).toBe('2026-01-01T00:01:30.000Z');
});

test('a read-back and the answers are told apart by what they are of: linked records by id, new rows by their key', async () => {
  const bucket = new MemoryBucket();
  const version = { id: idOf(1), deleted: false, stamp: 1, fields: {} };
  await bucket.writeLines('read', [
    { id: idOf(1), revision: 1, version },
    { externalId: 'k', insertion: '1', revision: 0 },
  ]);
  await bucket.writeLines('first', [{ id: idOf(1), outcome: 'accepted' }]);
  await bucket.writeLines('second', [{ externalId: 'k', outcome: 'refused', code: 'X' }]);
  const { readBacks, answers } = await readAnswers(bucket.storage, 'read', ['first', 'second']);
  expect(readBacks).toMatchObject([{ id: idOf(1), revision: 1 }]);
  expect(answers.newRows).toMatchObject([{ externalId: 'k' }]);
  expect([...answers.outcomes]).toMatchObject([[idOf(1), { outcome: 'accepted' }]]);
  expect([...answers.insertOutcomes]).toMatchObject([['k', { outcome: 'refused' }]]);
});
