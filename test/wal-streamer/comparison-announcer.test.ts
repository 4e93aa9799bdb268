import { expect, test } from 'vitest';
import type { Comparison } from '../../postgres/ledger/comparison.ts';
import { ComparisonAnnouncer } from '../../wal-streamer/comparison-announcer.ts';

function comparison(change: Partial<Comparison> = {}): Comparison {
  return {
    object: 'Account',
    reasons: ['asked'],
    orderedAt: new Date(0),
    order: '1',
    stage: 'links',
    after: null,
    looked: 0,
    marked: 0,
    waits: false,
    finishedAt: null,
    finishedBy: null,
    ...change,
  };
}

function announcer() {
  const put: string[] = [];
  const failures: unknown[] = [];
  const bus = { away: false };
  const announcing = new ComparisonAnnouncer({
    put: async (objects) => {
      if (bus.away) throw new Error('away');
      put.push(...objects);
    },
    failed: (_, error) => failures.push(error),
  });
  const due = (minute: number, change: Partial<Comparison> = {}, held: readonly string[] = []) =>
    announcing.due([comparison(change)], new Set(held), minute * 60_000);
  return { put, failures, due, bus };
}

test('a comparison is announced once, however often it is seen, and again when it is ordered again', async () => {
  const { put, due } = announcer();
  await due(0);
  await due(1);
  await due(2, { after: '5' });
  expect(put).toEqual(['Account']);
  await due(3, { order: '2' });
  expect(put).toEqual(['Account', 'Account']);
});

test('one that no execution goes on with is announced again; a full sweep is given hours', async () => {
  const { put, due } = announcer();
  await due(0);
  await due(4, { after: '5' });
  await due(9, { after: '5' });
  expect(put).toHaveLength(1);
  await due(10, { after: '5' });
  expect(put).toHaveLength(2);
  await due(11, { stage: 'records' });
  await due(100, { stage: 'records' });
  expect(put).toHaveLength(2);
  await due(131, { stage: 'records' });
  expect(put).toHaveLength(3);
});

test('one whose table cannot be read is announced once', async () => {
  const { put, due } = announcer();
  await due(0, {}, ['Account']);
  await due(60, {}, ['Account']);
  expect(put).toHaveLength(1);
  await due(61);
  expect(put).toHaveLength(2);
});

test('an event that the bus did not take is put again at the next look', async () => {
  const { put, failures, due, bus } = announcer();
  bus.away = true;
  await due(0);
  expect(failures).toHaveLength(1);
  bus.away = false;
  await due(0.1);
  expect(put).toEqual(['Account']);
});
