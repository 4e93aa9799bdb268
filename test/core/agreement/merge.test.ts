/** The table of MERGE: what becomes of a field, and of a record that is live on both sides. */
import { describe, expect, test } from 'vitest';
import type { OpenPush } from '../../../core/agreement/link.ts';
import { agree, merge } from '../../../core/agreement/merge.ts';
import { type CanonicalValue, type FieldValues, type RowValues, UNREADABLE } from '../../../core/mapping/canonical.ts';
import { defineSync, mappingOf, text } from '../../../core/mapping/configuration.ts';
import { base, ID, link, MERGED, push, row, SECOND, sent, thing, version } from './thing.ts';

interface FieldCase {
  readonly rule: string;
  readonly field: 'x' | 'mine' | 'inward' | 'outward';
  readonly b: CanonicalValue;
  readonly p: CanonicalValue;
  readonly s: CanonicalValue;
  readonly push?: OpenPush;
  readonly unknown?: boolean;
  readonly stamp?: number;
  /** What the row then holds, whether it is due, and what the log says. */
  readonly merged: CanonicalValue;
  readonly dirty: boolean;
  readonly conflict?: { readonly reason: string; readonly winner: string };
}

const ours = push({ sent: sent({ x: 'ours', mine: 'ours' }) });
const filler = push({ sent: sent({ x: 'ours' }, true) });
const undone = { reason: 'push may have been undone', winner: 'postgres' };

const CASES: readonly FieldCase[] = [
  { rule: 'no edit', field: 'x', b: 'b', p: 'b', s: 'b', merged: 'b', dirty: false },
  { rule: 's = p: both made the same edit', field: 'x', b: 'b', p: 'e', s: 'e', merged: 'e', dirty: false },
  { rule: 's = b: only the row was edited', field: 'x', b: 'b', p: 'p', s: 'b', merged: 'p', dirty: true },
  { rule: 'p = b: only Salesforce was edited', field: 'x', b: 'b', p: 'b', s: 's', merged: 's', dirty: false },
  { rule: 'a field that became null', field: 'x', b: 'b', p: 'b', s: null, merged: null, dirty: false },
  { rule: 'a field that the row emptied', field: 'x', b: 'b', p: null, s: 'b', merged: null, dirty: true },
  {
    rule: 'both edited, policy salesforce',
    field: 'x',
    b: 'b',
    p: 'p',
    s: 's',
    merged: 's',
    dirty: false,
    conflict: { reason: 'both edited', winner: 'salesforce' },
  },
  {
    rule: 'both edited, policy postgres',
    field: 'mine',
    b: 'b',
    p: 'p',
    s: 's',
    merged: 'p',
    dirty: true,
    conflict: { reason: 'both edited', winner: 'postgres' },
  },
  // To Postgres: Salesforce owns the field.
  { rule: 'to-postgres: s goes into the row', field: 'inward', b: 'b', p: 'b', s: 's', merged: 's', dirty: false },
  {
    rule: 'to-postgres: an edit of the row gives way',
    field: 'inward',
    b: 'b',
    p: 'p',
    s: 's',
    merged: 's',
    dirty: false,
  },
  {
    rule: 'to-postgres: also where s is as it was',
    field: 'inward',
    b: 'b',
    p: 'p',
    s: 'b',
    merged: 'b',
    dirty: false,
  },
  // To Salesforce: Postgres owns it.
  {
    rule: 'to-salesforce: an edit there is pushed over',
    field: 'outward',
    b: 'b',
    p: 'b',
    s: 's',
    merged: 'b',
    dirty: true,
  },
  { rule: 'to-salesforce: never a conflict', field: 'outward', b: 'b', p: 'p', s: 's', merged: 'p', dirty: true },
  { rule: 'to-salesforce: s = p needs nothing', field: 'outward', b: 'b', p: 'p', s: 'p', merged: 'p', dirty: false },
  // A push is open.
  { rule: 's = sent: our own write', field: 'x', b: 'b', p: 'p', s: 'ours', push: ours, merged: 'p', dirty: true },
  { rule: 's = sent: our filler', field: 'x', b: 'b', p: 'p', s: 'ours', push: filler, merged: 'p', dirty: true },
  {
    rule: 's = sent, and the row is back at b',
    field: 'x',
    b: 'b',
    p: 'b',
    s: 'ours',
    push: ours,
    merged: 'b',
    dirty: true,
  },
  {
    rule: 'unknown outcome, s = b, the stamp may have moved: our write may have been undone',
    field: 'x',
    b: 'b',
    p: 'ours',
    s: 'b',
    push: ours,
    unknown: true,
    stamp: MERGED,
    merged: 'ours',
    dirty: true,
    conflict: undone,
  },
  {
    rule: 'unknown outcome, s = b, an older stamp: nothing was written',
    field: 'x',
    b: 'b',
    p: 'ours',
    s: 'b',
    push: ours,
    unknown: true,
    stamp: MERGED - SECOND,
    merged: 'ours',
    dirty: true,
  },
  {
    rule: 'unknown outcome, s = b, the field was not sent: an edit after the push',
    field: 'x',
    b: 'b',
    p: 'p',
    s: 'b',
    push: push({ sent: sent({ mine: 'ours' }) }),
    unknown: true,
    merged: 'p',
    dirty: true,
  },
  {
    rule: 'unknown outcome, p = b and s edited: not simply s, for the row was edited back',
    field: 'x',
    b: 'b',
    p: 'b',
    s: 's',
    push: ours,
    unknown: true,
    merged: 's',
    dirty: false,
    conflict: { reason: 'both edited', winner: 'salesforce' },
  },
  {
    rule: 'the same, policy postgres',
    field: 'mine',
    b: 'b',
    p: 'b',
    s: 's',
    push: ours,
    unknown: true,
    merged: 'b',
    dirty: true,
    conflict: { reason: 'both edited', winner: 'postgres' },
  },
  { rule: 'known outcome, p = b: s', field: 'x', b: 'b', p: 'b', s: 's', push: ours, merged: 's', dirty: false },
];

