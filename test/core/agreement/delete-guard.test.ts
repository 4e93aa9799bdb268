import { describe, expect, test } from 'vitest';
import { isStorm } from '../../../core/agreement/delete-guard.ts';
import { agree } from '../../../core/agreement/merge.ts';
import { collect, decide, giveUp } from '../../../core/agreement/outbound.ts';
import { base, link, row, thing, version } from './thing.ts';

const guard = { percent: 10, atLeast: 20, atMost: 500, windowMinutes: 60 };

describe('deletes are a storm', () => {
  test.each([
    ['two of a table of two', 2, 2, false],
    ['as many as pass in any case', 20, 40, false],
    ['more than that of a small table', 21, 40, true],
    ['a tenth of a table', 100, 1_000, false],
    ['more than a tenth', 101, 1_000, true],
    ['a small share of a large table, but too many', 501, 1_000_000, true],
  ])('%s: %i of %i', async (_, chosen, records, storm) => {
    expect(await isStorm(guard, chosen, async () => records)).toBe(storm);
  });
});

describe('a delete that is held', () => {
  const held = link({ guard: 'held', dirty: true });
  const round = { revision: 7, readAt: 0, pushId: 'push', now: 0, clockSkew: 0 };

  test('is not taken in hand, however often the row is announced', () => {
    expect(collect(thing, { link: held, row: undefined })).toMatchObject({ dirty: false, guard: 'held' });
  });

  test('is not sent when its record is read for another reason', () => {
    expect(decide(thing, { link: held, row: undefined }, version(), round)).toMatchObject({
      outcome: 'done',
      link: { guard: 'held', dirty: false },
    });
  });

  test('is held no longer when the row is back', () => {
    expect(collect(thing, { link: held, row: row() })).toMatchObject({ dirty: false, guard: undefined });
    expect(collect(thing, { link: held, row: row({ x: 'new' }) })).toMatchObject({ dirty: true, guard: undefined });
  });

  test('is forgotten when the record is deleted by somebody else, or gone for good', () => {
    expect(agree(thing, { ...held, base: base({}, true) }, undefined)).toMatchObject({
      dirty: false,
      guard: undefined,
    });
    expect(giveUp(thing, { link: held, row: undefined })).toMatchObject({ dirty: false, guard: undefined });
  });

  test('gives way to an edit of the record', () => {
    const decision = decide(thing, { link: held, row: undefined }, version({ x: 'org' }), round);
    expect(decision).toMatchObject({ outcome: 'done', row: { fields: { x: 'org' } }, link: { guard: undefined } });
  });
});
