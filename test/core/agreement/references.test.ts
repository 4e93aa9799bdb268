import { describe, expect, test } from 'vitest';
import {
  childLookups,
  isInTheWay,
  isPutToRest,
  join,
  lookupsToWake,
  loseParent,
  loseParentToo,
  namedRecords,
  stopWaiting,
  unlinkedParents,
  waitFor,
  waitForChildren,
} from '../../../core/agreement/references.ts';
import { defineSync, mappingOf, reference, text } from '../../../core/mapping/configuration.ts';
import { base, link, row, thing } from './thing.ts';

const A = '001000000000002AAA';
const B = '001000000000003AAA';
const known = link({ base: base({ parent: A }) });
const raised = known.revision + 1;

const filtered = mappingOf(
  defineSync({
    objects: {
      Thing: {
        table: 'things',
        filter: { where: 'parent_id is not null' },
        fields: { x: text('x'), parent: reference('parent_id', 'Thing') },
      },
    },
  }),
  'Thing',
);

describe('the link of a child whose parent goes', () => {
  const lost = { parent: A, survivor: undefined, survivorHasRow: false };

  test('waits for the parent', () => {
    const after = loseParent(known, thing, 'parent', lost);
    expect(after).toEqual({ ...known, waiting: { parent: A }, revision: raised });
  });

  test('waits for it under the revision of the merge, where the same transaction writes both', () => {
    expect(loseParentToo(known, thing, 'parent', lost)).toEqual({ ...known, waiting: { parent: A } });
  });

  test('keeps what else it waits for', () => {
    const waiting = link({ base: base({ parent: A }), waiting: { other: B } });
    expect(loseParent(waiting, thing, 'parent', lost).waiting).toEqual({ other: B, parent: A });
  });

  test('goes to the survivor of a merge, its base with it, and is read again', () => {
    const after = loseParent(known, thing, 'parent', { parent: A, survivor: B, survivorHasRow: true });
    expect(after).toEqual({ ...known, base: base({ parent: B }), rereadDue: true, revision: raised });
  });

  test('waits for the parent and is read again while the survivor has no row', () => {
    const after = loseParent(known, thing, 'parent', { parent: A, survivor: B, survivorHasRow: false });
    expect(after).toEqual({ ...known, waiting: { parent: A }, rereadDue: true, revision: raised });
  });

  test('is due where the application had only just pointed it there', () => {
    const elsewhere = link({ base: base({ parent: null }) });
    const after = { ...elsewhere, dirty: true, revision: raised };
    expect(loseParent(elsewhere, thing, 'parent', lost)).toEqual(after);
    const merged = { parent: A, survivor: B, survivorHasRow: true };
    expect(loseParent(elsewhere, thing, 'parent', merged)).toEqual({ ...after, rereadDue: true });
    const unread = link({ base: undefined });
    expect(loseParent(unread, thing, 'parent', lost)).toEqual({ ...unread, dirty: true, revision: raised });
  });

  test('is due where the object has a row filter: the lookup may be what it looks at', () => {
    expect(loseParent(known, filtered, 'parent', lost).dirty).toBe(true);
    expect(loseParent({ ...known, dirty: true }, thing, 'parent', lost).dirty).toBe(true);
  });
});

describe('a lookup that waits', () => {
  const waiting = link({ base: base({ parent: A }), waiting: { parent: A, other: B } });

  test('is joined to the parent that has landed, while its column is null', () => {
    const joined = { ...waiting, waiting: { other: B }, revision: raised };
    expect(join(waiting, thing, 'parent', null)).toEqual({ link: joined, fills: true });
    expect(join(waiting, thing, 'parent', 'k')).toEqual({ link: joined, fills: false });
    expect(join(waiting, thing, 'parent', undefined)).toEqual({ link: joined, fills: false });
  });

  test('is due when Salesforce does not have that parent there', () => {
    const shown = { ...waiting, base: base({ parent: B }) };
    expect(join(shown, thing, 'parent', null).link).toMatchObject({ dirty: true, waiting: { other: B } });
    expect(join({ ...waiting, dirty: true }, thing, 'parent', null).link.dirty).toBe(true);
    expect(join({ ...waiting, base: undefined }, thing, 'parent', null).link.dirty, 'nothing is known of it').toBe(
      true,
    );
  });

  test('is due where its column is filled and the object has a row filter: the lookup may be what lets the row in again', () => {
    expect(join(waiting, filtered, 'parent', null).link).toMatchObject({ dirty: true, waiting: { other: B } });
    expect(join(waiting, filtered, 'parent', 'k').link.dirty).toBe(false);
  });

  test('for a parent without which the record cannot be written is remembered, and the record read when that lands', () => {
    const rejected = waitFor(link({ waiting: { other: B } }), 'parent', A);
    expect(rejected).toEqual(link({ waiting: { other: B, parent: A }, revision: raised }));
    const landed = stopWaiting(rejected, 'parent');
    expect(landed).toEqual(link({ waiting: { other: B }, rereadDue: true, revision: raised + 1 }));
  });
});

