/** Versions that cannot be merged, for PostgreSQL does not take the row. */
import { expect, test } from 'vitest';
import { type Insertion, unwrittenInsertion } from '../../../core/agreement/insertion.ts';
import { giveUp, passBy, setAside } from '../../../core/agreement/unmerged.ts';
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
  expect(after).toMatchObject({ ...aside, base: base(known), refused: { fields: refused } });
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
});

test('an accepted push whose record no read-back finds is the base all the same', () => {
  expect(giveUp(thing, { link: before, row: row({ x: 'ours', mine: 'ours' }) }, true)).toMatchObject({
    base: base({ x: 'ours', mine: 'ours' }),
    refused: { fields: {} },
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
    retries: 1,
  });
  const closed = { ...open, push: undefined };
  expect(unwrittenInsertion(thing, { insertion: closed, row: found }, MERGED)).toMatchObject({
    dirty: false,
    retries: 0,
  });
});
