/** How a row differs from what Salesforce holds, and what is known of it after a look: link.ts. */
import { describe, expect, test } from 'vitest';
import {
  afterLook,
  isGone,
  type Link,
  mayGo,
  NOTHING_REFUSED,
  nothingRefused,
  type Outgoing,
  outgoing,
  type RowVersion,
  staysUnknown,
  stillRefused,
  withWaiting,
} from '../../../core/agreement/link.ts';
import { UNREADABLE } from '../../../core/mapping/canonical.ts';
import type { ObjectMapping } from '../../../core/mapping/configuration.ts';
import { base, link, row, thing } from './thing.ts';

const PARENT = '001000000000002AAA';
const deleted = base({}, true);
const outside = (is: boolean | 'unknown' = true, fields = {}): RowVersion => ({ ...row(fields), outside: is });
const leaving = (what: 'delete' | 'ignore'): ObjectMapping => ({ ...thing, filter: { where: 'x', leaving: what } });
const outliving: ObjectMapping = { ...thing, deleteRow: 'ignore' };
const ignoring: ObjectMapping = { ...thing, deleteRecord: 'ignore' };
const whole = { x: 'b', mine: 'b', outward: 'b', parent: null };
/** What was known before a field came into the mapping. */
const without = (field: string, more = base()) => ({
  ...more,
  fields: Object.fromEntries(Object.entries(more.fields).filter(([each]) => each !== field)),
});

