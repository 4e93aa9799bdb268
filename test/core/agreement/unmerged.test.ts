/** Versions that cannot be merged, for PostgreSQL does not take the row. */
import { describe, expect, test } from 'vitest';
import { receive } from '../../../core/agreement/inbound.ts';
import { type Insertion, unwrittenInsertion } from '../../../core/agreement/insertion.ts';
import { anythingToSend, giveUp, mayBeMissing, passBy, setAside } from '../../../core/agreement/unmerged.ts';
import { base, link, MERGED, push, row, SECOND, sent, thing, version } from './thing.ts';

const round = { readAt: MERGED + 5, now: MERGED + 10 };
const before = link({ dirty: true, rereadDue: true, push: push({ sent: sent({ x: 'ours', mine: 'ours' }) }) });
const aside = { dirty: false, rereadDue: false, push: undefined, revision: 8, highWater: MERGED + SECOND };

test('nothing of the version is merged, and older ones are not taken for the newest', () => {
  expect(passBy(link(), MERGED + SECOND)).toEqual(link({ highWater: MERGED + SECOND, revision: 8 }));
  expect(passBy(link(), MERGED - SECOND)).toEqual(link({ revision: 8 }));
  const after = setAside({ link: link({ dirty: true }), row: row() }, version({ x: 's' }), undefined, round);
  expect(after).toMatchObject({ ...aside, base: base(), appliedAt: MERGED + 5 });
});

test.for([
  ['accepted', { x: 'ours', mine: 'ours' }, {}],
  ['unknown', { x: 'ours' }, {}],
  ['refused', {}, { x: 'ours', mine: 'ours' }],
  ['not applied', {}, {}],
] as const)('of a push that was %s only what is known stays', ([outcome, known, refused]) => {
  const after = setAside({ link: before, row: row() }, version({ x: 'ours', mine: 's' }), outcome, round);
  expect(after).toMatchObject({ ...aside, base: base(known) });
  expect(after.refused.fields).toEqual(refused);
});

test('a link does not forget when it was read last', () => {
  const later = link({ dirty: true, appliedAt: MERGED + 50 });
  expect(setAside({ link: later, row: row() }, version(), undefined, round).appliedAt).toBe(MERGED + 50);
  const never = link({ appliedAt: undefined });
  expect(setAside({ link: never, row: row() }, version(), undefined, round).appliedAt).toBe(MERGED + 5);
});

test('a delete that has buried an edit is looked at again; one whose record lives again is believed', () => {
  const deleting = link({ push: push({ sentDeleted: true }) });
  const buried = setAside(
    { link: deleting, row: undefined },
    version({ x: 's' }, { deleted: true }),
    'accepted',
    round,
  );
  expect(buried).toMatchObject({ push: deleting.push, base: base(), retries: 1 });
  const undeleted = setAside({ link: deleting, row: undefined }, version({ x: 's' }), 'accepted', round);
  expect(undeleted).toMatchObject({ ...aside, base: base({}, true) });
  const ended = (more: Parameters<typeof push>[0], outcome: 'accepted' | 'unknown' | 'refused' | 'not applied') =>
    setAside(
      { link: link({ push: push(more) }), row: undefined },
      version({ x: 's' }, { deleted: true }),
      outcome,
      round,
    );
  expect(ended({ sentDeleted: true }, 'unknown'), 'nor is one that may be ours').toMatchObject({ retries: 1 });
  expect(ended({ sentDeleted: true }, 'refused'), 'a user has deleted it').toMatchObject({
    push: undefined,
    retries: 0,
  });
  expect(ended({ sentDeleted: true }, 'not applied')).toMatchObject({ push: undefined, retries: 0 });
  expect(ended({ sent: sent({ x: 'ours' }) }, 'accepted'), 'we had updated it').toMatchObject({ push: undefined });
});

