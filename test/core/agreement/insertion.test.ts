import { describe, expect, test } from 'vitest';
import { chooseInsertion } from '../../../core/agreement/collect.ts';
import { NOT_PUT_OFF } from '../../../core/agreement/due.ts';
import { receive } from '../../../core/agreement/inbound.ts';
import {
  adopt,
  afterOneAlike,
  atRest,
  decideInsertion,
  type Insertion,
  isOurs,
  newRecord,
  nextStep,
  passOver,
  receiveAdopted,
  refusedInsertion,
  settleInsertion,
  takenUpInsertion,
  type UnlinkedRow,
} from '../../../core/agreement/insertion.ts';
import { UNREADABLE } from '../../../core/mapping/canonical.ts';
import { defineSync, mappingOf, reference, text } from '../../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../../core/mapping/salesforce-version.ts';

const definition = {
  table: 'things',
  insert: true,
  externalId: 'Key__c',
  fields: {
    x: text('x'),
    inward: text('inward', { direction: 'to-postgres' }),
    parent: reference('parent_id', 'Thing'),
  },
} as const;
const mapping = mappingOf(defineSync({ objects: { Thing: definition } }), 'Thing');
const ID = '001000000000001AAA';
const SENT_AT = 100_000;

const insertion = (more: Partial<Insertion> = {}): Insertion => ({
  rowKey: 'k',
  revision: 0,
  dirty: true,
  push: undefined,
  refused: undefined,
  ...NOT_PUT_OFF,
  ...more,
});
const row = (fields: UnlinkedRow['fields'] = {}, more: Partial<UnlinkedRow> = {}): UnlinkedRow => ({
  salesforceId: undefined,
  ...more,
  fields: { x: 'a', inward: 'mine', parent: null, ...fields },
});
const version = (more: Partial<SalesforceVersion> = {}): SalesforceVersion => ({
  id: ID,
  deleted: false,
  mergedInto: undefined,
  stamp: SENT_AT,
  externalId: 'k',
  fields: { x: 'a', inward: null, parent: null },
  ...more,
});
const push = { id: 'push', sentAt: SENT_AT, sent: { x: 'a' } };
const round = { revision: 0, readAt: SENT_AT, clockSkewMs: 0 };
const deciding = { ...round, pushId: 'next', now: SENT_AT + 1 };
const named = (more: Partial<SalesforceVersion> = {}, isLinked = false) => ({ version: version(more), isLinked });

describe('what a new row sends', () => {
  test('what goes to Salesforce and is not null', () => {
    expect(newRecord(mapping, row())).toEqual({ x: 'a' });
    expect(newRecord(mapping, row({ x: UNREADABLE, parent: ID }))).toEqual({ parent: ID });
    const unread: UnlinkedRow = { salesforceId: undefined, fields: { parent: ID } };
    expect(Object.keys(newRecord(mapping, unread))).toEqual(['parent']);
  });

  test('nothing while a parent has no record', () => {
    const orphan = row({ parent: { unlinked: '7' } });
    expect(nextStep(mapping, { insertion: insertion(), row: orphan })).toBe('rest');
    expect(decideInsertion(mapping, { insertion: insertion(), row: orphan }, undefined, deciding)).toEqual({
      outcome: 'rest',
      insertion: insertion({ dirty: false }),
    });
  });
});

describe('collecting', () => {
  test.each([
    ['a row', row(), {}, 'look'],
    ['a row that is gone', undefined, {}, 'drop'],
    ['a row that has got an id', row({}, { salesforceId: ID }), {}, 'drop'],
    ['a row outside the filter', row({}, { outside: true }), {}, 'drop'],
    ['a row for which the filter fails', row({}, { outside: 'unknown' }), {}, 'rest'],
    ['a row inside the filter', row({}, { outside: false }), {}, 'look'],
    ['a row whose key cannot be an external id', row(), { rowKey: ' k' }, 'rest'],
    ['a row that was refused with another field', row(), { refused: { y: 'a' } }, 'look'],
    ['a row that was refused with more', row(), { refused: { x: 'a', y: 'a' } }, 'look'],
    ['a row that was refused with less', row(), { refused: {} }, 'look'],
    ['a row of which one field was edited', row({ parent: ID }), { refused: { x: 'b', parent: ID } }, 'look'],
    ['a row that was refused', row(), { refused: { x: 'a' } }, 'rest'],
    ['a row that was refused and edited', row(), { refused: { x: 'b' } }, 'look'],
    ['an open push of a row that is gone', undefined, { push }, 'look'],
  ] as const)('%s', (_, its, more, step) => {
    expect(nextStep(mapping, { insertion: insertion(more), row: its })).toBe(step);
  });
});

