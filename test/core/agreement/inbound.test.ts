/** INBOUND and REREAD: what a record of a file may do, and what a fresh read may do. */
import { describe, expect, test } from 'vitest';
import { acceptReread, isUnderWay, receive } from '../../../core/agreement/inbound.ts';
import { base, link, MERGED, push, row, SECOND, sent, thing, version } from './thing.ts';

/** The file was read after the last fresh read that was merged. */
const AFTER = MERGED + 1;
const PARENT = '001000000000002AAA';
const OTHER = '001000000000009AAA';
const GONE = '001000000000008AAA';

describe('a record of a file', () => {
  test('that is newer is merged, and its stamp becomes the high-water mark', () => {
    const received = receive(thing, { link: link(), row: row() }, version({ x: 's' }), AFTER);
    expect(received).toMatchObject({
      outcome: 'merged',
      row: row({ x: 's' }),
      link: { base: base({ x: 's' }), highWater: MERGED + SECOND, revision: 8, appliedAt: MERGED, rereadDue: false },
    });
  });

  test('that says what the base says is unchanged, and raises the revision all the same', () => {
    for (const stamp of [MERGED, MERGED - SECOND]) {
      const received = receive(thing, { link: link(), row: row({ x: 'p' }) }, version({}, { stamp }), AFTER);
      expect(received).toMatchObject({
        outcome: 'unchanged',
        conflicts: [],
        row: row({ x: 'p' }),
        link: { revision: 8, rereadDue: false },
      });
      expect(received.link.highWater).toBe(MERGED);
    }
  });

  test.for([
    ['of the same second and different', { stamp: MERGED }, AFTER],
    ['older and different', { stamp: MERGED - SECOND }, AFTER],
    ['newer, perhaps read before the last fresh read', { stamp: MERGED + SECOND }, MERGED],
    ['of the same second, and deleted', { stamp: MERGED, deleted: true }, AFTER],
  ] as const)('that is %s has to be read again; nothing is merged', ([, more, readAfter]) => {
    const received = receive(thing, { link: link(), row: row() }, version({ x: 's' }, more), readAfter);
    expect(received).toMatchObject({
      outcome: 'reread',
      row: row(),
      conflicts: [],
      link: { base: base(), highWater: MERGED, revision: 8, rereadDue: true },
    });
  });

  test.for([
    ['that is deleted, and says what the base says', link(), version({}, { stamp: MERGED, deleted: true })],
    ['that lives again, and says what the base says', link({ base: base({}, true) }), version({}, { stamp: MERGED })],
    ['of which nothing is known but its stamp', link({ base: undefined }), version({}, { stamp: MERGED })],
  ] as const)('%s has to be read again', ([, before, file]) => {
    expect(receive(thing, { link: before, row: row() }, file, AFTER)).toMatchObject({ outcome: 'reread' });
  });

  test('that shows another value of a field of which nothing is known says nothing new where only Postgres edits it', () => {
    const without = (field: string) => {
      const { [field]: _, ...fields } = base().fields;
      return link({ base: { deleted: false, fields } });
    };
    const file = version({}, { stamp: MERGED });
    expect(receive(thing, { link: without('outward'), row: row() }, file, AFTER).outcome).toBe('unchanged');
    expect(receive(thing, { link: without('x'), row: row() }, file, AFTER).outcome).toBe('reread');
    const other = version({ outward: 's' }, { stamp: MERGED });
    expect(receive(thing, { link: link(), row: row() }, other, AFTER).outcome, 'it is known').toBe('reread');
  });

  test('that lacks fields has to be read again, however new it is', () => {
    const { x: _, ...fields } = version().fields;
    const received = receive(thing, { link: link(), row: row() }, { ...version(), fields }, AFTER);
    expect(received.outcome).toBe('reread');
  });

  test.for([
    ['unchanged', {}, version({ parent: PARENT }, { stamp: MERGED })],
    ['to be read again', {}, version({ parent: PARENT, x: 's' }, { stamp: MERGED - SECOND })],
    ['deferred', { push: push({ sent: sent({ x: 'p' }) }) }, version({ parent: PARENT })],
  ] as const)('that is %s leaves a lookup waiting for its parent', ([, more, file]) => {
    const before = link({ base: base({ parent: PARENT }), waiting: { parent: PARENT }, ...more });
    const received = receive(thing, { link: before, row: row({ parent: null }) }, file, AFTER);
    expect(received.row, 'as the merge sees it: the parent, not an edit to null').toEqual(row({ parent: PARENT }));
    expect(received.link.waiting).toEqual({ parent: PARENT });
  });

  test('of a record never seen before is merged', () => {
    const fresh = link({ base: undefined, highWater: undefined, appliedAt: undefined, revision: 0 });
    expect(receive(thing, { link: fresh, row: undefined }, version(), 0)).toMatchObject({
      outcome: 'merged',
      row: row(),
      link: { revision: 1 },
    });
  });
});

