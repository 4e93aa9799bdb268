/** The table of MERGE where a side has deleted the record. */
import { describe, expect, test } from 'vitest';
import type { RowVersion } from '../../../core/agreement/link.ts';
import { type Conflict, merge, type RecordState } from '../../../core/agreement/merge.ts';
import { base, link, MERGED, push, row, SECOND, sent, thing, version } from './thing.ts';

const deleting = push({ sentDeleted: true });
const reviving = push({ sentDeleted: false, sent: sent({ x: 'b', mine: 'b', outward: 'b' }) });
const gone = version({}, { deleted: true });

function records(conflicts: readonly Conflict[]) {
  return conflicts.map(({ field, reason, winner, salesforce, postgres }) => ({
    field,
    reason,
    winner,
    salesforce: (salesforce as RecordState).deleted,
    postgres: (postgres as RecordState).deleted,
  }));
}
const survives = (winner: 'salesforce' | 'postgres', reason = 'deleted and edited') => ({
  field: undefined,
  reason,
  winner,
  salesforce: winner === 'postgres',
  postgres: winner === 'salesforce',
});

describe('deleted in Salesforce, the row is live', () => {
  test('and unedited: it goes', () => {
    const merged = merge(thing, { link: link(), row: row() }, gone, false);
    expect(merged).toMatchObject({ row: undefined, conflicts: [], link: { base: base({}, true), dirty: false } });
  });

  test.for([
    ['x', 'p', true],
    ['outward', 'p', true],
    ['inward', 'p', false],
  ] as const)('and %s edited: it stays %s', ([field, value, stays]) => {
    const merged = merge(thing, { link: link(), row: row({ [field]: value }) }, gone, false);
    expect(merged.row).toEqual(stays ? row({ [field]: value }) : undefined);
    expect(records(merged.conflicts)).toEqual(stays ? [survives('postgres')] : []);
    expect(merged.link.dirty).toBe(stays);
  });

  test('and edited to what the deleted record holds: no edit', () => {
    const merged = merge(thing, { link: link(), row: row({ x: 's' }) }, version({ x: 's' }, { deleted: true }), false);
    expect(merged).toMatchObject({ row: undefined, conflicts: [] });
  });

  test('what the record held when it was deleted comes into what was not edited in the row, for it is the base from now on', () => {
    const held = version({ x: 's', mine: 's', inward: 's', outward: 's' }, { deleted: true });
    const merged = merge(thing, { link: link(), row: row({ x: 'p' }) }, held, false);
    expect(merged.row).toEqual(row({ x: 'p', mine: 's', inward: 's' }));
    expect(records(merged.conflicts)).toEqual([survives('postgres')]);
    // An undelete, and another edit of a user: nobody has edited that in the row.
    const after = merge(thing, merged, version({ x: 's', mine: 't', inward: 's', outward: 's' }), false);
    expect([after.row?.fields.mine, after.conflicts.map(({ field }) => field)]).toEqual(['t', []]);
  });

  test('a lookup that waits for a parent follows the record, too: it would wait for ever', () => {
    const [gone, here] = ['001000000000002AAA', '001000000000003AAA'];
    const waits = link({ base: base({ parent: gone }), waiting: { parent: gone } });
    const held = version({ parent: here }, { deleted: true });
    const merged = merge(thing, { link: waits, row: row({ x: 'p', parent: null }) }, held, false);
    expect(merged.row?.fields).toMatchObject({ x: 'p', parent: here });
  });

  test('what an open push has sent is left as it is', () => {
    const pushed = link({ push: push({ sent: sent({ mine: 'q' }) }) });
    const merged = merge(
      thing,
      { link: pushed, row: row({ x: 'p' }) },
      version({ mine: 's' }, { deleted: true }),
      true,
    );
    expect(merged.row).toEqual(row({ x: 'p' }));
  });

  test('and a column was not read: that is no edit', () => {
    const { x: _, ...fields } = row().fields;
    expect(merge(thing, { link: link(), row: { fields } }, gone, false).row).toBeUndefined();
  });

  test('and it is to outlive its record: it stays, and brings nothing back', () => {
    const outliving = { ...thing, deleteRow: 'ignore' } as const;
    for (const was of [row(), row({ x: 'p' })]) {
      expect(merge(outliving, { link: link(), row: was }, gone, false)).toMatchObject({
        row: was,
        conflicts: [],
        link: { base: base({}, true), dirty: false },
      });
    }
  });

  test('and we had deleted it, for the row had left the filter: what was edited there lives on in the row', () => {
    const leaving = { ...thing, filter: { where: 'x', leaving: 'delete' } } as const;
    const outside = { ...row(), outside: true } as const;
    const held = version({ x: 's' }, { deleted: true });
    const merged = (more: Parameters<typeof link>[0], was: RowVersion) =>
      merge(leaving, { link: link({ wasInside: true, ...more }), row: was }, held, false);
    expect(merged({ push: deleting }, outside).row).toEqual({ ...outside, fields: row({ x: 's' }).fields });
    expect(merged({ push: deleting }, { ...outside, outside: false }).row, 'it is inside again').toEqual({
      fields: row({ x: 's' }).fields,
      outside: false,
    });
    expect(merged({ push: deleting, base: base({}, true) }, outside).row, 'it was deleted before').toEqual(outside);
    expect(merged({}, outside).row, 'a user has deleted it').toBeUndefined();
  });

  test('the conflict keeps the edited fields of the row', () => {
    const { conflicts } = merge(thing, { link: link(), row: row({ x: 'p' }) }, gone, false);
    expect(conflicts[0]).toMatchObject({
      base: base(),
      salesforce: { deleted: true },
      postgres: { deleted: false, fields: { x: 'p' } },
    });
  });

  test('and we had deleted it: the row that came back is kept and revives it', () => {
    const merged = merge(thing, { link: link({ push: deleting }), row: row() }, gone, false);
    expect(merged).toMatchObject({ row: row(), conflicts: [], link: { dirty: true } });
  });

  test('and it was deleted before: the row that came back is kept and revives it', () => {
    const merged = merge(thing, { link: link({ base: base({}, true) }), row: row() }, gone, false);
    expect(merged).toMatchObject({ row: row(), conflicts: [], link: { dirty: true } });
  });

  test('and it was deleted before, and edited in between: the row stands with the edit, which is in the log', () => {
    const deleted = link({ base: base({}, true) });
    const edited = version({ x: 's' }, { deleted: true });
    const merged = merge(thing, { link: deleted, row: row({ mine: 'p' }) }, edited, false);
    expect(merged).toMatchObject({
      row: row({ mine: 'p', x: 's' }),
      link: { dirty: true, base: base({ x: 's' }, true) },
    });
    expect(records(merged.conflicts)).toEqual([survives('postgres')]);
    expect(merged.conflicts).toMatchObject([{ salesforce: { fields: { x: 's' } } }]);
    const again = merge(thing, { link: merged.link, row: row({ mine: 'p' }) }, edited, false);
    expect(again.conflicts).toEqual([]);
  });

  test('and what it holds since our revive is what we have sent: nobody has edited it', () => {
    const revived = link({ base: base({}, true), push: reviving });
    const ours = version({ x: 'b', mine: 'b', outward: 'b' }, { deleted: true });
    expect(merge(thing, { link: revived, row: row({ x: 'b' }) }, ours, false).conflicts).toEqual([]);
  });

  test('and our revive has no known outcome: it may have been undone', () => {
    const pair = { link: link({ base: base({}, true), push: reviving }), row: row() };
    const merged = merge(thing, pair, version({}, { deleted: true, stamp: MERGED }), true);
    expect(merged.row).toEqual(row());
    expect(records(merged.conflicts)).toEqual([survives('postgres', 'push may have been undone')]);
    const older = merge(thing, pair, version({}, { deleted: true, stamp: MERGED - SECOND }), true);
    expect(older.conflicts).toEqual([]);
    const known = merge(thing, pair, version({}, { deleted: true, stamp: MERGED }), false);
    expect(known.conflicts, 'its outcome is known').toEqual([]);
    const another = { ...pair, link: link({ base: base({}, true), push: push() }) };
    expect(merge(thing, another, version({}, { deleted: true }), true).conflicts, 'it was no revive').toEqual([]);
  });
});

