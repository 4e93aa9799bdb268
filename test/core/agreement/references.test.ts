import { describe, expect, test } from 'vitest';
import { join, loseParent, loseParentToo, stopWaiting, waitFor } from '../../../core/agreement/references.ts';
import { defineSync, mappingOf, reference, text } from '../../../core/mapping/configuration.ts';
import { base, link, thing } from './thing.ts';

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
    expect(join(waiting, 'parent', null)).toEqual({ link: joined, fills: true });
    expect(join(waiting, 'parent', 'k')).toEqual({ link: joined, fills: false });
    expect(join(waiting, 'parent', undefined)).toEqual({ link: joined, fills: false });
  });

  test('is due when Salesforce does not have that parent there', () => {
    const shown = { ...waiting, base: base({ parent: B }) };
    expect(join(shown, 'parent', null).link).toMatchObject({ dirty: true, waiting: { other: B } });
    expect(join({ ...waiting, dirty: true }, 'parent', null).link.dirty).toBe(true);
  });

  test('for a parent without which the record cannot be written is remembered, and the record read when that lands', () => {
    const rejected = waitFor(link({ waiting: { other: B } }), 'parent', A);
    expect(rejected).toEqual(link({ waiting: { other: B, parent: A }, revision: raised }));
    const landed = stopWaiting(rejected, 'parent');
    expect(landed).toEqual(link({ waiting: { other: B }, rereadDue: true, revision: raised + 1 }));
  });
});