describe('a record of a file, while a push is open', () => {
  const open = push({ sent: { ...sent({ x: 'ours' }), ...sent({ mine: 'b' }, true) } });
  const deferred = (fields: Record<string, string>, stamp: number, before = open) =>
    receive(thing, { link: link({ push: before }), row: row({ x: 'ours' }) }, version(fields, { stamp }), AFTER);

  test('is never merged', () => {
    const received = deferred({ inward: 's' }, MERGED + SECOND);
    expect(received).toMatchObject({
      outcome: 'deferred',
      row: row({ x: 'ours' }),
      conflicts: [],
      link: { base: base(), highWater: MERGED, revision: 8, push: open },
    });
  });

  test('shows a value of a pushed field, which is kept and logged; sure when its stamp is newer', () => {
    const received = deferred({ x: 's' }, MERGED + SECOND);
    expect(received.link.push?.seen).toEqual({ x: { value: 's', sure: true, stamp: MERGED + SECOND } });
    expect(received.conflicts).toEqual([
      {
        field: 'x',
        reason: 'edited during our push',
        base: 'b',
        salesforce: 's',
        postgres: 'ours',
        winner: 'postgres',
      },
    ]);
    expect(deferred({ x: 's' }, MERGED).link.push?.seen).toEqual({ x: { value: 's', sure: false, stamp: MERGED } });
  });

  test('that says what the base says shows nothing', () => {
    const received = deferred({}, MERGED + SECOND);
    expect(received.conflicts).toEqual([]);
    expect(received.link).toEqual(link({ push: open, revision: 8 }));
  });

  test('shows nothing of a field that was not read, that was not sent, or that only Postgres edits', () => {
    const { x: _, ...fields } = version().fields;
    const sending = push({ sent: sent({ x: 'ours', outward: 'ours' }) });
    const shown = (file: typeof fields) =>
      receive(thing, { link: link({ push: sending }), row: row() }, { ...version(), fields: file }, AFTER);
    for (const file of [fields, { ...fields, x: 'b', mine: 's' }, { ...fields, x: 'b', outward: 's' }]) {
      expect(shown(file)).toMatchObject({ outcome: 'deferred', conflicts: [], link: { push: sending } });
    }
  });

  test('shows an edit of a record whose row has gone since', () => {
    const received = receive(thing, { link: link({ push: open }), row: undefined }, version({ x: 's' }), AFTER);
    expect(received.conflicts).toMatchObject([{ field: 'x', salesforce: 's', postgres: null }]);
    expect(received.row).toBeUndefined();
  });

  test('shows a value of a filler', () => {
    expect(deferred({ mine: 's' }, MERGED + SECOND).link.push?.seen).toEqual({
      mine: { value: 's', sure: true, stamp: MERGED + SECOND },
    });
  });

  test.for([
    ['older than what was merged', { x: 's' }, MERGED - SECOND],
    ['the value we sent', { x: 'ours' }, MERGED + SECOND],
    ['the value of the base', { x: 'b' }, MERGED + SECOND],
    ['a value of a field that was not sent', { outward: 's' }, MERGED + SECOND],
  ] as const)('shows nothing worth keeping: %s', ([, fields, stamp]) => {
    const received = deferred(fields, stamp);
    expect(received).toMatchObject({ outcome: 'deferred', conflicts: [] });
    expect(received.link.push?.seen).toEqual({});
  });

  test('shows no edit where a record that we bring back has let go of a parent that is gone', () => {
    const reviving = push({ sent: sent({ parent: PARENT, x: 'ours' }), sentDeleted: false });
    const before = { link: link({ base: base({ parent: GONE }, true), push: reviving }), row: row({ parent: PARENT }) };
    const out = receive(thing, before, version({ parent: null }), AFTER);
    expect(out).toMatchObject({ outcome: 'deferred', conflicts: [], link: { push: { seen: {} } } });
    // Any other value, and another field, was set by a person.
    const elsewhere = receive(thing, before, version({ parent: OTHER, x: 's' }), AFTER);
    expect(elsewhere.conflicts.map(({ field }) => field)).toEqual(['x', 'parent']);
    const updating = {
      ...before,
      link: link({ base: base({ parent: GONE }), push: { ...reviving, sentDeleted: undefined } }),
    };
    expect(receive(thing, updating, version({ parent: null }), AFTER).conflicts).toHaveLength(1);
  });

  test('is logged once, and again only when it becomes sure', () => {
    const unsure = push({ ...open, seen: { x: { value: 's', sure: false } } });
    expect(deferred({ x: 's' }, MERGED, unsure).conflicts).toEqual([]);
    const sure = deferred({ x: 's' }, MERGED + SECOND, unsure);
    expect([sure.conflicts.length, sure.link.push?.seen.x]).toEqual([
      1,
      { value: 's', sure: true, stamp: MERGED + SECOND },
    ]);
    const again = push({ ...open, seen: { x: { value: 's', sure: true } } });
    expect(deferred({ x: 's' }, MERGED + SECOND, again).conflicts).toEqual([]);
    expect(deferred({ x: 't' }, MERGED + SECOND, again).link.push?.seen.x).toMatchObject({ value: 't', sure: true });
  });

  test('is not forgotten over an older one that comes late, which is logged', () => {
    const [first, second] = [MERGED + SECOND, MERGED + 2 * SECOND];
    const shown = deferred({ x: 't' }, second).link.push;
    const late = deferred({ x: 's' }, first, shown);
    expect(late.conflicts).toMatchObject([{ salesforce: 's', winner: 'postgres' }]);
    expect(late.link.push?.seen.x).toEqual({ value: 't', sure: true, stamp: second });
    // A user has put a value back that was there before: a file from in between changes nothing.
    const back = deferred({ x: 's' }, second, deferred({ x: 's' }, first).link.push);
    expect([back.conflicts, back.link.push?.seen.x]).toEqual([[], { value: 's', sure: true, stamp: second }]);
    expect(deferred({ x: 't' }, first, back.link.push).link.push?.seen.x).toMatchObject({ value: 's' });
    // What a link of an older version holds has no stamp.
    const old = push({ ...open, seen: { x: { value: 't', sure: true } } });
    expect(deferred({ x: 's' }, first, old).link.push?.seen.x).toEqual({ value: 's', sure: true, stamp: first });
  });
});

