/** What is written without knowing of a write of sfsync (written.ts), in the merge. */
import { describe, expect, test } from 'vitest';
import type { Link } from '../../../core/agreement/link.ts';
import { merge } from '../../../core/agreement/merge.ts';
import { afterWrite, editedBefore, NOTHING_WRITTEN, RAISE } from '../../../core/agreement/written.ts';
import { base, link, row, thing, version } from './thing.ts';

const KNOWN = { lockVersion: RAISE, touchedAt: undefined };
const was = row({ x: 'old', mine: 'old' });

/** sfsync has put `b` over `old` in x and mine. */
function written(more: Partial<Link> = {}): Link {
  return afterWrite(link(more), { before: was, after: row(), fields: ['x', 'mine'] }, KNOWN);
}

describe('a row with an older lock version', () => {
  test('that holds what it held before is not edited', () => {
    const stale = { ...row({ x: 'old' }), lockVersion: RAISE - 1 };
    const merged = merge(thing, { link: written(), row: stale }, version(), false);
    expect(merged).toMatchObject({ row: { fields: { x: 'b' } }, conflicts: [], link: { dirty: false } });
  });

  test.each([
    ['x', 'salesforce', 'b', false],
    ['mine', 'postgres', 'edit', true],
  ] as const)('is a conflict where it holds something else: %s, which %s wins', (field, winner, value, dirty) => {
    const stale = { ...row({ [field]: 'edit' }), lockVersion: RAISE - 1 };
    const merged = merge(thing, { link: written(), row: stale }, version(), false);
    expect(merged.row?.fields[field]).toBe(value);
    expect(merged.link.dirty).toBe(dirty);
    expect(merged.conflicts).toEqual([
      { field, reason: 'both edited', base: 'old', salesforce: 'b', postgres: 'edit', winner },
    ]);
    // It is judged once.
    expect(merge(thing, { link: merged.link, row: stale }, version(), false).conflicts).toEqual([]);
  });

  test('brings no record back that was deleted, where it has only put back what it had read', () => {
    const stale = { ...row({ x: 'old' }), lockVersion: RAISE - 1 };
    const merged = merge(thing, { link: written(), row: stale }, version({}, { deleted: true }), false);
    expect(merged).toMatchObject({ row: undefined, conflicts: [] });
  });
});

test.each([RAISE, RAISE + 1])('a row with lock version %i is edited', (lockVersion) => {
  const merged = merge(thing, { link: written(), row: { ...row({ x: 'old' }), lockVersion } }, version(), false);
  expect(merged).toMatchObject({ row: { fields: { x: 'old' } }, conflicts: [], link: { dirty: true } });
});

test('once something was sent since, an older lock version says nothing of the field', () => {
  const sent = { ...written(), base: base({ x: 'sent' }) };
  const stale = { ...row({ x: 'edit' }), lockVersion: RAISE - 1 };
  expect(merge(thing, { link: sent, row: stale }, version({ x: 'sent' }), false).conflicts).toEqual([]);
});

test('what Salesforce does not have is not remembered: it is listed already', () => {
  const restored = afterWrite(link(), { before: was, after: row({ x: 'seen' }), fields: ['x'] }, KNOWN);
  expect(restored.written.replaced).toEqual({});
});

test('a row that is gone is forgotten', () => {
  const merged = merge(thing, { link: written(), row: undefined }, version({}, { deleted: true }), false);
  expect(merged.link.written).toEqual(NOTHING_WRITTEN);
});

test('the time that a write has left is no time of an edit', () => {
  const left = { lockVersion: undefined, touchedAt: '2026-01-01 00:00:00.5' };
  const touched = afterWrite(link(), { before: { ...was, editedAt: 7 }, after: row(), fields: ['x'] }, left);
  expect(editedBefore(touched, '2026-01-01 00:00:00.5')).toBe(7);
  expect(editedBefore(touched, '2026-01-01 00:00:00.6')).toBeUndefined();
});
