/** COLLECT and DECIDE: is a record due, and what is sent. */
import { describe, expect, test } from 'vitest';
import { isDue } from '../../../core/agreement/collect.ts';
import type { Link, RowVersion } from '../../../core/agreement/link.ts';
import type { Merged } from '../../../core/agreement/merge.ts';
import { decide, takenUp } from '../../../core/agreement/outbound.ts';
import { giveUp } from '../../../core/agreement/unmerged.ts';
import { UNREADABLE } from '../../../core/mapping/canonical.ts';
import type { SalesforceVersion } from '../../../core/mapping/salesforce-version.ts';
import {
  base,
  ID,
  link,
  MERGED,
  push,
  row,
  SECOND,
  sent,
  thing,
  thingByClearingFlow,
  thingByFlow,
  version,
} from './thing.ts';

const round = { revision: 7, readAt: MERGED + 5, pushId: 'next', now: MERGED + 10, clockSkew: 2 * SECOND };
const PARENT = '001000000000002AAA';

function decided(before: Link, was: RowVersion | undefined, look: SalesforceVersion = version(), mapping = thing) {
  return decide(mapping, { link: before, row: was }, look, round);
}

describe('a collected record', () => {
  test.for<[string, Partial<Link>, RowVersion | undefined, boolean]>([
    ['equal to the base is done', {}, row(), false],
    ['with an edit is due', {}, row({ x: 'p' }), true],
    ['with an edit of a field that only Salesforce owns is done', {}, row({ inward: 'p' }), false],
    ['whose row is gone is due', {}, undefined, true],
    ['gone on both sides is done', { base: base({}, true) }, undefined, false],
    ['deleted there, with a row, is due', { base: base({}, true) }, row(), true],
    ['with an open push is due', { push: push() }, row(), true],
    ['that has to be read again is due', { rereadDue: true }, row(), true],
    ['never merged is due', { base: undefined }, row(), true],
    ['refused as it is is done', { refused: { fields: { x: 'p' }, deleted: undefined } }, row({ x: 'p' }), false],
    [
      'changed since it was refused is due',
      { refused: { fields: { x: 'p' }, deleted: undefined } },
      row({ x: 'q' }),
      true,
    ],
    ['whose delete was refused is done', { refused: { fields: {}, deleted: true } }, undefined, false],
    ['with a lookup that waits is done', { base: base({ parent: PARENT }), waiting: { parent: PARENT } }, row(), false],
    ['with a lookup to a row that Salesforce lacks is done', {}, row({ parent: { unlinked: '1' } }), false],
    ['with a value that Salesforce cannot store is done', {}, row({ x: UNREADABLE }), false],
  ])('%s', ([, more, was, due]) => {
    expect(isDue(thing, { link: link(more), row: was })).toBe(due);
  });
});