describe('a field', () => {
  test.for(CASES)('$rule ($field: b $b, p $p, s $s)', (each) => {
    const before = link({ base: base({ [each.field]: each.b }), push: each.push });
    const stamp = each.stamp ?? MERGED + SECOND;
    const look = version({ [each.field]: each.s }, { stamp });
    const merged = merge(thing, { link: before, row: row({ [each.field]: each.p }) }, look, each.unknown ?? false);
    expect(merged.row).toEqual(row({ [each.field]: each.merged }));
    expect(merged.link.base).toEqual(base({ [each.field]: each.s }));
    expect(merged.link.dirty).toBe(each.dirty);
    expect(merged.conflicts).toEqual(
      each.conflict === undefined
        ? []
        : [{ field: each.field, base: each.b, salesforce: each.s, postgres: each.p, ...each.conflict }],
    );
  });

  test('edits of different fields on both sides at once survive', () => {
    const merged = merge(thing, { link: link(), row: row({ x: 'p' }) }, version({ mine: 's' }), false);
    expect(merged).toMatchObject({ row: row({ x: 'p', mine: 's' }), conflicts: [], link: { dirty: true } });
  });

  test('that a version lacks stays as it is, in the row and in the base', () => {
    const { x: _, ...others } = version({ mine: 's' }).fields;
    const merged = merge(thing, { link: link(), row: row({ x: 'p' }) }, { ...version(), fields: others }, false);
    expect(merged.row).toEqual(row({ x: 'p', mine: 's' }));
    expect(merged.link.base).toEqual(base({ mine: 's' }));
    expect(merged.conflicts).toEqual([]);
  });

  test('whose column was not read stays as it is; Salesforce’s value is in the base', () => {
    const { x: _, ...others } = row().fields;
    const merged = merge(thing, { link: link(), row: { fields: others } }, version({ x: 's', mine: 's' }), false);
    expect(merged).toMatchObject({ conflicts: [], link: { base: base({ x: 's', mine: 's' }) } });
    expect(merged.row).toEqual({ fields: { ...others, mine: 's' } });
  });

  test('that the merge leaves as it is leaves the row and the link as they are', () => {
    const before = row({ x: 'p' });
    const due = link({ dirty: true });
    expect(merge(thing, { link: due, row: before }, version(), false).row).toBe(before);
    expect(agree(thing, due, before)).toBe(due);
    const refused = link({ refused: { fields: { x: 'p' }, deleted: undefined } });
    expect(agree(thing, refused, before).refused.fields).toEqual({ x: 'p' });
  });
});