describe('live in Salesforce, the row is gone', () => {
  test('and the record was not edited: it stays gone, and the delete is due', () => {
    const merged = merge(thing, { link: link(), row: undefined }, version(), false);
    expect(merged).toMatchObject({ row: undefined, conflicts: [], link: { dirty: true } });
  });

  test.for([
    ['x', true],
    ['outward', false],
    ['inward', false],
  ] as const)('and %s edited in Salesforce: the edit survives %s', ([field, survived]) => {
    const merged = merge(thing, { link: link(), row: undefined }, version({ [field]: 's' }), false);
    expect(merged.row).toEqual(survived ? row({ [field]: 's' }) : undefined);
    expect(records(merged.conflicts)).toEqual(survived ? [survives('salesforce')] : []);
    expect(merged.link.dirty).toBe(!survived);
  });

  test('and the edit is our own write: it stays gone', () => {
    const pair = { link: link({ push: push({ sent: sent({ x: 'ours' }) }) }), row: undefined };
    expect(merge(thing, pair, version({ x: 'ours' }), false)).toMatchObject({ row: undefined, conflicts: [] });
  });

  test('and the record is to outlive it: it stays gone, edited or not', () => {
    const ignoring = { ...thing, deleteRecord: 'ignore' } as const;
    expect(merge(ignoring, { link: link(), row: undefined }, version({ x: 's' }), false)).toMatchObject({
      row: undefined,
      conflicts: [],
      link: { dirty: false },
    });
  });

  test('and a field of the record was not read: that is no edit', () => {
    const { x: _, ...fields } = version().fields;
    expect(merge(thing, { link: link(), row: undefined }, { ...version(), fields }, false)).toMatchObject({
      row: undefined,
      conflicts: [],
    });
  });

  test('and the record was deleted before: it was undeleted there, so the row comes back', () => {
    const pair = { link: link({ base: base({}, true) }), row: undefined };
    const merged = merge(thing, pair, version({ x: 's' }), false);
    expect(merged).toMatchObject({ row: row({ x: 's' }), conflicts: [], link: { dirty: false } });
  });

  test('and it was we who revived it, and a user has edited it since: the row comes back with the edit', () => {
    const revived = link({ base: base({}, true), push: reviving });
    const merged = merge(thing, { link: revived, row: undefined }, version({ x: 's' }), true);
    expect(merged.row?.fields.x).toBe('s');
    expect(records(merged.conflicts)).toEqual([survives('salesforce')]);
  });

  test('and it was we who revived it: it stays gone, and the delete is due', () => {
    const pair = { link: link({ base: base({}, true), push: reviving }), row: undefined };
    expect(merge(thing, pair, version(), false)).toMatchObject({
      row: undefined,
      conflicts: [],
      link: { dirty: true },
    });
  });

  test('a refused delete is not due again', () => {
    const refused = { fields: {}, deleted: true };
    const merged = merge(thing, { link: link({ refused }), row: undefined }, version(), false);
    expect(merged.link).toMatchObject({ dirty: false, refused });
  });
});