describe('decide, through the API', () => {
  test('sends changed fields only, and remembers what', () => {
    const decision = decided(link({ dirty: true }), row({ x: 'p', outward: null }));
    expect(decision).toMatchObject({
      outcome: 'push',
      push: { delivery: 'api', outgoing: { kind: 'update', fields: { x: 'p', outward: null } }, fillers: {} },
      link: {
        dirty: false,
        revision: 8,
        highWater: MERGED + SECOND,
        appliedAt: MERGED + 5,
        push: push({ id: 'next', sentAt: MERGED + 10, sent: sent({ x: 'p', outward: null }) }),
      },
    });
  });

  test('merges what a person changed a moment ago instead of overwriting it', () => {
    const decision = decided(link(), row({ x: 'p' }), version({ mine: 's' }));
    expect(decision).toMatchObject({
      outcome: 'push',
      row: row({ x: 'p', mine: 's' }),
      conflicts: [],
      push: { outgoing: { fields: { x: 'p' } } },
    });
  });

  test('has nothing to send when the look settles it', () => {
    const decision = decided(link({ dirty: true, rereadDue: true }), row({ x: 'p' }), version({ x: 'p' }));
    expect(decision).toMatchObject({ outcome: 'done', link: { dirty: false, rereadDue: false, push: undefined } });
  });

  test('leaves a record alone whose link has changed since it was collected', () => {
    expect(decided(link({ revision: 8 }), row({ x: 'p' }))).toEqual({ outcome: 'left' });
  });

  test('sends a delete without fields', () => {
    const decision = decided(link(), undefined);
    expect(decision).toMatchObject({
      outcome: 'push',
      push: { delivery: 'api', outgoing: { kind: 'delete' } },
      link: { push: { sent: {}, sentDeleted: true } },
    });
  });

  test.for<[string, Partial<Link>, RowVersion]>([
    ['waits', { waiting: { parent: PARENT } }, row()],
    ['leads to a row that Salesforce lacks', {}, row({ parent: { unlinked: '1' } })],
  ])('revives with all fields that may be written, without a lookup that %s', ([, more, was]) => {
    const before = link({ base: base({ parent: PARENT }, true), ...more });
    const decision = decided(before, was, version({ parent: PARENT }, { deleted: true }));
    const fields = { x: 'b', mine: 'b', outward: 'b' };
    expect(decision).toMatchObject({
      outcome: 'push',
      push: { delivery: 'api' },
      link: { push: { sentDeleted: false } },
    });
    if (decision.outcome !== 'push') return;
    expect(decision.push.outgoing).toEqual({ kind: 'revive', fields });
    expect(decision.link.push?.sent).toEqual(sent(fields));
  });

  test('takes an open push for one whose outcome is not known', () => {
    const before = link({ push: push({ sent: sent({ x: 'ours' }) }) });
    const landed = decided(before, row({ x: 'p' }), version({ x: 'ours' }));
    expect(landed).toMatchObject({ outcome: 'push', conflicts: [], push: { outgoing: { fields: { x: 'p' } } } });
    const editedBack = decided(before, row({ x: 'b' }), version({ x: 'ours' }));
    expect(editedBack).toMatchObject({ outcome: 'push', conflicts: [], push: { outgoing: { fields: { x: 'b' } } } });
    const undone = decided(before, row({ x: 'ours' }), version());
    expect(undone).toMatchObject({ outcome: 'push', conflicts: [{ reason: 'push may have been undone' }] });
  });

  test.for<[string, number, boolean]>([
    ['was last written before the push, by any clock: it never landed', MERGED + 4 * SECOND, false],
    ['may have been written since, as clocks go', MERGED + 3 * SECOND + 999, true],
  ])('and the record %s', ([, sentAt, isUndone]) => {
    const before = link({ push: push({ sentAt, sent: sent({ x: 'ours' }) }) });
    const { conflicts } = decided(before, row({ x: 'ours' }), version()) as Merged;
    expect(conflicts.length).toBe(isUndone ? 1 : 0);
    const theirs = decided(before, row(), version({ x: 's' }));
    expect(theirs).toMatchObject(isUndone ? { conflicts: [{ reason: 'both edited' }] } : { row: row({ x: 's' }) });
    const filled = link({ push: push({ sentAt, sent: sent({ x: 'ours', mine: 'b' }, true) }) });
    expect(decided(filled, row(), version({ x: 's', mine: 's' }))).toMatchObject({
      row: row({ x: 's', mine: 's' }),
      conflicts: [],
    });
    const seen = { x: { value: 'seen', sure: true } };
    const showing = link({ push: push({ sentAt, sent: sent({ x: 'ours' }), seen }) });
    expect(decided(showing, row({ x: 'ours' }), version({ x: 'ours' }))).toMatchObject({
      row: row({ x: isUndone ? 'seen' : 'ours' }),
    });
  });
});

test('a push that has not landed has written nothing: who has set the same value there before has made an edit', () => {
  const sentAt = MERGED + 60 * SECOND;
  const before = link({ push: push({ sentAt, sent: sent({ x: 'ours' }) }) });
  const decision = decided(before, row({ x: 'later' }), version({ x: 'ours' }));
  expect(decision).toMatchObject({
    row: row({ x: 'ours' }),
    conflicts: [{ field: 'x', reason: 'both edited', salesforce: 'ours', postgres: 'later' }],
  });
});

