/** SETTLE, RESTORE and the second try through the API: how a push ends. */
import { describe, expect, test } from 'vitest';
import { isDue } from '../../../core/agreement/collect.ts';
import type { Link, OpenPush, RowVersion } from '../../../core/agreement/link.ts';
import { type Outcome, settle } from '../../../core/agreement/outbound.ts';
import { afterAttempt, outcomeOfPush, outcomeOfRun, pushAgain } from '../../../core/agreement/push-outcome.ts';
import type { SalesforceVersion } from '../../../core/mapping/salesforce-version.ts';
import { base, link, MERGED, push, row, SECOND, sent, thing, version } from './thing.ts';

const round = { revision: 7, readAt: MERGED + 5 };
const open = push({ sent: sent({ x: 'ours' }) });

function settled(
  outcome: Outcome,
  readBack: SalesforceVersion,
  { was = row({ x: 'ours' }), before = open, more = {} }: Settled = {},
) {
  const pair = { link: link({ push: before, ...more }), row: was === 'gone' ? undefined : was };
  const settlement = settle(thing, pair, readBack, outcome, round);
  if (settlement.outcome === 'again') throw new Error('read back again');
  return settlement;
}
interface Settled {
  readonly was?: RowVersion | 'gone' | undefined;
  readonly before?: OpenPush;
  readonly more?: Partial<Link>;
}

describe('an accepted update', () => {
  test('closes the push, and the base is what Salesforce holds', () => {
    expect(settled('accepted', version({ x: 'ours' }))).toMatchObject({
      outcome: 'settled',
      row: row({ x: 'ours' }),
      conflicts: [],
      link: {
        push: undefined,
        dirty: false,
        base: base({ x: 'ours' }),
        highWater: MERGED + SECOND,
        appliedAt: MERGED + 5,
        revision: 8,
      },
    });
  });

  test('that a trigger normalised is taken as Salesforce spells it', () => {
    expect(settled('accepted', version({ x: 'OURS', mine: 'trigger' }))).toMatchObject({
      row: row({ x: 'OURS', mine: 'trigger' }),
      conflicts: [],
      link: { dirty: false },
    });
  });

  test('that a person edited afterwards gives way without a conflict', () => {
    expect(settled('accepted', version({ x: 's' }))).toMatchObject({ row: row({ x: 's' }), conflicts: [] });
  });

  test('of a row that was edited since is due again', () => {
    expect(settled('accepted', version({ x: 'ours' }), { was: row({ x: 'q' }) })).toMatchObject({
      row: row({ x: 'q' }),
      conflicts: [],
      link: { dirty: true },
    });
  });

  test('of a record that is deleted by now takes the row with it', () => {
    expect(settled('accepted', version({ x: 'ours' }, { deleted: true }))).toMatchObject({
      row: undefined,
      conflicts: [],
    });
  });
});

describe('an accepted delete or revive', () => {
  const deleting = push({ sentDeleted: true });
  const reviving = push({ sentDeleted: false, sent: sent({ x: 'b', mine: 'b', outward: 'b' }) });

  test('a delete: both sides are gone', () => {
    expect(settled('accepted', version({}, { deleted: true }), { was: 'gone', before: deleting })).toMatchObject({
      row: undefined,
      conflicts: [],
      link: { base: { deleted: true }, dirty: false, push: undefined },
    });
  });

  test('a delete of a record that lives again: a user undeleted it, and the row comes back', () => {
    expect(settled('accepted', version(), { was: 'gone', before: deleting })).toMatchObject({
      row: row(),
      link: { base: { deleted: false }, dirty: false },
    });
  });

  test('a delete that buried an edit: the row comes back and revives the record', () => {
    const buried = version({ x: 's' }, { deleted: true });
    expect(settled('accepted', buried, { was: 'gone', before: deleting })).toMatchObject({
      row: row({ x: 's' }),
      conflicts: [{ reason: 'deleted and edited' }],
      link: { dirty: true },
    });
  });

  test('a revive: both sides live', () => {
    const more = { base: base({}, true) };
    expect(settled('accepted', version(), { was: row(), before: reviving, more })).toMatchObject({
      row: row(),
      conflicts: [],
      link: { base: base(), dirty: false },
    });
  });

  test('a revive of a record that is deleted again: a user deleted it after us, and the row goes', () => {
    const more = { base: base({}, true) };
    const again = version({}, { deleted: true });
    expect(settled('accepted', again, { was: row(), before: reviving, more })).toMatchObject({
      row: undefined,
      conflicts: [],
      link: { base: { deleted: true }, dirty: false },
    });
  });
});