describe('deleted on both sides', () => {
  test('they agree', () => {
    const merged = merge(thing, { link: link(), row: undefined }, gone, false);
    expect(merged).toMatchObject({ row: undefined, conflicts: [], link: { base: base({}, true), dirty: false } });
  });

  test('by our delete, which buried an edit: the row comes back with it and revives the record', () => {
    const buried = version({ x: 's' }, { deleted: true });
    const merged = merge(thing, { link: link({ push: deleting }), row: undefined }, buried, false);
    expect(merged.row).toEqual(row({ x: 's' }));
    expect(merged.conflicts).toMatchObject([{ reason: 'deleted and edited', winner: 'salesforce' }]);
    expect(merged.link.dirty).toBe(true);
  });

  test.each([
    ['as it was', {}, { x: 's' }, []],
    ['with an edit of another field', { y: 'p' }, { x: 's', y: 'p' }, []],
    ['with an edit of the same field', { x: 'p' }, { x: 's' }, [{ field: 'x', winner: 'salesforce' }]],
  ])(
    'by our delete, which buried an edit, and the row is made anew %s: field by field',
    (_, edits, expected, logged) => {
      const buried = version({ x: 's' }, { deleted: true });
      const merged = merge(thing, { link: link({ push: deleting }), row: row(edits) }, buried, false);
      expect(merged).toMatchObject({ row: row(expected), link: { dirty: true, base: { deleted: true } } });
      expect(merged.conflicts).toMatchObject(logged);
    },
  );

  test('by our delete, which buried what only Salesforce owns: they agree', () => {
    const buried = version({ inward: 's' }, { deleted: true });
    expect(merge(thing, { link: link({ push: deleting }), row: undefined }, buried, false)).toMatchObject({
      row: undefined,
      conflicts: [],
    });
  });

  test('in Salesforce, too, after an edit: they agree', () => {
    const buried = version({ x: 's' }, { deleted: true });
    expect(merge(thing, { link: link(), row: undefined }, buried, false)).toMatchObject({
      row: undefined,
      conflicts: [],
    });
  });
});
