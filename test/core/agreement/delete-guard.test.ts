import { describe, expect, test } from 'vitest';
import { collect } from '../../../core/agreement/collect.ts';
import {
  heldReported,
  held as hold,
  isGuarded,
  isStorm,
  passed,
  sendHeld,
  takeBackHeld,
} from '../../../core/agreement/delete-guard.ts';
import type { Link, RowVersion } from '../../../core/agreement/link.ts';
import { agree } from '../../../core/agreement/merge.ts';
import { decide } from '../../../core/agreement/outbound.ts';
import { giveUp } from '../../../core/agreement/unmerged.ts';
import { base, link, row, thing, version } from './thing.ts';

const guard = { percent: 10, atLeast: 20, atMost: 500, windowMinutes: 60 };

const MISSING = { isMissing: true, outcome: undefined, readAt: 0, now: 0 };

describe('deletes are a storm', () => {
  test.each([
    ['two of a table of two', 2, 2, false],
    ['as many as pass in any case', 20, 40, false],
    ['more than that of a small table', 21, 40, true],
    ['a tenth of a table', 100, 1_000, false],
    ['more than a tenth', 101, 1_000, true],
    ['as many as may pass of a large table', 500, 1_000_000, false],
    ['a small share of a large table, but too many', 501, 1_000_000, true],
  ])('%s: %i of %i', async (_, chosen, records, storm) => {
    expect(await isStorm(guard, chosen, async () => records)).toBe(storm);
  });

  test('more than pass in any case, where no share of the table may go', async () => {
    const none = { ...guard, percent: 0 };
    const uncounted = () => Promise.reject(new Error('it does not matter how many there are'));
    expect(await isStorm(none, 21, uncounted)).toBe(true);
    expect(await isStorm(none, 20, uncounted)).toBe(false);
    expect(await isStorm(guard, 501, uncounted)).toBe(true);
  });

  test('by records that are counted no further than it matters', async () => {
    const asked: number[] = [];
    const counting = (records: number) => async (most: number) => {
      asked.push(most);
      return Math.min(records, most);
    };
    for (const records of [999, 1_000, 1_001, 1_000_000]) {
      expect(await isStorm(guard, 100, counting(records))).toBe(records < 1_000);
    }
    const thirds = { ...guard, percent: 30 };
    for (const records of [99, 333, 334, 1_000_000]) {
      expect(await isStorm(thirds, 100, counting(records))).toBe(records < 334);
    }
    expect(Math.max(...asked)).toBeLessThan(1_010);
  });
});

describe('the guard', () => {
  const decided = (more: Partial<Link>, was: RowVersion | undefined, mapping = thing) => {
    const decision = decide(mapping, { link: link(more), row: was }, version(), ROUND);
    if (decision.outcome === 'left') throw new Error('nothing was decided');
    return decision;
  };

  test('judges a delete that it has not let pass already, and nothing else', () => {
    expect(isGuarded(thing, decided({}, undefined))).toBe(true);
    expect(isGuarded(thing, decided({ guard: 'passed' }, undefined)), 'let pass').toBe(false);
    expect(isGuarded({ ...thing, deleteGuard: undefined }, decided({}, undefined)), 'no guard').toBe(false);
    expect(isGuarded(thing, decided({}, row({ x: 'p' }))), 'an update').toBe(false);
    expect(isGuarded(thing, decided({}, row())), 'nothing to send').toBe(false);
    expect(isGuarded(thing, { outcome: 'left' })).toBe(false);
  });

  test('lets a delete go on, and does not count it again', () => {
    const decision = decided({}, undefined);
    if (!isGuarded(thing, decision)) throw new Error('the delete is not guarded');
    expect(passed(decision)).toEqual({ ...decision, link: { ...decision.link, guard: 'passed' } });
    expect(isGuarded(thing, passed(decision))).toBe(false);
  });

  test('holds it: nothing is sent, and nothing is due', () => {
    const decision = decided({}, undefined);
    if (!isGuarded(thing, decision)) throw new Error('the delete is not guarded');
    const { push: _, ...others } = decision;
    const resting = { ...decision.link, push: undefined, dirty: false, guard: 'held' };
    expect(hold(decision)).toEqual({ ...others, outcome: 'done', link: resting });
  });
});

const ROUND = { revision: 7, readAt: 0, pushId: 'push', now: 0, clockSkew: 0 };

describe('a delete that is held', () => {
  const held = link({ guard: 'held', dirty: true });

  test('is not collected, however often the row is announced', () => {
    expect(collect(thing, { link: held, row: undefined })).toMatchObject({ dirty: false, guard: 'held' });
  });

  test('is not sent when its record is read for another reason', () => {
    expect(decide(thing, { link: held, row: undefined }, version(), ROUND)).toMatchObject({
      outcome: 'done',
      link: { guard: 'held', dirty: false },
    });
  });

  test('is held no longer when the row is back', () => {
    expect(collect(thing, { link: held, row: row() })).toMatchObject({ dirty: false, guard: undefined });
    expect(collect(thing, { link: held, row: row({ x: 'new' }) })).toMatchObject({ dirty: true, guard: undefined });
  });

  test('is forgotten when the record is deleted in Salesforce, or gone for good', () => {
    expect(agree(thing, { ...held, base: base({}, true) }, undefined)).toMatchObject({
      dirty: false,
      guard: undefined,
    });
    expect(giveUp(thing, { link: held, row: undefined }, MISSING)).toMatchObject({ dirty: false, guard: undefined });
  });

  test('gives way to an edit of the record', () => {
    const decision = decide(thing, { link: held, row: undefined }, version({ x: 'org' }), ROUND);
    expect(decision).toMatchObject({ outcome: 'done', row: { fields: { x: 'org' } }, link: { guard: undefined } });
  });
});

describe('held deletes that are released', () => {
  const held = link({ guard: 'held', wasInside: true });
  const revision = held.revision + 1;

  test('go, and pass the guard', () => {
    expect(sendHeld(held)).toEqual({ ...held, guard: 'passed', dirty: true, revision });
    const decision = decide(thing, { link: sendHeld(held), row: undefined }, version(), { ...ROUND, revision });
    expect(decision).toMatchObject({ outcome: 'push', push: { outgoing: { kind: 'delete' } } });
  });

  test('are taken back as after an undelete: the row is made from the record', () => {
    const back = takeBackHeld(held);
    const made = { base: base({}, true), wasInside: false, guard: undefined, rereadDue: true, revision };
    expect(back).toEqual({ ...held, ...made });
    const decision = decide(thing, { link: back, row: undefined }, version(), { ...ROUND, revision });
    expect(decision).toMatchObject({ outcome: 'done', row: { fields: version().fields } });
  });
});

describe('the report of held deletes', () => {
  const arn = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:run-7';

  test.each([
    ['there is none', undefined, 'nothing'],
    ['it is confirmed', { batchId: 'run-6-1', confirmed: true }, 'nothing'],
    ['an earlier batch of this execution has made it', { batchId: 'run-7-12', confirmed: false }, 'confirmed'],
    ['a batch of another execution was to make it', { batchId: 'run-6-12', confirmed: false }, 'lost'],
    ['it is from before reports were kept', { batchId: 'before', confirmed: false }, 'lost'],
  ] as const)('%s', (_, report, known) => {
    expect(heldReported(report, arn)).toBe(known);
  });
});