describe('a refused push', () => {
  test('is not due until the row changes', () => {
    const { link: after } = settled('refused', version());
    expect(after).toMatchObject({ push: undefined, dirty: false, refused: { fields: { x: 'ours' } }, base: base() });
    expect(isDue(thing, { link: after, row: row({ x: 'ours' }) })).toBe(false);
    expect(isDue(thing, { link: after, row: row({ x: 'q' }) })).toBe(true);
  });

  test('whose row has changed since is due', () => {
    expect(settled('refused', version(), { was: row({ x: 'q' }) }).link).toMatchObject({
      dirty: true,
      refused: { fields: {} },
    });
  });

  test('has written nothing: who holds the same value there has made an edit', () => {
    const { row: after, conflicts } = settled('refused', version({ x: 'ours' }), { was: row({ x: 'q' }) });
    expect(after).toEqual(row({ x: 'ours' }));
    expect(conflicts).toMatchObject([{ field: 'x', reason: 'both edited', salesforce: 'ours', postgres: 'q' }]);
  });

  test('does not count fillers as refused', () => {
    const before = push({ sent: { ...sent({ x: 'ours' }), ...sent({ mine: 'b' }, true) } });
    expect(settled('refused', version(), { before }).link.refused.fields).toEqual({ x: 'ours' });
  });

  test('does not hold back a filler’s field that a user changed since', () => {
    const before = push({ sent: { ...sent({ x: 'ours' }), ...sent({ outward: 'b' }, true) } });
    const { link: after } = settled('refused', version({ outward: 's' }), { before });
    expect(after).toMatchObject({ dirty: true, refused: { fields: { x: 'ours' } } });
  });

  test('of a delete, of a revive', () => {
    const deleted = settled('refused', version(), { was: 'gone', before: push({ sentDeleted: true }) });
    expect(deleted.link).toMatchObject({ dirty: false, refused: { deleted: true } });
    const more = { base: base({}, true) };
    const before = push({ sentDeleted: false, sent: sent({ x: 'b' }) });
    const revived = settled('refused', version({}, { deleted: true }), { was: row(), before, more });
    expect(revived.link).toMatchObject({ dirty: false, refused: { deleted: false } });
  });
});

describe('a push that was not applied, or whose outcome is unknown', () => {
  test('not applied: what still differs stays due', () => {
    expect(settled('not applied', version()).link).toMatchObject({
      push: undefined,
      dirty: true,
      refused: { fields: {} },
    });
  });

  test('unknown, and it landed', () => {
    expect(settled('unknown', version({ x: 'ours' }))).toMatchObject({ conflicts: [], link: { dirty: false } });
  });

  test('unknown, and it did not land: due again, and logged, for a user may have undone it', () => {
    expect(settled('unknown', version())).toMatchObject({
      conflicts: [{ field: 'x', reason: 'push may have been undone' }],
      link: { dirty: true, push: undefined },
    });
  });
});

test('a link that has changed since the read-back began is read back again', () => {
  const settlement = (more: Partial<Link>) =>
    settle(thing, { link: link({ push: open, ...more }), row: row() }, version(), 'accepted', round);
  expect(settlement({ revision: 8 })).toEqual({ outcome: 'again' });
  expect(settlement({ push: undefined })).toEqual({ outcome: 'again' });
});