describe('deciding', () => {
  test('pushes what no record names, and remembers what it sent', () => {
    expect(decideInsertion(mapping, { insertion: insertion(), row: row() }, undefined, deciding)).toEqual({
      outcome: 'push',
      fields: { x: 'a' },
      insertion: insertion({ dirty: false, push: { id: 'next', sentAt: SENT_AT + 1, sent: { x: 'a' } } }),
    });
  });

  test('drops a row that is gone, or has a record by now', () => {
    for (const its of [undefined, row({}, { salesforceId: ID })]) {
      const decision = decideInsertion(mapping, { insertion: insertion({ push }), row: its }, undefined, deciding);
      expect(decision).toEqual({ outcome: 'dropped' });
    }
  });

  test('sends an edited row that was refused, and forgets what was refused', () => {
    const refused = { insertion: insertion({ refused: { x: 'b' } }), row: row() };
    expect(decideInsertion(mapping, refused, undefined, deciding)).toMatchObject({
      outcome: 'push',
      insertion: { refused: undefined },
    });
  });

  test('leaves to the next round what was seen since', () => {
    const seen = { insertion: insertion({ revision: 1 }), row: row() };
    expect(decideInsertion(mapping, seen, named(), deciding)).toEqual({ outcome: 'left' });
  });

  test('adopts what our push has made: an edit since then is due, and what Salesforce filled in comes over', () => {
    const edited = { insertion: insertion({ push }), row: row({ x: 'later' }) };
    const made = named({ fields: { x: 'a', inward: 'default', parent: ID } });
    expect(decideInsertion(mapping, edited, made, deciding)).toMatchObject({
      outcome: 'adopted',
      row: { fields: { x: 'later', inward: 'default', parent: ID } },
      link: { salesforceId: ID, rowKey: 'k', dirty: true, base: { fields: { x: 'a', parent: ID } } },
      conflicts: [],
    });
    expect(decideInsertion(mapping, edited, made, deciding)).toMatchObject({ link: { appliedAt: round.readAt } });
  });

  test('takes the row along with a record of ours that a user has deleted since, unless the row was edited', () => {
    const deleted = named({ deleted: true, fields: { x: 'a', inward: 'mine', parent: null } });
    const decided = (its: UnlinkedRow) =>
      decideInsertion(mapping, { insertion: insertion({ push }), row: its }, deleted, deciding);
    expect(decided(row())).toMatchObject({ outcome: 'adopted', row: undefined, conflicts: [] });
    expect(decided(row({ x: 'later' }))).toMatchObject({
      outcome: 'adopted',
      row: { fields: { x: 'later' } },
      conflicts: [{ reason: 'deleted and edited' }],
    });
  });

  test('a typed record is a first merge', () => {
    const pair = adopt(mapping, undefined, 'k', row({ x: 'mine' }), version({ fields: { x: 'theirs' } }));
    expect(pair.link.base).toBeUndefined();
  });
});

test('a deleted record is ours when we have pushed, it was not known, and it was not deleted before', () => {
  const deleted = (stamp: number, isLinked = false) => named({ deleted: true, stamp }, isLinked);
  expect(isOurs(push, deleted(SENT_AT), 0)).toBe(true);
  expect(isOurs(push, deleted(SENT_AT - 5000), 0)).toBe(false);
  expect(isOurs(push, deleted(SENT_AT - 5000), 5000)).toBe(true);
  expect(isOurs(push, deleted(SENT_AT, true), 0)).toBe(false);
  expect(isOurs(undefined, deleted(SENT_AT), 0)).toBe(false);
  // Sent within a second, whose stamp is its beginning.
  expect(isOurs(push, deleted(SENT_AT - 999), 0)).toBe(true);
  expect(isOurs(push, deleted(SENT_AT - 1000), 0)).toBe(false);
  expect(isOurs(undefined, named(), 0), 'a live one is, whoever has made it').toBe(true);
});

