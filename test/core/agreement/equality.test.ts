/** Values of both sides that count as equal although they are not, for one side cannot hold what the other has. */
import { describe, expect, test } from 'vitest';
import {
  inexactOf,
  isAtBase,
  isColumns,
  isStored,
  NOTHING_INEXACT,
  withoutExact,
} from '../../../core/agreement/equality.ts';
import { type Link, newLink, type RowVersion } from '../../../core/agreement/link.ts';
import { merge } from '../../../core/agreement/merge.ts';
import { type CanonicalValue, type RowValue, UNREADABLE } from '../../../core/mapping/canonical.ts';
import { defineSync, mappingOf, number, text } from '../../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../../core/mapping/salesforce-version.ts';
import { ID, MERGED, push, SECOND, sent } from './thing.ts';

/** Seventeen digits, and the fifteen that Salesforce keeps of them. */
const OURS = '0.12345678901234567';
const KEPT = '0.123456789012346';

function mappingBy(options: Parameters<typeof number>[1] = {}) {
  const fields = { n: number('n', options), x: text('x') };
  return mappingOf(defineSync({ objects: { Thing: { table: 'things', fields } } }), 'Thing');
}
const mapping = mappingBy();
const [n] = mapping.fields;
if (n === undefined) throw new Error('there is no field');

const known = (base: CanonicalValue, inexact: Link['inexact'] = NOTHING_INEXACT, more: Partial<Link> = {}): Link => ({
  ...newLink(ID, 'k'),
  base: { deleted: false, fields: { n: base, x: 'b' } },
  highWater: MERGED,
  inexact,
  ...more,
});
const row = (value: RowValue): RowVersion => ({ fields: { n: value, x: 'b' } });
const version = (value: CanonicalValue, held?: CanonicalValue) => ({
  id: ID,
  deleted: false,
  mergedInto: undefined,
  stamp: MERGED + SECOND,
  fields: { n: value, x: 'b' },
  inColumns: held === undefined ? undefined : { n: held },
});

describe('a row is at the base', () => {
  test('with its value, or with what stands for that; not with a value that stands for nothing', () => {
    const link = known('1000.005', { n: '1000.01' });
    expect(isAtBase(link, 'n', '1000.005')).toBe(true);
    expect(isAtBase(link, 'n', '1000.01')).toBe(true);
    expect(isAtBase(link, 'n', '1000')).toBe(false);
    expect(isAtBase(link, 'n', undefined), 'a value that was not read').toBe(false);
    expect(isAtBase(known('1'), 'n', undefined), 'for which nothing stands').toBe(false);
    expect(isAtBase({ base: undefined, inexact: {} }, 'n', '1000'), 'no base').toBe(false);
  });
});

describe('what Salesforce stores', () => {
  test('is our value, or what its type makes of that', () => {
    expect(isStored(n, OURS, OURS)).toBe(true);
    expect(isStored(n, OURS, KEPT)).toBe(true);
    expect(isStored(n, OURS, '0.12')).toBe(false);
    expect(isStored(n, UNREADABLE, KEPT)).toBe(false);
    expect(isStored(n, OURS, null)).toBe(false);
    const [, x] = mapping.fields;
    expect(x && isStored(x, '1', '1.0'), 'a type that is stored as it is').toBe(false);
  });
});

describe('the row holds what its column has made of the base', () => {
  test.for<[string, CanonicalValue, Link['inexact'], RowValue | undefined, boolean]>([
    ['when that stands for the base', '1000.005', { n: '1000.01' }, '1000.01', true],
    ['not when it has another value', '1000.005', { n: '1000.01' }, '1000', false],
    ['not when the value was not read', '1000.005', {}, undefined, false],
    ['not when it has the value of the base itself', '1000', { n: '1000' }, '1000', false],
    ['not when it is Salesforce that has rounded', KEPT, { n: OURS }, OURS, false],
  ])('%s', ([, base, inexact, mine, is]) => {
    expect(isColumns(known(base, inexact), n, mine)).toBe(is);
  });

  test('not where nothing is known of the record, or of the field', () => {
    expect(isColumns({ base: undefined, inexact: { n: '1' } }, n, '1')).toBe(false);
    expect(isColumns({ base: { deleted: false, fields: {} }, inexact: { n: '1' } }, n, '1')).toBe(false);
  });
});