describe('what a file showed while the push was open', () => {
  test.for(['refused', 'not applied'] as const)(
    'does not come back when the push was %s: a user has set the same',
    (outcome) => {
      expect(settled(outcome, version({ x: 'ours' }), { before: seeing('x', true, false) })).toMatchObject({
        row: row({ x: 'ours' }),
        conflicts: [],
        link: { dirty: false },
      });
    },
  );

  const seeing = (field: 'x' | 'mine', sure: boolean, filler: boolean) =>
    push({ sent: sent({ [field]: 'ours' }, filler), seen: { [field]: { value: 'seen', sure } } });
  const landed = (field: 'x' | 'mine', before: OpenPush, was = row({ [field]: 'ours' }), holds = 'ours') =>
    settled('accepted', version({ [field]: holds }), { before, was });

  test.for([
    ['an edit', 'x', false],
    ['a filler', 'x', true],
    ['a filler of a field where Postgres wins', 'mine', true],
  ] as const)('comes back over %s that has overwritten it', ([, field, filler]) => {
    const restored = landed(field, seeing(field, true, filler));
    expect(restored).toMatchObject({
      row: row({ [field]: 'seen' }),
      conflicts: [
        { field, reason: 'edited during our push', salesforce: 'seen', postgres: 'ours', winner: 'salesforce' },
      ],
      link: { dirty: true, base: base({ [field]: 'ours' }) },
    });
  });

  test.for([
    ['it was not sure', 'x', seeing('x', false, false), undefined, 'ours'],
    ['the policy prefers Postgres', 'mine', seeing('mine', true, false), undefined, 'ours'],
    ['the row has moved on', 'x', seeing('x', true, false), row({ x: 'q' }), 'ours'],
    ['Salesforce still holds it', 'x', seeing('x', true, false), undefined, 'seen'],
    ['Salesforce holds something newer', 'x', seeing('x', true, false), undefined, 'newer'],
  ] as const)('does not come back when %s', ([, field, before, was, holds]) => {
    expect(landed(field, before, was, holds).conflicts).toEqual([]);
  });

  test('does not come back where it is what we sent ourselves', () => {
    const same = push({ sent: sent({ x: 'ours' }), seen: { x: { value: 'ours', sure: true } } });
    expect(landed('x', same).conflicts).toEqual([]);
  });

  test('does not come back to a row that outlives its record for its edit', () => {
    const gone = version({ x: 'ours' }, { deleted: true });
    const kept = settled('unknown', gone, { before: seeing('x', true, false), was: row({ x: 'ours', mine: 'p' }) });
    expect(kept.row).toEqual(row({ x: 'ours', mine: 'p' }));
    expect(kept.conflicts).toMatchObject([{ field: undefined, reason: 'deleted and edited' }]);
  });

  test('does not come back to a record or a row that is gone', () => {
    const before = seeing('x', true, false);
    const gone = version({ x: 'ours' }, { deleted: true });
    expect(settled('accepted', gone, { before })).toMatchObject({ row: undefined, conflicts: [] });
    expect(settled('accepted', version({ x: 'ours' }), { before, was: 'gone' })).toMatchObject({ row: undefined });
  });
});

describe('what a run of a flow says of a record', () => {
  const before = push({ delivery: 'appflow', sent: { ...sent({ x: 'ours' }), ...sent({ mine: 'b' }, true) } });
  test.for([
    ['holds what was sent', version({ x: 'ours' }), 3, 'accepted'],
    ['was written again since, and no row failed', version({ x: 'later' }), 0, 'accepted'],
    ['was written again since, and a row failed', version({ x: 'later' }), 1, 'unknown'],
    ['holds our edit, and another one in a filler', version({ x: 'ours', mine: 's' }), 1, 'accepted'],
    ['is as before, but for a filler', version({ mine: 's' }), 1, 'push again'],
    ['is as before, and a row failed', version(), 1, 'push again'],
    ['is as before, though no row failed', version(), 0, 'push again'],
    ['is deleted', version({}, { deleted: true }), 0, 'not applied'],
  ] as const)('that %s', ([, readBack, failures, outcome]) => {
    expect(outcomeOfRun(link({ push: before }), readBack, failures)).toBe(outcome);
  });

  test('of which no push is open is not known', () => {
    expect(outcomeOfRun(link(), version(), 0)).toBe('open');
  });
});