describe('a record that was read again', () => {
  const round = { revision: 7, readAt: MERGED + 5 };

  test('is merged whatever its stamp, and the link knows when it was read', () => {
    const before = link({ rereadDue: true });
    const older = acceptReread(thing, { link: before, row: row() }, version({ x: 's' }, { stamp: 0 }), round);
    expect(older).toMatchObject({
      outcome: 'merged',
      row: row({ x: 's' }),
      link: { highWater: MERGED, appliedAt: MERGED + 5, rereadDue: false, revision: 8 },
    });
  });

  test('makes no older reading of a newer one', () => {
    const before = link({ appliedAt: MERGED + 50 });
    expect(acceptReread(thing, { link: before, row: row() }, version(), round)).toMatchObject({
      link: { appliedAt: MERGED + 50 },
    });
  });

  test('is read once more when the link has changed since', () => {
    const pair = { link: link({ revision: 8, rereadDue: true }), row: row() };
    expect(acceptReread(thing, pair, version({ x: 's' }), round)).toEqual({ outcome: 'again' });
  });

  test('is treated as a file while a push is open', () => {
    const pair = { link: link({ push: push({ sent: sent({ x: 'ours' }) }) }), row: row() };
    const reread = acceptReread(thing, pair, version({ x: 's' }), round);
    expect(reread).toMatchObject({
      outcome: 'deferred',
      row: row(),
      link: { push: { seen: { x: { value: 's', sure: true } } } },
    });
  });
});

test('a push of a record is under way while it is open', () => {
  expect(isUnderWay(link({ push: push() }))).toBe(true);
  expect(isUnderWay(link())).toBe(false);
});