describe('what stands for a value of the base', () => {
  const both = { n: '1000.01', x: 'c' };

  test('is forgotten once the row holds that value itself: what stood for it is an edit from then on', () => {
    const link = known('1000.005', both);
    const holding = (n: RowValue): RowVersion => ({ fields: { n, x: 'c' } });
    expect(withoutExact(link, holding('1000.005')).inexact).toEqual({ x: 'c' });
    expect(withoutExact(link, holding('1000.01')).inexact).toBe(both);
    expect(withoutExact(link, undefined).inexact).toBe(both);
    expect(withoutExact({ ...link, base: undefined }, holding('1000.005')).inexact).toBe(both);
    const absent = { ...link, base: { deleted: false, fields: {} } };
    expect(withoutExact(absent, { fields: {} }).inexact, 'neither is known').toBe(both);
  });

  test('goes with that value', () => {
    const link = known('1000.005', both);
    const changed = { deleted: false, fields: { n: '2', x: 'b' } };
    expect(inexactOf(link, changed)).toEqual({ x: 'c' });
    expect(inexactOf(link, { deleted: true, fields: { n: '1000.005', x: 'b' } })).toBe(both);
    expect(inexactOf(link, undefined)).toEqual({});
    expect(inexactOf({ base: undefined, inexact: both }, changed)).toEqual({});
    expect(inexactOf({ base: undefined, inexact: both }, undefined)).toBe(both);
  });
});