describe('a run of a flow that failed to put some rows', () => {
  const before = push({ delivery: 'appflow', sent: { ...sent({ x: 'ours' }), ...sent({ mine: 'b' }, true) } });

  test.for([
    ['one edit is there, the other as before', { x: 'ours' }],
    ['one edit is there, the other was edited again', { x: 'ours', outward: 's' }],
    ['one is as before, the other was edited', { outward: 's' }],
  ] as const)('and a record of which %s: nothing is sent over it', ([, holds]) => {
    const both = push({ delivery: 'appflow', sent: sent({ x: 'ours', outward: 'ours' }) });
    expect(outcomeOfRun(link({ push: both }), version(holds), 1)).toBe('unknown');
    expect(outcomeOfRun(link({ push: both }), version(holds), 0)).toBe('accepted');
  });

  test('leaves a record that was edited since to the merge: the edit is logged, and its field decides', () => {
    const flow = push({ delivery: 'appflow', sent: { ...sent({ x: 'ours' }), ...sent({ mine: 'b' }, true) } });
    expect(settled('unknown', version({ x: 'later', mine: 's' }), { before: flow })).toMatchObject({
      row: row({ x: 'later', mine: 's' }),
      conflicts: [{ field: 'x', salesforce: 'later', postgres: 'ours', winner: 'salesforce' }],
      link: { push: undefined, dirty: false },
    });
  });

  test('is followed by a push of the others through the API: the same one, without fillers', () => {
    const { link: pushed, fields } = pushAgain(link({ push: before }), MERGED + 50);
    expect(fields).toEqual({ x: 'ours' });
    expect(pushed).toMatchObject({ revision: 8, push: { ...before, delivery: 'api', sentAt: MERGED + 50 } });
  });
});

describe('a push that was refused for one field alone', () => {
  const both = push({ sent: sent({ x: 'ours', outward: 'ours' }) });
  const refused = (blamed: string | undefined) =>
    ({ answer: 'refused', flowFailures: undefined, isWithdrawn: false, blamed }) as const;

  test('goes again without it, and the field counts as refused', () => {
    expect(outcomeOfPush(link({ push: both }), version(), refused('x'))).toBe('push again');
    const { link: pushed, fields } = pushAgain(link({ push: both }), MERGED + 50, 'x');
    expect(fields).toEqual({ outward: 'ours' });
    expect(pushed).toMatchObject({ push: { sent: sent({ outward: 'ours' }) }, refused: { fields: { x: 'ours' } } });
    // The step is done again, for its answer was lost.
    expect(outcomeOfPush(pushed, version(), refused('x'))).toBe('push again');
    expect(pushAgain(pushed, MERGED + 60, 'x')).toMatchObject({ fields, link: { refused: pushed.refused } });

    const was = row({ x: 'ours', outward: 'ours' });
    const before = pushed.push ?? push();
    const ended = settled('accepted', version({ outward: 'ours' }), { was, before, more: { refused: pushed.refused } });
    expect(ended).toMatchObject({
      row: was,
      conflicts: [],
      link: { dirty: false, refused: { fields: { x: 'ours' } } },
    });
    expect(isDue(thing, { link: ended.link, row: row({ x: 'theirs', outward: 'ours' }) })).toBe(true);
  });

  test('of which the rest is refused, too, is refused as a whole', () => {
    const { link: pushed } = pushAgain(link({ push: both }), MERGED + 50, 'x');
    const more = { was: row({ x: 'ours', outward: 'ours' }), before: pushed.push ?? push() };
    const { link: ended } = settled('refused', version(), { ...more, more: { refused: pushed.refused } });
    expect(ended).toMatchObject({ dirty: false, refused: { fields: { x: 'ours', outward: 'ours' } } });
  });

  test.for([
    ['no field was named', both, version(), undefined],
    ['nothing else was sent', push({ sent: sent({ x: 'ours' }) }), version(), 'x'],
    [
      'the others are fillers',
      push({ sent: { ...sent({ x: 'ours' }), ...sent({ mine: 'b' }, true) } }),
      version(),
      'x',
    ],
    ['another field was edited since', both, version({ outward: 's' }), 'x'],
    [
      'one of several others was edited since',
      push({ sent: sent({ x: 'ours', outward: 'ours', mine: 'ours' }) }),
      version({ outward: 's' }),
      'x',
    ],
    ['the field was not sent', both, version(), 'mine'],
    ['the record is deleted', both, version({}, { deleted: true }), 'x'],
    ['it was a revive', push({ sent: sent({ x: 'ours', outward: 'ours' }), sentDeleted: false }), version(), 'x'],
  ] as const)('is refused where %s', ([, before, readBack, blamed]) => {
    expect(outcomeOfPush(link({ push: before }), readBack, refused(blamed))).toBe('refused');
  });
});