describe('the delete of a parent', () => {
  const lookup = (direction: 'both' | 'to-postgres') => {
    const fields = { parent: reference('parent_id', 'Thing', { direction }) };
    const [mapping] = defineSync({ objects: { Thing: { table: 'things', fields } } }).objects;
    const field = mapping?.fields[0];
    if (mapping === undefined || field === undefined) throw new Error('there is no lookup');
    return { mapping, field };
  };
  const quiet = { isDue: false, isGone: false, pointsTo: 'p', waits: false, stays: false };

  test.each([
    [true, 'that is due', { isDue: true }],
    [true, 'that is due, even if Salesforce has refused something of it', { isDue: true, stays: true }],
    [true, 'that has no row', { isGone: true, pointsTo: null }],
    [true, 'whose row has left the filter, and points to its row', { isGone: true }],
    [true, 'that was freed', { pointsTo: null }],
    [true, 'that points to another row', { pointsTo: 'q' }],
    [false, 'that points to its row', {}],
    [false, 'whose lookup waits for it', { pointsTo: null, waits: true }],
    [true, 'that waited for it and points to another row', { pointsTo: 'q', waits: true }],
    [false, 'of whose difference nothing will come', { pointsTo: null, stays: true }],
  ])('waits (%s) for a child %s', (waits, _, child) => {
    const { mapping, field } = lookup('both');
    expect(isInTheWay(mapping, field, { ...quiet, ...child }, 'p')).toBe(waits);
  });

  test('waits for no child whose column does not go to Salesforce, nor for one whose record outlives its row', () => {
    const { mapping, field } = lookup('to-postgres');
    expect(isInTheWay(mapping, field, { ...quiet, pointsTo: null }, 'p')).toBe(false);
    const outliving = { ...mapping, deleteRecord: 'ignore' } as const;
    expect(isInTheWay(outliving, field, { ...quiet, isGone: true }, 'p')).toBe(false);
    expect(isInTheWay(outliving, lookup('both').field, { ...quiet, isGone: true, pointsTo: null }, 'p')).toBe(false);
  });

  test('waits for a child that was freed, also where it is not known which row was its own', () => {
    const { mapping, field } = lookup('both');
    expect(isInTheWay(mapping, field, { ...quiet, pointsTo: null }, undefined)).toBe(true);
  });

  test('waits longer each time, up to eight seconds, and some five minutes in all', () => {
    let waiting: ReturnType<typeof waitForChildren> = known;
    const pauses: number[] = [];
    while (waiting !== undefined) {
      const before: number = pauses.reduce((sum, pause) => sum + pause, 0);
      waiting = waitForChildren(waiting, before);
      if (waiting !== undefined) pauses.push((waiting.dueAfter ?? 0) - before);
    }
    expect(pauses.slice(0, 5)).toEqual([1000, 2000, 4000, 8000, 8000]);
    expect(pauses.reduce((sum, pause) => sum + pause, 0)).toBe(303_000);
  });
});

test('a live record names the ids in its fields', () => {
  expect(namedRecords(known)).toEqual([A]);
  expect(namedRecords(link({ base: base({ parent: null }) }))).toBeUndefined();
  expect(namedRecords(link({ base: { ...base({ parent: A }), deleted: true } }))).toBeUndefined();
  expect(namedRecords(link({ base: undefined }))).toBeUndefined();
});

describe('the lookups of a parent', () => {
  const configuration = defineSync({
    objects: {
      Parent: { table: 'parents', fields: { x: text('x') } },
      Child: {
        table: 'children',
        fields: {
          x: text('x'),
          parent: reference('parent_id', 'Parent'),
          inward: reference('inward_id', 'Parent', { direction: 'to-postgres' }),
          outward: reference('outward_id', 'Parent', { direction: 'to-salesforce' }),
          other: reference('other_id', 'Child'),
        },
      },
      Stranger: { table: 'strangers', fields: { x: text('x') } },
    },
  });
  const names = (lookups: ReturnType<typeof childLookups>) =>
    lookups.map(({ child, lookup }) => `${child.object}.${lookup.field}`);

  test('are those that point to it, of whichever object', () => {
    expect(names(childLookups(configuration, 'Parent'))).toEqual(['Child.parent', 'Child.inward', 'Child.outward']);
    expect(names(childLookups(configuration, 'Child'))).toEqual(['Child.other']);
    expect(names(childLookups(configuration, 'Stranger'))).toEqual([]);
  });

  test('wake a child, when the parent has got its id, where they go to Salesforce', () => {
    expect(names(lookupsToWake(configuration, 'Parent'))).toEqual(['Child.parent', 'Child.outward']);
  });
});

describe('parents that have no record yet', () => {
  test('are those that the row names by their keys', () => {
    const found = unlinkedParents(thing, row({ parent: { unlinked: '7' }, x: { unlinked: '8' } }));
    expect(found).toEqual([{ object: 'Thing', key: '7' }]);
    expect(unlinkedParents(thing, row({ parent: A }))).toEqual([]);
    expect(unlinkedParents(thing, undefined)).toEqual([]);
  });
});

test('a link is put to rest when it was due, or is new, and is due no longer', () => {
  const resting = link({ dirty: false });
  const due = link({ dirty: true });
  expect(isPutToRest(due, resting)).toBe(true);
  expect(isPutToRest(undefined, resting)).toBe(true);
  expect(isPutToRest(resting, resting)).toBe(false);
  expect(isPutToRest(due, due)).toBe(false);
});
