/** COLLECT: what becomes of a record that was chosen. */
import { expect, test } from 'vitest';
import { choose, type Looked } from '../../../core/agreement/collect.ts';
import { type Link, NOTHING_REFUSED, type RowVersion } from '../../../core/agreement/link.ts';
import { defineSync, mappingOf, text } from '../../../core/mapping/configuration.ts';
import { base, link, push, row, thing } from './thing.ts';

const looked = (more: Partial<Looked> = {}): Looked => {
  return { parents: 'as read', lacksId: false, isUnsendable: false, ...more };
};

function withoutField(field: string) {
  const { [field]: _, ...fields } = base().fields;
  return { deleted: false, fields };
}

test.for<[string, Partial<Link>, RowVersion | undefined, Partial<Looked>, string]>([
  ['that equals the base is done', {}, row(), {}, 'done'],
  ['with an edit is due', {}, row({ x: 'p' }), {}, 'due'],
  ['with a field that is new in the mapping is due', { base: { deleted: false, fields: {} } }, row(), {}, 'due'],
  [
    'with a field that is new, and a deleted record, is done without its row',
    { base: { deleted: true, fields: {} } },
    undefined,
    {},
    'done',
  ],
  ['whose row is gone is due', {}, undefined, {}, 'due'],
  ['of which nothing is known is due', { base: undefined }, row(), {}, 'due'],
  ['of which nothing is known, nor of a row, is due', { base: undefined }, undefined, {}, 'due'],
  [
    'with a field that is new is done while its row is outside the filter',
    { base: { deleted: false, fields: {} } },
    { ...row(), outside: true },
    {},
    'done',
  ],
  ['with one field that is new among others is due', { base: withoutField('x') }, row(), {}, 'due'],
  [
    'with a new field that only Postgres edits, and an empty column, is done',
    { base: withoutField('outward') },
    row({ outward: null }),
    {},
    'done',
  ],
  [
    'whose record is not known to be deleted, and whose row lacks its id, is due',
    { base: undefined },
    row(),
    { lacksId: true },
    'due',
  ],
  ['with an open push is due', { push: push() }, row(), {}, 'due'],
  ['that has to be read again is due', { rereadDue: true }, row(), {}, 'due'],
  ['whose row has lost its id is due', {}, row(), { lacksId: true }, 'due'],
  [
    'whose row has no id because it is deleted there is done',
    { base: base({}, true) },
    undefined,
    { lacksId: true },
    'done',
  ],
  ['whose parent has got its id is due', {}, row(), { parents: 'linked' }, 'due'],
  ['whose parent may be getting its id is left', {}, row(), { parents: 'locked' }, 'left'],
  ['with an edit is due, whatever becomes of its parent', {}, row({ x: 'p' }), { parents: 'locked' }, 'due'],
])('a record %s', ([, more, was, found, step]) => {
  const before = link({ dirty: true, ...more });
  const chosen = choose(thing, { link: before, row: was }, looked(found));
  expect(chosen.step).toBe(step);
  expect(chosen.link).toMatchObject({ dirty: step !== 'done', revision: before.revision + 1 });
});

test('both sides agree when nothing is left to send, nor was left out', () => {
  const agrees = (before: Link, more: Partial<Looked> = {}, was = row()) =>
    choose(thing, { link: before, row: was }, looked(more)).agrees;
  expect(agrees(link())).toBe(true);
  expect(agrees(link(), { isUnsendable: true })).toBe(false);
  expect(agrees(link(), { parents: 'locked' })).toBe(false);
  expect(agrees(link({ rereadDue: true }))).toBe(false);
  const refused = link({ refused: { fields: { x: 'p' }, deleted: undefined } });
  expect(agrees(refused, {}, row({ x: 'p' }))).toBe(false);
  expect(agrees(refused, {}, row())).toBe(true);
});

test('what was refused, and is no more in the row, is forgotten: should it come back, it is tried again', () => {
  const refused = link({ refused: { fields: { x: 'p' }, deleted: undefined } });
  expect(choose(thing, { link: refused, row: row() }, looked()).link.refused).toBe(NOTHING_REFUSED);
  const kept = choose(thing, { link: refused, row: row({ x: 'p' }) }, looked()).link;
  expect(kept.refused).toEqual(refused.refused);
});

test('a refused delete stands while the row is gone, or outside the filter, where that counts as gone', () => {
  const filter = { where: 'x is not null', leaving: 'delete' } as const;
  const filtered = mappingOf(
    defineSync({ objects: { Thing: { table: 'things', filter, fields: { x: text('x') } } } }),
    'Thing',
  );
  const refused = link({
    base: { deleted: false, fields: { x: 'b' } },
    wasInside: true,
    refused: { fields: {}, deleted: true },
  });
  const chosen = (was: RowVersion | undefined) => choose(filtered, { link: refused, row: was }, looked());
  for (const was of [undefined, { fields: { x: 'b' }, outside: true }]) {
    expect(chosen(was)).toMatchObject({ step: 'done', agrees: false, link: { refused: { deleted: true } } });
  }
  expect(chosen({ fields: { x: 'b' }, outside: false })).toMatchObject({ step: 'done', agrees: true });
});

test('a row that outlives its record is done, also where a field is new in the mapping', () => {
  const outliving = { ...thing, deleteRow: 'ignore' } as const;
  const before = link({ dirty: true, base: { deleted: true, fields: {} } });
  expect(choose(outliving, { link: before, row: row() }, looked())).toMatchObject({ step: 'done', agrees: true });
});
