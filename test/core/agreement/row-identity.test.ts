import { describe, expect, test } from 'vitest';
import { NOTHING_REFUSED } from '../../../core/agreement/link.ts';
import { giveUpKey, letGo, withoutRow } from '../../../core/agreement/row-identity.ts';
import { base, link, push, thing } from './thing.ts';

const known = link({ rowKey: 'k', push: push(), refused: { fields: { x: 'r' }, deleted: undefined } });

describe('a link whose row was given to another record', () => {
  test('is read as one of which nothing is known, and keeps what orders readings', () => {
    const { revision, highWater, appliedAt } = known;
    expect(withoutRow(known)).toMatchObject({
      rowKey: undefined,
      base: undefined,
      push: undefined,
      revision,
      highWater,
    });
    expect(withoutRow(known)).toMatchObject({ appliedAt, dirty: true, rereadDue: true, refused: NOTHING_REFUSED });
  });

  test('and of which nothing was known stays one', () => {
    const unknown = link({ base: undefined, rowKey: 'k' });
    const { revision, highWater, appliedAt } = unknown;
    expect(withoutRow(unknown)).toMatchObject({ base: undefined, rowKey: undefined, revision, highWater, appliedAt });
    expect(letGo(thing, unknown, false)).toEqual({ ...withoutRow(unknown), revision: revision + 1 });
  });

  test('has no row to lose when its record is deleted', () => {
    const deleted = link({ base: base({}, true), rowKey: 'k' });
    expect(withoutRow(deleted)).toEqual({ ...deleted, rowKey: undefined });
  });
});

describe('a link whose key another one takes over', () => {
  test('is looked at again where a row under another key carries its id', () => {
    expect(letGo(thing, known, true)).toEqual({
      ...known,
      rowKey: undefined,
      dirty: true,
      revision: known.revision + 1,
    });
  });

  test('is looked at again when its record is deleted', () => {
    const deleted = link({ base: base({}, true), rowKey: 'k' });
    expect(letGo(thing, deleted, false)).toEqual({
      ...deleted,
      rowKey: undefined,
      dirty: true,
      revision: deleted.revision + 1,
    });
  });

  test('is without a row otherwise', () => {
    expect(letGo(thing, known, false)).toEqual({ ...withoutRow(known), revision: known.revision + 1 });
  });
});

describe('a link under whose key a row without an id has come', () => {
  test('lets go of it only when its record is deleted, and no push of it is open', () => {
    const deleted = link({ base: base({}, true), rowKey: 'k' });
    expect(giveUpKey(deleted)).toEqual({ ...deleted, rowKey: undefined, revision: deleted.revision + 1 });
    expect(giveUpKey({ ...deleted, push: push() })).toBeUndefined();
    expect(giveUpKey(link({ rowKey: 'k' }))).toBeUndefined();
    expect(giveUpKey(link({ base: undefined, rowKey: 'k' }))).toBeUndefined();
  });
});