describe('what has to be written to Salesforce', () => {
  test.for<[string, Partial<Link>, RowVersion | undefined, Outgoing | undefined, ObjectMapping?]>([
    ['nothing, while no version of the record is known', { base: undefined }, row({ x: 'p' }), undefined],
    ['nothing, while none is known and there is no row', { base: undefined }, undefined, undefined],
    ['nothing where the row is as the base', {}, row(), undefined],
    ['the fields that differ', {}, row({ x: 'p', mine: null }), { kind: 'update', fields: { x: 'p', mine: null } }],
    ['nothing of a field that Salesforce owns', {}, row({ inward: 'p' }), undefined],
    ['nothing of a field of which Salesforce’s value is not known', { base: without('x') }, row({ x: 'p' }), undefined],
    ['nothing of a value that was not read', {}, { fields: without('x').fields }, undefined],
    ['nothing of a value that has no counterpart', {}, row({ x: UNREADABLE }), undefined],
    [
      'the others beside one that was not read',
      {},
      { fields: { ...without('x').fields, mine: 'p' } },
      { kind: 'update', fields: { mine: 'p' } },
    ],
    [
      'the others beside a lookup that waits and was not read',
      { waiting: { parent: PARENT } },
      { fields: { ...without('parent').fields, x: 'p' } },
      { kind: 'update', fields: { x: 'p' } },
    ],
    [
      'the others beside such a value',
      {},
      row({ x: UNREADABLE, mine: 'p' }),
      { kind: 'update', fields: { mine: 'p' } },
    ],
    ['nothing of what stands for the base’s value', { inexact: { x: 'p' } }, row({ x: 'p' }), undefined],
    ['nothing of a lookup that waits', { waiting: { parent: PARENT } }, row({ parent: PARENT }), undefined],
    [
      'a lookup that was pointed elsewhere while it waited',
      { waiting: { parent: PARENT } },
      row({ parent: 'other' }),
      { kind: 'update', fields: { parent: 'other' } },
    ],
    ['nothing that was refused', { refused: { fields: { x: 'p' }, deleted: undefined } }, row({ x: 'p' }), undefined],
    [
      'what was refused together with what has changed since',
      { refused: { fields: { x: 'p', mine: 'p' }, deleted: undefined } },
      row({ x: 'p', mine: 'q' }),
      { kind: 'update', fields: { x: 'p', mine: 'q' } },
    ],
    // Deletes.
    ['the delete of a row that is gone', {}, undefined, { kind: 'delete' }],
    ['none that was refused', { refused: { fields: {}, deleted: true } }, undefined, undefined],
    ['none where the record is to outlive its row', {}, undefined, undefined, ignoring],
    ['none of a record that is deleted', { base: deleted }, undefined, undefined],
    [
      'a deleted record out of the recycle bin, where that is due',
      { base: deleted, purgeDue: true },
      undefined,
      { kind: 'purge' },
    ],
    ['a delete before that', { purgeDue: true }, undefined, { kind: 'delete' }],
    // The filter.
    ['nothing of a row outside the filter', {}, outside(true, { x: 'p' }), undefined],
    ['nothing of a row for which the filter fails', {}, outside('unknown', { x: 'p' }), undefined],
    ['what differs of a row inside', {}, outside(false, { x: 'p' }), { kind: 'update', fields: { x: 'p' } }],
    ['the delete of a row that has left it', { wasInside: true }, outside(), { kind: 'delete' }, leaving('delete')],
    ['none of a row that was never inside', {}, outside(), undefined, leaving('delete')],
    ['none where leaving says nothing', { wasInside: true }, outside(), undefined, leaving('ignore')],
    [
      'none where it is not known whether it left',
      { wasInside: true },
      outside('unknown'),
      undefined,
      leaving('delete'),
    ],
    ['none of a row that is inside', { wasInside: true }, outside(false), undefined, leaving('delete')],
    // Revives.
    ['all fields of a row whose record is deleted', { base: deleted }, row(), { kind: 'revive', fields: whole }],
    [
      'also those of a row edited since',
      { base: deleted },
      row({ x: 'p' }),
      { kind: 'revive', fields: { ...whole, x: 'p' } },
    ],
    [
      'the base’s value for what only stands for it',
      { base: base({ x: 'b', mine: null }, true), inexact: { x: 'p', mine: 'p' } },
      row({ x: 'p', mine: 'p' }),
      { kind: 'revive', fields: { ...whole, mine: null } },
    ],
    [
      'all of them, though one was refused before',
      { base: deleted, refused: { fields: { x: 'b' }, deleted: undefined } },
      row(),
      { kind: 'revive', fields: whole },
    ],
    ['no revive that was refused', { base: deleted, refused: { fields: {}, deleted: false } }, row(), undefined],
    ['none for a row that outlived its record by intent', { base: deleted }, row(), undefined, outliving],
    [
      'edits of a row whose record lives, there too',
      {},
      row({ x: 'p' }),
      { kind: 'update', fields: { x: 'p' } },
      outliving,
    ],
  ])('is %s', ([, more, was, out, mapping = thing]) => {
    expect(outgoing(mapping, link(more), was)).toStrictEqual(out);
  });

  test('is nothing where row and base are one object, and all of it where that record is deleted', () => {
    const { fields } = base();
    expect(outgoing(thing, link({ base: { deleted: false, fields } }), { fields })).toBeUndefined();
    expect(outgoing(thing, link({ base: { deleted: true, fields } }), { fields })?.kind).toBe('revive');
  });

  test('goes, unless it is a delete that is held', () => {
    expect(mayGo(link({ guard: 'held' }), { kind: 'delete' })).toBe(false);
    expect(mayGo(link({ guard: 'passed' }), { kind: 'delete' })).toBe(true);
    expect(mayGo(link({ guard: 'held' }), { kind: 'update', fields: {} })).toBe(true);
    expect(mayGo(link(), undefined)).toBe(false);
  });
});

describe('a row counts as gone', () => {
  test.for<[string, Partial<Link>, RowVersion | undefined, ObjectMapping, boolean]>([
    ['when there is none', {}, undefined, thing, true],
    ['when it has left a filter for which that is so', { wasInside: true }, outside(), leaving('delete'), true],
    ['not when leaving says nothing', { wasInside: true }, outside(), leaving('ignore'), false],
    ['not when there is no filter', { wasInside: true }, outside(), thing, false],
    ['not when it was never inside', {}, outside(), leaving('delete'), false],
    ['not when the filter fails', { wasInside: true }, outside('unknown'), leaving('delete'), false],
    ['not when it is there', { wasInside: true }, row(), leaving('delete'), false],
  ])('%s', ([, more, was, mapping, gone]) => {
    expect(isGone(mapping, link(more), was)).toBe(gone);
  });
});