describe('a merge', () => {
  const merged = (link: Link, was: RowVersion | undefined, look: SalesforceVersion, by = mapping) =>
    merge(by, { link, row: was }, look, false);
  const NOTHING = { asymmetricMatch: (inexact: object) => Object.keys(inexact).length === 0 };

  test('takes a value as the column holds it, and remembers what it stands for', () => {
    const after = merged(known('1'), row('1'), version('1000.005', '1000.01'));
    expect(after).toMatchObject({ row: row('1000.01'), conflicts: [], link: { dirty: false } });
    expect(after.link).toMatchObject({ base: { fields: { n: '1000.005' } }, inexact: { n: '1000.01' } });
  });

  test('logs nothing where the row was edited to what its column makes of Salesforce’s edit, or to that itself', () => {
    const rounded = merged(known('1'), row('1000.01'), version('1000.005', '1000.01'));
    expect(rounded).toMatchObject({ row: row('1000.01'), conflicts: [], link: { dirty: false } });
    const whole = merged(known('1'), row('1000.005'), version('1000.005', '1000.01'));
    expect(whole).toMatchObject({ row: row('1000.005'), conflicts: [], link: { inexact: NOTHING, dirty: false } });
  });

  test('sees no edit in that, either, when the record is deleted', () => {
    const gone = { ...version('1000.005', '1000.01'), deleted: true };
    expect(merged(known('1'), row('1000.01'), gone)).toMatchObject({ row: undefined, conflicts: [] });
    expect(merged(known('1'), row('1000.005'), gone)).toMatchObject({ row: undefined, conflicts: [] });
    expect(merged(known('1'), row('7'), gone)).toMatchObject({ row: row('7'), conflicts: [{ winner: 'postgres' }] });
  });

  test('makes a new row as its columns hold it', () => {
    const after = merged({ ...newLink(ID, undefined) }, undefined, version('1000.005', '1000.01'));
    expect(after).toMatchObject({ row: row('1000.01'), link: { inexact: { n: '1000.01' }, dirty: false } });
  });

  test('finds no edit in what stands for the base, nor where the same comes again', () => {
    const link = known('1000.005', { n: '1000.01' });
    const same = merged(link, row('1000.01'), version('1000.005', '1000.01'));
    expect(same).toMatchObject({
      row: row('1000.01'),
      conflicts: [],
      link: { inexact: { n: '1000.01' }, dirty: false },
    });
    const edited = merged(link, row('1000.01'), version('7'));
    expect(edited).toMatchObject({ row: row('7'), conflicts: [], link: { inexact: NOTHING, dirty: false } });
  });

  test('finds an edit in any other value, and forgets nothing of the base for that', () => {
    const link = known('1000.005', { n: '1000.01' });
    const after = merged(link, row('5'), version('1000.005', '1000.01'));
    expect(after).toMatchObject({ row: row('5'), conflicts: [], link: { inexact: { n: '1000.01' }, dirty: true } });
  });

  test('has nothing stand for a value that the row holds itself by now', () => {
    const after = merged(known('1000.005', { n: '1000.01' }), row('1000.005'), version('1000.005'));
    expect(after.link).toMatchObject({ inexact: NOTHING, dirty: false });
  });

  test('forgets nothing of a field that the version lacks', () => {
    const lacking = { ...version('1000.005'), fields: { x: 'b' } };
    const before = known('1000.005', { n: '1000.01' });
    expect(merged(before, row('1000.01'), lacking).link.inexact).toEqual({ n: '1000.01' });
    expect(merged(before, row('5'), lacking).link.inexact).toEqual({ n: '1000.01' });
    expect(merged(known('1000.005'), row('5'), lacking).link.inexact).toBe(NOTHING_INEXACT);
  });

  test('keeps what stands for a value that stays, and lets go what stood for one that goes', () => {
    const before = known('1000.005', { n: '1000.01' });
    expect(merged(before, undefined, { ...version('1000.005'), deleted: true }).link.inexact).toEqual({ n: '1000.01' });
    expect(merged(before, undefined, { ...version('6'), deleted: true }).link.inexact).toEqual({});
    expect(merged(known('6'), row('6'), version('6')).link.inexact).toEqual({});
  });

  test('has nothing stand for a value where the row holds what no side can send', () => {
    const after = merged(known('7'), row(UNREADABLE), version('7'));
    expect(after).toMatchObject({ row: row(UNREADABLE), link: { inexact: NOTHING, dirty: false } });
  });

  test('gives the column the whole value as soon as it can hold that', () => {
    const after = merged(known('1000.005', { n: '1000.01' }), row('1000.01'), version('1000.005'));
    expect(after).toMatchObject({ row: row('1000.005'), conflicts: [], link: { inexact: NOTHING, dirty: false } });
  });

  test('not while that field is on its way, for then the row was edited', () => {
    const open = push({ sent: sent({ n: '1000.01' }) });
    const link = known('1000.005', { n: '1000.01' }, { push: open });
    expect(merged(link, row('1000.01'), version('1000.005')).row).toEqual(row('1000.01'));
  });

  test('takes no more digits from the row than Salesforce has kept of them', () => {
    const open = known('1', {}, { push: push({ sent: sent({ n: OURS }) }) });
    const landed = merged(open, row(OURS), version(KEPT));
    expect(landed).toMatchObject({ row: row(OURS), conflicts: [], link: { inexact: { n: OURS }, dirty: false } });
    const again = merged(known(KEPT, { n: OURS }), row(OURS), version(KEPT));
    expect(again).toMatchObject({ row: row(OURS), conflicts: [], link: { inexact: { n: OURS }, dirty: false } });
  });

  test('logs nothing where both made the same edit, and Salesforce has rounded its own', () => {
    const after = merged(known('1'), row(OURS), version(KEPT));
    expect(after).toMatchObject({ row: row(OURS), conflicts: [], link: { inexact: { n: OURS }, dirty: false } });
  });

  test('of a field that only PostgreSQL edits has nothing stand for it but what Salesforce made of our value', () => {
    const outward = mappingBy({ direction: 'to-salesforce' });
    const held = merged(known('1'), row('1000.01'), version('1000.005', '1000.01'), outward);
    expect(held.link).toMatchObject({ inexact: NOTHING, dirty: true });
    const stored = merged(known('1'), row(OURS), version(KEPT), outward);
    expect(stored.link).toMatchObject({ inexact: { n: OURS }, dirty: false });
  });

  test('of a field of which nothing was known takes the value as the column holds it', () => {
    const unknown = { ...known('1'), base: { deleted: false, fields: { x: 'b' } } };
    expect(merged(unknown, row(null), version('1000.005', '1000.01'))).toMatchObject({
      row: row('1000.01'),
      conflicts: [],
      link: { dirty: false },
    });
    expect(merged(unknown, row(OURS), version(KEPT))).toMatchObject({ row: row(OURS), conflicts: [] });
    expect(merged(unknown, row('5'), version('1000.005', '1000.01'))).toMatchObject({
      row: row('1000.01'),
      conflicts: [{ field: 'n', reason: 'new in the mapping', salesforce: '1000.005', postgres: '5' }],
    });
  });

  test('with a row that already carries the id takes no value that stands for its own', () => {
    const fresh = newLink(ID, 'k');
    const met = merge(mapping, { link: fresh, row: row(OURS) }, version(KEPT), false);
    expect(met).toMatchObject({ row: row(OURS), link: { inexact: { n: OURS }, dirty: false } });
  });
});
