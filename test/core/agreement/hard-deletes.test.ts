/** Records that are emptied from the recycle bin, once the read-back has shown that our delete has buried no edit. */
import { describe, expect, test } from 'vitest';
import type { Link, RowVersion } from '../../../core/agreement/link.ts';
import { decide, type Outcome, settle } from '../../../core/agreement/outbound.ts';
import { giveUp } from '../../../core/agreement/unmerged.ts';
import type { ObjectMapping } from '../../../core/mapping/configuration.ts';
import { base, link, MERGED, push, row, thing, version } from './thing.ts';

const hard: ObjectMapping = { ...thing, deleteRecord: 'hard' };
const gone = version({}, { deleted: true });
const deleting = push({ sentDeleted: true });
const binned = { base: base({}, true), purgeDue: true };

function settled(more: Partial<Link>, outcome: Outcome, readBack = gone, was?: RowVersion, mapping = hard) {
  const pair = { link: link({ push: deleting, ...more }), row: was };
  const settlement = settle(mapping, pair, readBack, outcome, { revision: 7, readAt: MERGED + 5 });
  if (settlement.outcome === 'again') throw new Error('read back again');
  return settlement;
}

describe('a delete that Salesforce has accepted', () => {
  test('is followed by the purge', () => {
    expect(settled({}, 'accepted').link).toMatchObject({ purgeDue: true, dirty: true, base: base({}, true) });
  });

  test('ends in the recycle bin where the object wants it so', () => {
    expect(settled({}, 'accepted', gone, undefined, thing).link).toMatchObject({ purgeDue: false, dirty: false });
  });

  test('is not when it has buried an edit: the row comes back', () => {
    const buried = settled({}, 'accepted', version({ x: 's' }, { deleted: true }));
    expect(buried).toMatchObject({ row: row({ x: 's' }), link: { purgeDue: false, dirty: true } });
  });

  test('is not when a user has undeleted the record', () => {
    expect(settled({}, 'accepted', version())).toMatchObject({ row: row(), link: { purgeDue: false, dirty: false } });
  });

  test('is not when a row is there: it has left the filter, and may come back', () => {
    const leaving: ObjectMapping = { ...hard, filter: { where: 'x', leaving: 'delete' } };
    const outside = { ...row(), outside: true } as const;
    const after = settled({ wasInside: true }, 'accepted', gone, outside, leaving);
    expect(after).toMatchObject({ row: outside, link: { purgeDue: false, dirty: false, wasInside: false } });
  });
});

describe('a delete of another end', () => {
  test.each(['refused', 'not applied', 'unknown'] as const)('is followed by no purge: %s', (outcome) => {
    expect(settled({}, outcome, version()).link.purgeDue).toBe(false);
  });

  test('that has taken along nothing but the row is none: it was an update', () => {
    expect(settled({ push: push() }, 'accepted', gone).link.purgeDue).toBe(false);
  });

  test('that turns out to have landed, and was undone by a user, is sent again before any purge', () => {
    const round = { revision: 7, readAt: MERGED + 5, pushId: 'next', now: MERGED + 10, clockSkew: 0 };
    expect(decide(hard, { link: link({ push: deleting }), row: undefined }, version(), round)).toMatchObject({
      outcome: 'push',
      push: { outgoing: { kind: 'delete' } },
      link: { purgeDue: false },
    });
  });

  test('of a row that has left the filter is followed by no purge, either', () => {
    const round = { revision: 7, readAt: MERGED + 5, pushId: 'next', now: MERGED + 10, clockSkew: 0 };
    const leaving: ObjectMapping = { ...hard, filter: { where: 'x', leaving: 'delete' } };
    const outside = { ...row(), outside: true } as const;
    const pair = { link: link({ push: deleting, wasInside: true }), row: outside };
    expect(decide(leaving, pair, gone, round)).toMatchObject({ outcome: 'done', link: { purgeDue: false } });
  });

  test('that turns out to have landed is followed by the purge at once', () => {
    const round = { revision: 7, readAt: MERGED + 5, pushId: 'next', now: MERGED + 10, clockSkew: 0 };
    const decided = (mapping: ObjectMapping, open = deleting) =>
      decide(mapping, { link: link({ push: open }), row: undefined }, gone, round);
    expect(decided(hard)).toMatchObject({
      outcome: 'push',
      push: { outgoing: { kind: 'purge' } },
      link: { purgeDue: true, push: { sentDeleted: true, sent: {} } },
    });
    expect(decided(thing)).toMatchObject({ outcome: 'done', link: { purgeDue: false } });
    expect(decided(hard, push()), 'it was another push').toMatchObject({ outcome: 'done', link: { purgeDue: false } });
  });
});

describe('a purge', () => {
  test('that Salesforce has accepted is done', () => {
    expect(settled(binned, 'accepted').link).toMatchObject({ purgeDue: false, dirty: false, base: base({}, true) });
  });

  test('that it has refused is not sent again, and stays listed', () => {
    expect(settled(binned, 'refused').link).toMatchObject({
      purgeDue: true,
      dirty: false,
      refused: { deleted: true },
    });
  });

  test('that was not applied, or of which nothing is known, is due again', () => {
    for (const outcome of ['not applied', 'unknown'] as const) {
      expect(settled(binned, outcome).link).toMatchObject({ purgeDue: true, dirty: true });
    }
  });

  test('of a record that a user has undeleted is due no more', () => {
    for (const outcome of ['accepted', 'not applied', 'refused'] as const) {
      expect(settled(binned, outcome, version())).toMatchObject({ row: row(), link: { purgeDue: false } });
    }
  });

  test('of a record that is nowhere to be found is done', () => {
    const missing = { isMissing: true, outcome: 'unknown', readAt: 0, now: 0 } as const;
    const after = giveUp(hard, { link: link({ ...binned, push: deleting }), row: undefined }, missing);
    expect(after).toMatchObject({ purgeDue: false, base: base({}, true), push: undefined });
  });
});

describe('a row that is outside the filter', () => {
  const leaving: ObjectMapping = { ...thing, filter: { where: 'x', leaving: 'delete' } };
  const outside = { ...row(), outside: true } as const;

  test('has still been inside when an update of its record was accepted', () => {
    const after = settled({ push: push(), wasInside: true }, 'accepted', version(), outside, leaving);
    expect(after.link).toMatchObject({ wasInside: true, dirty: true });
  });

  test('stays as it is when a user undeletes the record that was deleted because the row had left', () => {
    const after = settled({ wasInside: true }, 'accepted', version(), outside, leaving);
    expect(after).toMatchObject({ row: outside, link: { wasInside: false, dirty: false, base: base() } });
  });
});