describe('after a look', () => {
  test.for<[string, Partial<Link>, RowVersion | undefined, boolean]>([
    ['a row inside the filter has been inside', {}, outside(false), true],
    ['a row that was inside still has been, outside as well', { wasInside: true }, outside(), true],
    ['also where the filter fails', { wasInside: true }, outside('unknown'), true],
    ['also without a filter', { wasInside: true }, row(), true],
    ['one that was never inside has not', {}, outside(), false],
    ['one for which the filter fails has not', {}, outside('unknown'), false],
    ['a row that is gone has not', { wasInside: true }, undefined, false],
    [
      'one outside whose record is deleted has not: it has to come back first',
      { wasInside: true, base: deleted },
      outside(),
      false,
    ],
    ['one inside whose record is deleted has', { wasInside: true, base: deleted }, outside(false), true],
    ['one without a filter whose record is deleted has', { wasInside: true, base: deleted }, row(), true],
    ['of an unknown record, one outside still has', { wasInside: true, base: undefined }, outside(), true],
  ])('%s', ([, more, was, is]) => {
    expect(afterLook(thing, link(more), was).wasInside).toBe(is);
  });

  test('a record is to be emptied from the bin only while both sides are without it', () => {
    const purging = (more: Partial<Link>, was?: RowVersion) =>
      afterLook(thing, link({ purgeDue: true, ...more }), was).purgeDue;
    expect(purging({ base: deleted })).toBe(true);
    expect(purging({ base: deleted }, row())).toBe(false);
    expect(purging({})).toBe(false);
    expect(purging({ base: undefined })).toBe(false);
    expect(afterLook(thing, link({ base: deleted }), undefined).purgeDue).toBe(false);
  });

  test('the judgement of a delete stays while there is one', () => {
    for (const guard of ['held', 'passed'] as const) {
      expect(afterLook(thing, link({ guard }), undefined).guard).toBe(guard);
      expect(afterLook(thing, link({ guard }), row()).guard).toBeUndefined();
      expect(afterLook(thing, link({ guard }), row({ x: 'p' })).guard).toBeUndefined();
      expect(afterLook(thing, link({ guard, base: undefined }), undefined).guard).toBeUndefined();
    }
  });

  test('nothing is made anew of a link that stays as it is', () => {
    const before = link({ wasInside: true });
    expect(afterLook(thing, before, row())).toBe(before);
  });
});

describe('Salesforce has refused nothing of the row', () => {
  const refused = (fields: Link['refused']['fields'], gone?: boolean) => ({ refused: { fields, deleted: gone } });

  test.for<[string, Partial<Link>, RowVersion | undefined, boolean, ObjectMapping?]>([
    ['when it has refused nothing', {}, row(), true],
    ['not while the row has what was refused', refused({ x: 'p' }), row({ x: 'p' }), false],
    ['not while it has one of several', refused({ x: 'p', mine: 'p' }), row({ x: 'q', mine: 'p' }), false],
    ['when the row has something else', refused({ x: 'p' }), row(), true],
    ['when the row is gone, and what was refused was a value', refused({ x: 'p' }), undefined, true],
    ['not when the row is gone, and its delete was refused', refused({}, true), undefined, false],
    ['when the row is back, and its delete was refused', refused({}, true), row(), true],
    ['not while its revive is refused', refused({}, false), row(), false],
    ['when the row of a refused revive is gone', refused({}, false), undefined, true],
    [
      'not when it has left the filter, and its delete was refused',
      { ...refused({}, true), wasInside: true },
      outside(),
      false,
      leaving('delete'),
    ],
    [
      'when it has left the filter with a value that was refused',
      { ...refused({ x: 'p' }), wasInside: true },
      outside(true, { x: 'p' }),
      true,
      leaving('delete'),
    ],
    ['not while a delete is held', { guard: 'held' }, undefined, false],
    ['when a delete has passed', { guard: 'passed' }, undefined, true],
  ])('%s', ([, more, was, is, mapping = thing]) => {
    expect(nothingRefused(mapping, { link: link(more), row: was })).toBe(is);
  });
});