describe('policy latest', () => {
  const latest = mappingOf(
    defineSync({
      objects: { Thing: { table: 'things', updatedAt: 'edited_at', fields: { x: text('x', { policy: 'latest' }) } } },
    }),
    'Thing',
  );
  const edited = MERGED + SECOND;
  /** The row was edited at a moment, or at one of which its column says nothing. */
  const decided = (editedAt: number | undefined, base: FieldValues = { x: 'b' }) =>
    merge(
      latest,
      { link: link({ base: { deleted: false, fields: base } }), row: { fields: { x: 'p' }, editedAt } },
      { ...version(), stamp: edited, fields: { x: 's' } },
      false,
    );

  test.for([
    ['a second after the record', edited + SECOND, 'postgres', 'p'],
    ['a moment after the record', edited + 1, 'postgres', 'p'],
    ['in the same second: a tie is Salesforce’s', edited, 'salesforce', 's'],
    ['before the record', edited - SECOND, 'salesforce', 's'],
    ['at a moment that its column does not say', undefined, 'salesforce', 's'],
  ] as const)('a row that was edited %s', ([, editedAt, winner, held]) => {
    const merged = decided(editedAt);
    expect(merged.row?.fields.x).toBe(held);
    expect(merged.link.dirty).toBe(winner === 'postgres');
    expect(merged.conflicts).toEqual([
      { field: 'x', reason: 'both edited', base: 'b', salesforce: 's', postgres: 'p', winner },
    ]);
  });

  test('also decides of a field that is new in the mapping', () => {
    const joining = (editedAt: number) => decided(editedAt, {}).conflicts;
    expect(joining(edited + 1)).toMatchObject([{ reason: 'new in the mapping', winner: 'postgres' }]);
    expect(joining(edited)).toMatchObject([{ reason: 'new in the mapping', winner: 'salesforce' }]);
  });

  test('has nothing to decide where one side was not edited, however late the other', () => {
    const pair = (x: string, editedAt: number) => ({
      link: link({ base: { deleted: false, fields: { x: 'b' } } }),
      row: { fields: { x }, editedAt },
    });
    const look = (x: string, stamp: number) => ({ ...version(), stamp, fields: { x } });
    const inward = merge(latest, pair('b', edited + SECOND), look('s', edited), false);
    expect([inward.row?.fields.x, inward.conflicts]).toEqual(['s', []]);
    const outward = merge(latest, pair('p', edited - SECOND), look('b', edited), false);
    expect([outward.row?.fields.x, outward.link.dirty, outward.conflicts]).toEqual(['p', true, []]);
  });
});

describe('no version was merged before', () => {
  const fresh = link({ base: undefined, highWater: undefined, appliedAt: undefined });

  test('and no row is there: the record becomes one', () => {
    const merged = merge(thing, { link: fresh, row: undefined }, version({ x: 's' }), false);
    expect(merged).toMatchObject({
      row: row({ x: 's' }),
      conflicts: [],
      link: { base: base({ x: 's' }), dirty: false },
    });
    expect(merged.row?.fields, 'base and row share what they hold').toBe(merged.link.base?.fields);
  });

  test('and a row carries its id: policy and direction decide, nothing is logged', () => {
    const before = row({ x: 'p', mine: 'p', inward: 'p', outward: 'p' });
    const look = version({ x: 's', mine: 's', inward: 's', outward: 's' });
    const merged = merge(thing, { link: fresh, row: before }, look, false);
    expect(merged.row).toEqual(row({ x: 's', mine: 'p', inward: 's', outward: 'p' }));
    expect(merged.conflicts).toEqual([]);
    expect(merged.link).toMatchObject({ base: { fields: look.fields }, dirty: true });
  });

  test('the base is what the version holds of the mapped fields', () => {
    const based = (fields: FieldValues) =>
      merge(thing, { link: fresh, row: undefined }, { ...version(), fields }, false).link.base?.fields;
    const { fields } = version();
    expect(based(fields), 'nothing has to be copied').toBe(fields);
    expect(based({ ...fields, Unmapped: 'u' })).toEqual(fields);
    const { x: _, ...others } = fields;
    expect(Object.entries(based(others) ?? {})).toEqual(Object.entries(others));
    expect(based({ ...others, Unmapped: 'u' })).toEqual(others);
  });

  test('and the record is deleted: nothing is made, and a row that carries its id stays', () => {
    const gone = version({}, { deleted: true });
    // Remembered, so that an older file cannot bring it to life.
    expect(merge(thing, { link: fresh, row: undefined }, gone, false)).toMatchObject({
      row: undefined,
      link: { base: base({}, true), dirty: false },
    });
    expect(merge(thing, { link: fresh, row: row() }, gone, false)).toMatchObject({
      row: row(),
      conflicts: [],
      link: { base: undefined, dirty: false },
    });
  });
});

