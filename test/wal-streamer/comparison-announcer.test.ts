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

test('only what is due is put; what the bus refused is told by its objects', async () => {
  const puts: (readonly string[])[] = [];
  const failures: unknown[] = [];
  let isAway = false;
  const announcing = new ComparisonAnnouncer({
    put: async (objects) => {
      if (isAway) throw new Error('away');
      puts.push(objects);
    },
    failed: (objects, error) => failures.push([objects, error]),
  });
  const contact = comparison({ object: 'Contact' });
  await announcing.due([], new Set(), 0);
  await announcing.due([comparison()], new Set(), 0);
  await announcing.due([comparison(), contact], new Set(), 1);
  expect(puts).toEqual([['Account'], ['Contact']]);
  isAway = true;
  await announcing.due([comparison(), { ...contact, order: '2' }], new Set(), 2);
  expect(failures).toEqual([[['Contact'], new Error('away')]]);
  isAway = false;
  await announcing.due([comparison(), { ...contact, order: '2' }], new Set(), 3);
  expect(puts).toEqual([['Account'], ['Contact'], ['Contact']]);
});

test.each([
  ['links', 6],
  ['records', 120],
] as const)(
  'one at its %s stands still for %i minutes before it is announced again, each time',
  async (stage, minutes) => {
    const { put, due } = announcer();
    const just = 1 / 60_000;
    await due(0, { stage });
    await due(minutes - just, { stage });
    expect(put).toHaveLength(1);
    await due(minutes, { stage });
    expect(put).toHaveLength(2);
    await due(2 * minutes - just, { stage });
    expect(put).toHaveLength(2);
    await due(2 * minutes, { stage });
    expect(put).toHaveLength(3);
  },
);

test('one that has got to another stage, or another place, has not stood still', async () => {
  const { put, due } = announcer();
  await due(0);
  await due(5, { stage: 'rows' });
  await due(10, { stage: 'rows', after: '7' });
  await due(15, { stage: 'rows', after: '7' });
  expect(put).toHaveLength(1);
});

test('one that is ordered again is announced, also where its table cannot be read', async () => {
  const { put, due } = announcer();
  await due(0, {}, ['Account']);
  await due(1, { order: '2' }, ['Account']);
  expect(put).toHaveLength(2);
});
