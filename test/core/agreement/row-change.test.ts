/** What a merge makes of a row: the statement that follows, the fields that it writes, the lookups that go on waiting. */
import { describe, expect, test } from 'vitest';
import { rowChange, withParentKeys } from '../../../core/agreement/row-change.ts';
import { UNREADABLE } from '../../../core/mapping/canonical.ts';
import type { FieldMapping } from '../../../core/mapping/configuration.ts';
import { base, link, row, thing } from './thing.ts';

const A = '001000000000002AAA';
const B = '001000000000003AAA';

describe('a row', () => {
  test('that is gone and stays gone needs nothing', () => {
    expect(rowChange(thing, { link: link(), row: undefined }, undefined, 'k')).toEqual({
      kind: 'none',
      fields: {},
      waiting: {},
    });
  });

  test('that goes is deleted, and waits for nobody', () => {
    const waiting = link({ base: base({ parent: A }), waiting: { parent: A } });
    expect(rowChange(thing, { link: waiting, row: row() }, undefined, 'k')).toEqual({
      kind: 'delete',
      fields: {},
      waiting: {},
    });
  });

  test('that comes is new without a key, and restored under the key that it had', () => {
    const waiting = link({ waiting: { parent: A } });
    const after = row({ x: 's', mine: UNREADABLE });
    const { mine: _, ...fields } = row({ x: 's' }).fields;
    const made = (key: string | undefined) => rowChange(thing, { link: waiting, row: undefined }, after, key);
    expect(made(undefined)).toEqual({ kind: 'insert', fields, waiting: {} });
    expect(made('k')).toEqual({ kind: 'restore', fields, waiting: {} });
  });

  test('that stays as it is is not written', () => {
    const before = row();
    expect(rowChange(thing, { link: link(), row: before }, before, 'k')).toMatchObject({ kind: 'none', fields: {} });
    expect(rowChange(thing, { link: link(), row: before }, row(), 'k')).toMatchObject({ kind: 'none', fields: {} });
  });

  test('that changes gets the fields that have, and no others', () => {
    const after = row({ x: 's', outward: null });
    expect(rowChange(thing, { link: link(), row: row() }, after, 'k')).toEqual({
      kind: 'update',
      fields: { x: 's', outward: null },
      waiting: {},
    });
  });

  test('keeps what cannot be sent', () => {
    const before = row({ x: UNREADABLE });
    const after = { fields: { ...before.fields, x: { unlinked: '7' }, mine: 's' } };
    expect(rowChange(thing, { link: link(), row: before }, after, 'k').fields).toEqual({ mine: 's' });
  });
});

describe('a lookup that waits', () => {
  const waiting = link({ base: base({ parent: A }), waiting: { parent: A, other: B } });
  const before = { link: waiting, row: row({ parent: null, other: null }) };
  const held = row({ parent: A, other: B });

  test('goes on waiting while its column is null and nothing new is decided for it', () => {
    const untouched = rowChange(thing, before, held, 'k');
    expect(untouched).toMatchObject({ kind: 'none', fields: {} });
    expect(untouched.waiting).toBe(waiting.waiting);
    expect(rowChange(thing, before, row({ parent: A, other: B, x: 's' }), 'k')).toEqual({
      kind: 'update',
      fields: { x: 's' },
      waiting: { parent: A, other: B },
    });
  });

  test('waits no longer where the merge has decided for another parent; others wait on', () => {
    expect(rowChange(thing, before, row({ parent: B, other: B }), 'k')).toEqual({
      kind: 'update',
      fields: { parent: B },
      waiting: { other: B },
    });
  });

  test('waits no longer where the merge has decided for none; its column is null already, and is not written', () => {
    const after = row({ parent: null, other: B });
    expect(rowChange(thing, before, after, 'k')).toMatchObject({ kind: 'none', waiting: { other: B } });
    expect(rowChange(thing, before, row({ parent: null, other: B, x: 's' }), 'k')).toMatchObject({
      kind: 'update',
      fields: { x: 's' },
      waiting: { other: B },
    });
  });

  test('waits no longer where the application has filled its column', () => {
    const filled = { link: waiting, row: row({ parent: B, other: null }) };
    expect(rowChange(thing, filled, filled.row, 'k').waiting).toEqual({ other: B });
    expect(rowChange(thing, filled, row({ parent: B, other: B, x: 's' }), 'k').waiting).toEqual({ other: B });
  });
});

describe('what is written of lookups', () => {
  const references = thing.fields.filter(({ references }) => references !== undefined);
  const keys: Readonly<Record<string, string>> = { [`Thing ${A}`]: '7' };
  const keyOf = ({ references: parent }: FieldMapping, id: string) => keys[`${parent} ${id}`];

  test('is the key of the parent’s row', () => {
    const change = { fields: { x: 's', parent: A }, waiting: { other: B } };
    expect(withParentKeys(references, change, keyOf)).toEqual({
      fields: { x: 's', parent: '7' },
      waiting: { other: B },
    });
  });

  test('is null where the parent has no row: the lookup waits for it', () => {
    const change = { fields: { x: 's', parent: B }, waiting: { other: A } };
    expect(withParentKeys(references, change, keyOf)).toEqual({
      fields: { x: 's', parent: null },
      waiting: { other: A, parent: B },
    });
  });

  test('is nothing where no lookup changes, or one becomes empty', () => {
    const one = references[0];
    if (one === undefined) throw new Error('there is no lookup');
    const two = [one, { ...one, field: 'other' }];
    for (const fields of [{ x: 's' }, { x: 's', parent: null }]) {
      const change = { fields, waiting: {} };
      expect(withParentKeys(two, change, keyOf)).toBe(change);
    }
    expect(withParentKeys(two, { fields: { parent: null, other: A }, waiting: {} }, keyOf)).toEqual({
      fields: { parent: null, other: '7' },
      waiting: {},
    });
  });
});