describe('after an attempt', () => {
  const tried = link({ retries: 3, dueAfter: 5_000 });

  test.each([
    ['was accepted', 'accepted', false, { retries: 0, dueAfter: undefined }],
    ['was refused', 'refused', false, { retries: 0, dueAfter: undefined }],
    ['may have landed', 'unknown', false, { retries: 4, dueAfter: 18_000 }],
    ['was not applied, for the record was in the recycle bin', 'not applied', false, { retries: 3, dueAfter: 5_000 }],
    ['Salesforce could not take now', 'not applied', true, { retries: 4, dueAfter: 18_000 }],
  ] as const)('what %s waits as it should', (_, outcome, isBusy, after) => {
    expect(afterAttempt(tried, outcome, isBusy, 10_000)).toEqual({ ...tried, ...after });
  });
});

describe('how a push ended', () => {
  const none = { answer: undefined, flowFailures: undefined, isWithdrawn: false };
  const flow = link({ push: push({ delivery: 'appflow', sent: sent({ x: 'p' }) }) });
  const api = link({ push: push({ sent: sent({ x: 'p' }) }) });
  const both = link({ base: base({ x: 'p' }), push: push({ sent: sent({ x: 'p', mine: 'b' }) }) });

  test.each([
    ['there is none', link(), none, 'open'],
    ['the API has answered', api, { ...none, answer: 'refused' }, 'refused'],
    ['the API has not answered', api, { ...none, flowFailures: 0 }, 'open'],
    ['the API does not know', flow, { ...none, answer: 'unknown', flowFailures: 0 }, 'open'],
    [
      'it was accepted, and a field is named all the same',
      both,
      { ...none, answer: 'accepted', blamed: 'x' },
      'accepted',
    ],
    ['it was refused, and no field is named', both, { ...none, answer: 'refused' }, 'refused'],
    ['the API has answered a row of the flow', flow, { ...none, answer: 'accepted', flowFailures: 1 }, 'accepted'],
    ['no run of the flow has ended', flow, none, 'open'],
    ['a run has ended, and the record holds what was sent', flow, { ...none, flowFailures: 1 }, 'accepted'],
    [
      'it was refused for a field that is left out',
      api,
      { ...none, answer: 'refused', isWithdrawn: true },
      'not applied',
    ],
  ] as const)('%s', (_, open, how, outcome) => {
    expect(outcomeOfPush(open, version({ x: 'p' }), how)).toBe(outcome);
  });
});