describe('settling', () => {
  const open = { insertion: insertion({ push, dirty: false }), row: row() };
  const answer = (outcome: 'accepted' | 'refused' | 'not applied' | 'unknown', id?: string) => ({ outcome, id });

  test('an unknown outcome stays open unless the record is there', () => {
    expect(settleInsertion(mapping, open, undefined, answer('unknown'), round)).toEqual({ outcome: 'open' });
    expect(settleInsertion(mapping, open, named(), answer('unknown'), round)).toMatchObject({ outcome: 'adopted' });
  });

  test('of what was never sent there is nothing to settle', () => {
    const unsent = { insertion: insertion(), row: row() };
    expect(settleInsertion(mapping, unsent, named(), answer('accepted', ID), round)).toEqual({ outcome: 'open' });
  });

  test('what was accepted without an id stays open', () => {
    expect(settleInsertion(mapping, open, undefined, answer('accepted'), round)).toEqual({ outcome: 'open' });
  });

  test('a record that was accepted and is not shown is linked, and read again', () => {
    expect(settleInsertion(mapping, open, undefined, answer('accepted', ID), round)).toMatchObject({
      outcome: 'adopted',
      link: {
        salesforceId: ID,
        rereadDue: true,
        dirty: false,
        base: { deleted: false, fields: { x: 'a', parent: null } },
      },
      conflicts: [],
    });
  });

  test('what was refused, or not applied, is due again; the one with what was refused', () => {
    const closed = (refused: Insertion['refused']) => ({ outcome: 'closed', insertion: insertion({ refused }) });
    expect(settleInsertion(mapping, open, undefined, answer('refused'), round)).toEqual(closed({ x: 'a' }));
    expect(settleInsertion(mapping, open, undefined, answer('not applied'), round)).toEqual(closed(undefined));
  });

  test('an id in an answer that is no acceptance says nothing', () => {
    expect(settleInsertion(mapping, open, undefined, answer('refused', ID), round)).toMatchObject({
      outcome: 'closed',
    });
    expect(settleInsertion(mapping, open, undefined, answer('unknown', ID), round)).toEqual({ outcome: 'open' });
  });

  test('what was applied is the base of the record: an edit of the row made since is due', () => {
    const edited = { insertion: insertion({ push, dirty: false }), row: row({ x: 'later' }) };
    for (const outcome of ['accepted', 'unknown'] as const) {
      expect(settleInsertion(mapping, edited, named(), answer(outcome, ID), round)).toMatchObject({
        outcome: 'adopted',
        row: { fields: { x: 'later' } },
        link: { rowKey: 'k', dirty: true, base: { fields: { x: 'a' } } },
        conflicts: [],
      });
    }
  });

  test('refused, and there all the same: it is not ours', () => {
    const theirs = named({ fields: { x: 'theirs', inward: null, parent: null } });
    expect(settleInsertion(mapping, open, theirs, answer('refused'), round)).toMatchObject({
      outcome: 'adopted',
      row: { fields: { x: 'theirs' } },
      conflicts: [],
    });
  });

  test('something was seen since the read-back began: again', () => {
    const seen = { insertion: insertion({ push, revision: 1 }), row: row() };
    expect(settleInsertion(mapping, seen, named(), answer('accepted', ID), round)).toEqual({ outcome: 'again' });
  });
});

test('a redriven new row is sent again as it is now', () => {
  const refused = insertion({ dirty: false, refused: { x: 'a' }, revision: 3 });
  expect(nextStep(mapping, { insertion: refused, row: row() })).toBe('rest');
  expect(takenUpInsertion(refused)).toEqual({ ...refused, dirty: true, refused: undefined });
  expect(nextStep(mapping, { insertion: takenUpInsertion(refused), row: row() })).toBe('look');
});

test('a new row whose parent has no id rests, unless the parent has got it since, or is getting it', () => {
  const orphan = { insertion: insertion(), row: row({ parent: { unlinked: '7' } }) };
  expect(chooseInsertion(mapping, orphan, 'as read')).toBe('rest');
  expect(chooseInsertion(mapping, orphan, 'linked')).toBe('again');
  expect(chooseInsertion(mapping, orphan, 'locked')).toBe('left');
  const refused = { insertion: insertion({ refused: { x: 'a' } }), row: row() };
  expect(chooseInsertion(mapping, refused, 'linked')).toBe('rest');
  expect(chooseInsertion(mapping, { insertion: insertion(), row: row() }, 'locked')).toBe('look');
  // Whatever its parent, one that has a record is none, and an open push is looked at.
  expect(chooseInsertion(mapping, { ...orphan, row: { ...orphan.row, salesforceId: ID } }, 'linked')).toBe('drop');
  expect(chooseInsertion(mapping, { ...orphan, insertion: insertion({ push }) }, 'linked')).toBe('look');
});

test('a new row that rests is not due; one that is refused is not sent again as it is', () => {
  const open = insertion({ push: { id: 'push', sentAt: SENT_AT, sent: {} }, revision: 3 });
  expect(atRest(open)).toEqual({ ...open, dirty: false });
  const refused = { ...open, push: undefined, dirty: false };
  expect(refusedInsertion(mapping, { insertion: open, row: row() })).toEqual({ ...refused, refused: { x: 'a' } });
  expect(refusedInsertion(mapping, { insertion: open, row: undefined })).toEqual({ ...refused, refused: {} });
  expect(nextStep(mapping, { insertion: refusedInsertion(mapping, { insertion: open, row: row() }), row: row() })).toBe(
    'rest',
  );
});

test('a pair that begins with a file is read afresh', () => {
  const { link } = adopt(mapping, undefined, 'k', row(), version());
  const received = receive(mapping, { link, row: row() }, version(), SENT_AT);
  expect(receiveAdopted(received)).toEqual({
    ...received,
    outcome: 'reread',
    link: { ...received.link, rereadDue: true },
  });
});

test('a deleted record that is passed over makes what was read before count no more', () => {
  expect(passOver(insertion({ push, revision: 4 }))).toEqual(insertion({ push, revision: 5 }));
  const passed = { insertion: passOver(insertion()), row: row() };
  expect(decideInsertion(mapping, passed, named(), deciding)).toEqual({ outcome: 'left' });
});

test('of keys that Salesforce may take for one only the first is sent', () => {
  expect([...afterOneAlike(['a', 'B', 'A', 'b', 'c', '\u00e1'])]).toEqual(['A', 'b', '\u00e1']);
  expect(afterOneAlike(['a', 'b']).size).toBe(0);
});