describe('what was refused still stands', () => {
  const refused = (fields: Link['refused']['fields'], gone?: boolean) => ({ refused: { fields, deleted: gone } });

  test.for<[string, Partial<Link>, RowVersion | undefined, Link['refused'], ObjectMapping?]>([
    [
      'while the row has it and Salesforce has not',
      refused({ x: 'p' }),
      row({ x: 'p' }),
      { fields: { x: 'p' }, deleted: undefined },
    ],
    ['not when the row has something else', refused({ x: 'p' }), row(), NOTHING_REFUSED],
    [
      'not when Salesforce has it by now',
      { ...refused({ x: 'p' }), base: base({ x: 'p' }) },
      row({ x: 'p' }),
      NOTHING_REFUSED,
    ],
    ['not when the row is gone', refused({ x: 'p' }), undefined, NOTHING_REFUSED],
    ['each by itself', refused({ x: 'p', mine: 'p' }), row({ x: 'p' }), { fields: { x: 'p' }, deleted: undefined }],
    [
      'also of a record of which nothing is known',
      { ...refused({ x: 'p' }), base: undefined },
      row({ x: 'p' }),
      { fields: { x: 'p' }, deleted: undefined },
    ],
    [
      'a delete, while the row is gone and the record lives',
      refused({}, true),
      undefined,
      { fields: {}, deleted: true },
    ],
    ['not when the row is back', refused({}, true), row(), NOTHING_REFUSED],
    ['not when the record is deleted by now', { ...refused({}, true), base: deleted }, undefined, NOTHING_REFUSED],
    [
      'a purge, while it is due',
      { ...refused({}, true), base: deleted, purgeDue: true },
      undefined,
      { fields: {}, deleted: true },
    ],
    [
      'a delete, while the row is outside the filter',
      { ...refused({}, true), wasInside: true },
      outside(),
      { fields: {}, deleted: true },
      leaving('delete'),
    ],
    [
      'a revive, while the row is there and the record is deleted',
      { ...refused({}, false), base: deleted },
      row(),
      { fields: {}, deleted: false },
    ],
    ['not when the record lives by now', refused({}, false), row(), NOTHING_REFUSED],
    ['not when the row is gone, too', { ...refused({}, false), base: deleted }, undefined, NOTHING_REFUSED],
    ['no delete, when it is a revive that is due', { ...refused({}, true), base: deleted }, row(), NOTHING_REFUSED],
    ['no revive, when it is a delete that is due', refused({}, false), undefined, NOTHING_REFUSED],
    [
      'no delete of a record of which nothing is known',
      { ...refused({}, true), base: undefined },
      undefined,
      NOTHING_REFUSED,
    ],
  ])('%s', ([, more, was, still, mapping = thing]) => {
    expect(stillRefused(mapping, link(more), was)).toEqual(still);
  });

  test('and nothing is made anew where nothing was refused', () => {
    const before = link({ refused: { fields: {}, deleted: undefined } });
    expect(stillRefused(thing, before, row())).toBe(before.refused);
  });
});

describe('a lookup that waits', () => {
  const waiting = link({ waiting: { parent: PARENT } });

  test('counts as its parent’s id while its column is null', () => {
    expect(withWaiting(waiting, row({ parent: null, x: 'p' }))).toEqual(row({ parent: PARENT, x: 'p' }));
    const filled = row({ parent: 'other' });
    expect(withWaiting(waiting, filled)).toBe(filled);
    expect(withWaiting(waiting, undefined)).toBeUndefined();
    const before = row({ parent: null });
    expect(withWaiting(link(), before)).toBe(before);
  });
});

describe('a field stays unknown', () => {
  const field = (name: string) => {
    const found = thing.fields.find((each) => each.field === name);
    if (found === undefined) throw new Error('there is no such field');
    return found;
  };

  test('where only PostgreSQL may edit it, and nothing was written to its column', () => {
    const unknown = without('outward');
    expect(staysUnknown(field('outward'), unknown, row({ outward: null }))).toBe(true);
    expect(staysUnknown(field('outward'), unknown, undefined)).toBe(true);
    expect(staysUnknown(field('outward'), unknown, row({ outward: 'p' }))).toBe(false);
    expect(staysUnknown(field('outward'), base(), row({ outward: null })), 'it is known').toBe(false);
    expect(staysUnknown(field('x'), without('x'), row({ x: null })), 'both may edit it').toBe(false);
    expect(staysUnknown(field('x'), without('x'), undefined)).toBe(false);
  });
});
