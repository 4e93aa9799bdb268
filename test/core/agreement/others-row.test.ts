/** The row of a record has become a row of another object: what both sides say of it then. */
import { describe, expect, test } from 'vitest';
import { adopt } from '../../../core/agreement/insertion.ts';
import { isGone, type Link, outgoing, type RowVersion } from '../../../core/agreement/link.ts';
import { merge } from '../../../core/agreement/merge.ts';
import { rowChange } from '../../../core/agreement/row-change.ts';
import type { ObjectMapping } from '../../../core/mapping/configuration.ts';
import { base, link, push, thing, version } from './thing.ts';

const others: RowVersion = { fields: {}, outside: true, isOthers: true };
const by = (leaving: 'delete' | 'ignore'): ObjectMapping => ({
  ...thing,
  filter: { where: 'true', leaving, values: { type: ['Thing'] } },
});
const [going, staying] = [by('delete'), by('ignore')];
const inside = (more: Partial<Link> = {}) => link({ wasInside: true, ...more });
const edited = version({ x: 's' });
const deleted = version({}, { deleted: true });
const mergedInto = (mapping: ObjectMapping, before: Link, seen = version()) => {
  const pair = { link: before, row: others };
  const merged = merge(mapping, pair, seen, false);
  const { kind } = rowChange(mapping, pair, merged.row, merged.link.rowKey);
  return { ...merged, change: kind, out: outgoing(mapping, merged.link, merged.row)?.kind };
};

describe('nothing is written to the row', () => {
  test.for([
    ['an edit', edited],
    ['a delete', deleted],
    ['what was known', version()],
  ] as const)('by %s', ([, seen]) => {
    for (const mapping of [going, staying]) {
      for (const before of [inside(), link(), link({ base: undefined }), inside({ base: base({}, true) })]) {
        expect(mergedInto(mapping, before, seen)).toMatchObject({ row: others, change: 'none' });
      }
    }
  });

  test('by a push that is settled', () => {
    const open = inside({
      push: push({ sent: { x: { value: 'p', filler: false } }, seen: { x: { value: 's', sure: true } } }),
    });
    expect(mergedInto(going, open, version({ x: 'p' }))).toMatchObject({
      change: 'none',
      link: { base: base({ x: 'p' }) },
    });
  });

  test('and a lookup waits on until it is the object’s again', () => {
    const waiting = { parent: '001000000000002AAA' };
    const pair = { link: inside({ waiting, base: base({ parent: waiting.parent }) }), row: others };
    expect(rowChange(going, pair, others, 'key').waiting).toBe(waiting);
  });
});

describe('the record', () => {
  test('goes where the filter says so, and the row was inside', () => {
    expect(mergedInto(going, inside())).toMatchObject({ out: 'delete', conflicts: [] });
    expect(mergedInto(going, link())).toMatchObject({ out: undefined, conflicts: [] });
    expect(mergedInto(staying, inside())).toMatchObject({ out: undefined, conflicts: [] });
  });

  test('stays where it was edited meanwhile, and is listed', () => {
    const merged = mergedInto(going, inside(), edited);
    expect(merged).toMatchObject({
      out: undefined,
      conflicts: [{ field: undefined, reason: 'deleted and edited', winner: 'salesforce' }],
      link: { base: base({ x: 's' }), wasInside: false, dirty: false },
    });
    // Once: the next version says nothing new about that.
    const again = mergedInto(going, merged.link, version({ x: 't' }));
    expect(again).toMatchObject({ out: undefined, conflicts: [], link: { dirty: false } });
  });

  test('goes all the same where only what Salesforce owns has changed', () => {
    expect(mergedInto(going, inside(), version({ inward: 's' }))).toMatchObject({ out: 'delete', conflicts: [] });
  });

  test('stays when it is brought back, and is listed', () => {
    const before = link({ base: base({}, true) });
    expect(mergedInto(going, before)).toMatchObject({
      out: undefined,
      conflicts: [{ reason: 'deleted and edited', winner: 'salesforce' }],
    });
    expect(mergedInto(staying, before)).toMatchObject({ out: undefined, conflicts: [] });
  });

  test('has an edit that our delete has buried listed', () => {
    const open = inside({ push: push({ sentDeleted: true }) });
    const buried = version({ x: 's' }, { deleted: true });
    expect(mergedInto(going, open, buried)).toMatchObject({
      out: undefined,
      conflicts: [{ reason: 'deleted and edited', winner: 'postgres' }],
    });
    expect(mergedInto(going, open, deleted)).toMatchObject({ out: undefined, conflicts: [] });
  });

  test('that was just being made of the row goes, too', () => {
    const sent = { id: 'p', sentAt: 0, sent: { x: 'b' } };
    const pair = adopt(going, sent, 'key', others, version());
    expect(isGone(going, pair.link, pair.row)).toBe(true);
    expect(adopt(going, undefined, 'key', others, version()).link.wasInside).toBe(false);
    expect(adopt(thing, sent, 'key', { fields: {} }, version()).link.wasInside).toBe(false);
  });

  test('comes back with its row', () => {
    const row: RowVersion = { fields: { x: 'p', mine: 'b', inward: 'b', outward: 'b', parent: null }, outside: false };
    expect(outgoing(going, link({ base: base({}, true) }), row)).toEqual({
      kind: 'revive',
      fields: expect.objectContaining({ x: 'p' }),
    });
  });
});