describe('a fresh read that shows nothing', () => {
  const unread = (more: Parameters<typeof link>[0], was: ReturnType<typeof row> | undefined, how: object) =>
    giveUp(
      thing,
      { link: link({ dirty: true, ...more }), row: was },
      { isMissing: false, outcome: undefined, readAt: 0, now: 10, ...how },
    );

  test('leaves what the row has to send for the next version that is merged', () => {
    const after = unread({ rereadDue: true }, row({ mine: 'ours' }), {});
    expect(after).toEqual(link({ revision: 8 }));
    const merged = receive(thing, { link: after, row: row({ mine: 'ours' }) }, version({ x: 's' }), MERGED + SECOND);
    expect(merged).toMatchObject({ outcome: 'merged', link: { dirty: true } });
  });

  test('is no refusal: what Salesforce has refused before stays refused, and nothing else', () => {
    const refused = { fields: { x: 'ours' }, deleted: undefined };
    expect(unread({ refused }, row({ x: 'ours', mine: 'ours' }), {})).toEqual(link({ refused, revision: 8 }));
  });

  test.for([
    ['accepted', base({ x: 'ours', mine: 'ours' }), {}],
    ['refused', base(), { x: 'ours', mine: 'ours' }],
    ['not applied', base(), {}],
  ] as const)('after a push that was %s keeps what is known', ([outcome, known, fields]) => {
    const after = unread({ push: before.push }, row({ x: 'ours', mine: 'ours' }), { outcome });
    expect(after).toMatchObject({ push: undefined, dirty: false, base: known });
    expect(after.refused.fields).toEqual(fields);
  });

  test('does not end a push of which it is not known whether it landed', () => {
    const after = unread({ push: before.push }, row({ x: 'ours', mine: 'ours' }), { outcome: 'unknown' });
    expect(after).toMatchObject({ push: before.push, dirty: false, base: base(), retries: 1 });
  });

  test('is no proof that the record of a row that is gone is gone, too', () => {
    expect(unread({}, undefined, {})).toEqual(link({ revision: 8 }));
    const deleting = { push: push({ sentDeleted: true }) };
    expect(unread(deleting, undefined, { outcome: 'accepted' }).base).toEqual(base({}, true));
    expect(unread(deleting, row(), { outcome: 'accepted' }).base, 'the row is back').toEqual(base());
    expect(unread({ push: push() }, undefined, { outcome: 'accepted' }).base, 'it was an update').toEqual(base());
    expect(unread({ base: undefined }, undefined, { isMissing: true }).base, 'nothing is known').toBeUndefined();
  });
});

test('an upsert stays open: what it sent is the base of its record', () => {
  const open: Insertion = {
    rowKey: 'k',
    revision: 0,
    dirty: true,
    push: { id: 'push', sentAt: MERGED, sent: { x: 'ours' } },
    refused: undefined,
    dueAfter: undefined,
    retries: 0,
  };
  const found = { ...row({ x: 'ours' }), salesforceId: undefined };
  expect(unwrittenInsertion(thing, { insertion: open, row: found }, MERGED)).toMatchObject({
    push: open.push,
    dirty: false,
    retries: 1,
  });
  const closed = { ...open, push: undefined };
  expect(unwrittenInsertion(thing, { insertion: closed, row: found }, MERGED)).toMatchObject({
    dirty: false,
    retries: 0,
  });
});

describe('that a fresh read does not find a record', () => {
  const deleting = { push: push({ sentDeleted: true }) };

  test('is no fault where both sides have deleted it, or Salesforce has just accepted our delete', () => {
    expect(mayBeMissing({ link: link({ base: base({}, true) }), row: undefined }, false)).toBe(true);
    expect(mayBeMissing({ link: link(deleting), row: undefined }, true)).toBe(true);
  });

  test('is one while its row is there, or nothing of ours has deleted it', () => {
    expect(mayBeMissing({ link: link({ base: base({}, true) }), row: row() }, false)).toBe(false);
    expect(mayBeMissing({ link: link(deleting), row: row() }, true)).toBe(false);
    expect(mayBeMissing({ link: link(deleting), row: undefined }, false)).toBe(false);
    expect(mayBeMissing({ link: link({ push: push() }), row: undefined }, true)).toBe(false);
    expect(mayBeMissing({ link: link(), row: undefined }, true)).toBe(false);
    expect(mayBeMissing({ link: link({ base: undefined }), row: undefined }, false)).toBe(false);
  });
});

test('something was to be sent where the row differs, not where only the record was to be read', () => {
  expect(anythingToSend(thing, { link: link(), row: row({ x: 'p' }) })).toBe(true);
  expect(anythingToSend(thing, { link: link({ rereadDue: true }), row: row() })).toBe(false);
  expect(anythingToSend(thing, { link: link({ rereadDue: true }), row: row({ x: 'p' }) })).toBe(true);
  expect(anythingToSend(thing, { link: link({ base: undefined, rereadDue: true }), row: row() })).toBe(false);
});
