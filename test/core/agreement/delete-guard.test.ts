import { describe, expect, test } from 'vitest';
import { collect } from '../../../core/agreement/collect.ts';
import { heldReported, isStorm, sendHeld, takeBackHeld } from '../../../core/agreement/delete-guard.ts';
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
    ['a small share of a large table, but too many', 501, 1_000_000, true],
  ])('%s: %i of %i', async (_, chosen, records, storm) => {
    expect(await isStorm(guard, chosen, async () => records)).toBe(storm);
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