describe('decide, through AppFlow', () => {
  test('is not for objects whose updates go through the API, nor for what was tried in vain', () => {
    expect(decided(link(), row({ x: 'p' }))).toMatchObject({ push: { delivery: 'api', fillers: {} } });
    const tried = decided(link({ retries: 1 }), row({ x: 'p' }), version(), thingByFlow);
    expect(tried).toMatchObject({ push: { delivery: 'api', outgoing: { fields: { x: 'p' } } } });
    if (tried.outcome === 'push') expect(tried.push.fillers).toEqual({});
  });

  test('sends whole rows: unchanged fields carry what the look found, as fillers', () => {
    const decision = decided(link(), row({ x: 'p' }), version({ inward: 's', parent: ID }), thingByFlow);
    expect(decision).toMatchObject({
      push: {
        delivery: 'appflow',
        outgoing: { kind: 'update', fields: { x: 'p' } },
        fillers: { mine: 'b', outward: 'b', parent: ID },
      },
      link: {
        push: {
          delivery: 'appflow',
          sent: { ...sent({ x: 'p' }), ...sent({ mine: 'b', outward: 'b', parent: ID }, true) },
        },
      },
    });
    if (decision.outcome !== 'push') throw new Error('nothing is sent');
    expect(decision.push.fillers).toEqual({ mine: 'b', outward: 'b', parent: ID });
  });

  test('sends null in an empty cell where that clears the field; a filler that is null stays so', () => {
    const look = version({ parent: null });
    const decision = decided(link(), row({ x: 'p', mine: null }), look, thingByClearingFlow);
    expect(decision).toMatchObject({
      push: {
        delivery: 'appflow',
        outgoing: { kind: 'update', fields: { x: 'p', mine: null } },
        fillers: { outward: 'b', parent: null },
      },
      link: { push: { sent: sent({ x: 'p', mine: null }) } },
    });
  });

  test.for<[string, RowVersion | undefined, SalesforceVersion, Partial<Link>]>([
    ['a field that becomes null', row({ x: 'p', mine: null }), version(), {}],
    ['a text that clears a field in the Bulk API', row({ x: '#N/A' }), version(), {}],
    [
      'such a text that a filler would be',
      row({ x: 'p', mine: '#N/A' }),
      version({ mine: '#N/A' }),
      { base: base({ mine: '#N/A' }) },
    ],
    ['a delete', undefined, version(), {}],
    ['a revive', row(), version({}, { deleted: true }), { base: base({}, true) }],
  ])('sends %s through the API, without fillers', ([, was, look, more]) => {
    const decision = decided(link(more), was, look, thingByFlow);
    expect(decision).toMatchObject({ outcome: 'push', push: { delivery: 'api', fillers: {} } });
  });
});

describe('a record that a fresh read does not find', () => {
  const unfound = (more: Partial<Link>, was: RowVersion | undefined) =>
    giveUp(
      thing,
      { link: link(more), row: was },
      { isMissing: true, outcome: more.push && 'unknown', readAt: 0, now: 0 },
    );

  test('is no longer due, and nothing of it counts as refused', () => {
    const after = unfound({ dirty: true, rereadDue: true, push: push() }, row({ x: 'p' }));
    expect(after).toEqual(link({ revision: 8 }));
  });

  test('whose row is gone has got what it wanted', () => {
    const after = unfound({ dirty: true }, undefined);
    expect(after).toMatchObject({ base: base({}, true), dirty: false });
    expect(isDue(thing, { link: after, row: undefined })).toBe(false);
  });

  test('that was to be revived is no longer due, either', () => {
    expect(unfound({ base: base({}, true), dirty: true }, row())).toEqual(link({ base: base({}, true), revision: 8 }));
  });
});

test('a redriven record is looked at on both sides, and what was refused is tried again', () => {
  const refused = link({ refused: { fields: { x: 'p' }, deleted: undefined } });
  expect(isDue(thing, { link: refused, row: row({ x: 'p' }) })).toBe(false);
  const { revision } = refused;
  expect(takenUp(refused)).toEqual(link({ dirty: true, rereadDue: true, revision: revision + 1 }));
  expect(takenUp(link({ refused: { fields: {}, deleted: true } })).refused.deleted).toBeUndefined();
});