describe('a lookup', () => {
  const PARENT = '001000000000002AAA';
  const waiting = { parent: PARENT };

  test('that waits for its parent counts as the parent: no conflict, not due', () => {
    const before = link({ base: base({ parent: PARENT }), waiting });
    const merged = merge(
      thing,
      { link: before, row: row({ parent: null }) },
      version({ parent: PARENT, x: 's' }),
      false,
    );
    expect(merged).toMatchObject({ row: row({ parent: PARENT, x: 's' }), conflicts: [], link: { dirty: false } });
  });

  test('that waits follows Salesforce to another parent', () => {
    const before = link({ base: base({ parent: PARENT }), waiting });
    const merged = merge(thing, { link: before, row: row({ parent: null }) }, version({ parent: ID }), false);
    expect(merged).toMatchObject({ row: row({ parent: ID }), conflicts: [] });
  });

  test('to a row that Salesforce does not have is an edit that is never pushed', () => {
    const unlinked = row({ parent: { unlinked: '42' } });
    const alone = merge(thing, { link: link(), row: unlinked }, version(), false);
    expect(alone).toMatchObject({ row: unlinked, conflicts: [], link: { dirty: false } });
    const both = merge(thing, { link: link(), row: unlinked }, version({ parent: PARENT }), false);
    expect(both).toMatchObject({
      row: row({ parent: PARENT }),
      conflicts: [{ field: 'parent', winner: 'salesforce' }],
    });
  });
});

describe('a field that is new in the mapping', () => {
  const unknown = (...fields: string[]) => {
    const known = Object.entries(base().fields).filter(([field]) => !fields.includes(field));
    return link({ base: { deleted: false, fields: Object.fromEntries(known) } });
  };

  test.for<[string, string, RowValues, FieldValues, RowValues, boolean, number]>([
    ['is agreed on where both sides are equal', 'x', { x: 's' }, { x: 's' }, { x: 's' }, false, 0],
    ['takes what Salesforce has into an empty column', 'x', { x: null }, { x: 's' }, { x: 's' }, false, 0],
    ['does so under every policy', 'mine', { mine: null }, { mine: 's' }, { mine: 's' }, false, 0],
    ['goes to Salesforce where only the row has it', 'x', { x: 'p' }, { x: null }, { x: 'p' }, true, 0],
    ['is a conflict where both have another value', 'x', { x: 'p' }, { x: 's' }, { x: 's' }, false, 1],
    ['is decided by its policy then', 'mine', { mine: 'p' }, { mine: 's' }, { mine: 'p' }, true, 1],
    ['that Salesforce owns is taken', 'inward', { inward: 'p' }, { inward: null }, { inward: null }, false, 0],
    ['that PostgreSQL owns is sent', 'outward', { outward: 'p' }, { outward: 's' }, { outward: 'p' }, true, 0],
    ['is not emptied by an empty column', 'outward', { outward: null }, { outward: 's' }, { outward: null }, false, 0],
  ])('%s', ([, field, before, theirs, after, dirty, conflicts]) => {
    const merged = merge(thing, { link: unknown(field), row: row(before) }, version(theirs), false);
    expect(merged).toMatchObject({ row: row(after), link: { dirty } });
    expect(merged.conflicts.map(({ reason }) => reason)).toEqual(Array(conflicts).fill('new in the mapping'));
    expect(merged.link.base?.fields).toEqual(
      field === 'outward' && before.outward === null ? unknown(field).base?.fields : version(theirs).fields,
    );
  });

  test('that an empty column left alone is sent as soon as something is written there', () => {
    const merged = merge(
      thing,
      { link: unknown('outward'), row: row({ outward: 'p' }) },
      version({ outward: 's' }),
      false,
    );
    expect(merged.link).toMatchObject({ dirty: true, base: { fields: { outward: 's' } } });
  });

  test('takes what Salesforce has where the column holds its default', () => {
    const fields = thing.fields.map((each) => (each.field === 'mine' ? { ...each, columnDefault: 'standard' } : each));
    const merged = (mine: string | null) =>
      merge({ ...thing, fields }, { link: unknown('mine'), row: row({ mine: 'standard' }) }, version({ mine }), false);
    expect(merged('s')).toMatchObject({ row: row({ mine: 's' }), conflicts: [] });
    expect(merged(null)).toMatchObject({ row: row({ mine: 'standard' }), conflicts: [], link: { dirty: true } });
  });

  test('does not make the record one that was edited: it is deleted with its row, and its row with it', () => {
    const gone = merge(thing, { link: unknown('x'), row: undefined }, version({ x: 's' }), false);
    expect(gone).toMatchObject({ row: undefined, conflicts: [], link: { dirty: true } });
    const deleted = merge(
      thing,
      { link: unknown('x'), row: row({ x: 'p' }) },
      version({ x: 's' }, { deleted: true }),
      false,
    );
    expect(deleted.row).toBeUndefined();
    const preferred = merge(
      thing,
      { link: unknown('mine'), row: row({ mine: 'p' }) },
      version({ mine: 's' }, { deleted: true }),
      false,
    );
    expect(preferred.row, 'also where the row’s value is preferred').toBeUndefined();
  });

  test('is filled before a record that comes back is written', () => {
    const before = unknown('mine');
    const dead = { ...before, base: before.base && { ...before.base, deleted: true } };
    const merged = merge(
      thing,
      { link: dead, row: row({ mine: null }) },
      version({ mine: 's' }, { deleted: true }),
      false,
    );
    expect(merged.row).toMatchObject(row({ mine: 's' }));
  });
});

describe('a conflict under the policy latest', () => {
  const fields = thing.fields.map((each) => (each.field === 'x' ? { ...each, policy: 'latest' as const } : each));
  const stamp = MERGED + SECOND;
  const decided = (editedAt: number | undefined) =>
    merge({ ...thing, fields }, { link: link(), row: { ...row({ x: 'p' }), editedAt } }, version({ x: 's' }), false);

  test.for<[string, number | undefined, 'p' | 's']>([
    ['is the row’s where that was edited later', stamp + 1, 'p'],
    ['is Salesforce’s where that was edited later', stamp - SECOND, 's'],
    ['is Salesforce’s where both were edited at once', stamp, 's'],
    ['is Salesforce’s where it is not known when the row was edited', undefined, 's'],
  ])('%s', ([, editedAt, x]) => {
    const merged = decided(editedAt);
    expect(merged).toMatchObject({ row: row({ x }), link: { dirty: x === 'p' } });
    const winner = x === 'p' ? 'postgres' : 'salesforce';
    expect(merged.conflicts).toMatchObject([
      { field: 'x', reason: 'both edited', salesforce: 's', postgres: 'p', winner },
    ]);
  });

  test('also of a field that is new in the mapping', () => {
    const { x: _, ...known } = base().fields;
    const unknown = link({ base: { deleted: false, fields: known } });
    const edited = (editedAt: number) => ({ link: unknown, row: { ...row({ x: 'p' }), editedAt } });
    expect(merge({ ...thing, fields }, edited(stamp + 1), version({ x: 's' }), false).row).toMatchObject(
      row({ x: 'p' }),
    );
    expect(merge({ ...thing, fields }, edited(stamp), version({ x: 's' }), false).row).toMatchObject(row({ x: 's' }));
  });
});

test('a value that Salesforce cannot store is never pushed, and gives way to an edit there as any other', () => {
  const unreadable = row({ x: UNREADABLE });
  const alone = merge(thing, { link: link(), row: unreadable }, version(), false);
  expect(alone).toMatchObject({ row: unreadable, conflicts: [], link: { dirty: false } });
  const both = merge(thing, { link: link(), row: unreadable }, version({ x: 's' }), false);
  expect(both).toMatchObject({ row: row({ x: 's' }), conflicts: [{ field: 'x', winner: 'salesforce' }] });
});

describe('a refused value', () => {
  const refused = { fields: { x: 'p' }, deleted: undefined };

  test('is not due while the row still has it', () => {
    const merged = merge(thing, { link: link({ refused }), row: row({ x: 'p' }) }, version({ mine: 's' }), false);
    expect(merged.link).toMatchObject({ dirty: false, refused });
  });

  test('is forgotten when the row has another one, which is due', () => {
    const merged = merge(thing, { link: link({ refused }), row: row({ x: 'q' }) }, version(), false);
    expect(merged.link.dirty).toBe(true);
    expect(merged.link.refused.fields).toEqual({});
  });

  test('is forgotten when Salesforce holds it after all', () => {
    const merged = merge(thing, { link: link({ refused }), row: row({ x: 'p' }) }, version({ x: 'p' }), false);
    expect(merged.link.dirty).toBe(false);
    expect(merged.link.refused.fields).toEqual({});
  });
});
