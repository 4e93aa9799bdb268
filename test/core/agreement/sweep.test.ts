import { describe, expect, test } from 'vitest';
import { NOT_PUT_OFF } from '../../../core/agreement/due.ts';
import { acceptReread } from '../../../core/agreement/inbound.ts';
import type { Link } from '../../../core/agreement/link.ts';
import {
  findDeleted,
  findListed,
  findUnlisted,
  foundRecords,
  missedBefore,
  purgedVersion,
  type SweptLink,
  windowStart,
} from '../../../core/agreement/sweep.ts';
import { NOTHING_WRITTEN } from '../../../core/agreement/written.ts';
import type { FieldValues } from '../../../core/mapping/canonical.ts';
import { defineSync, mappingOf, type Settings, text } from '../../../core/mapping/configuration.ts';

const mapping = defineSync({ objects: { Account: { table: 'lenders', fields: { Name: text('name') } } } });
const account = mappingOf(mapping, 'Account');
const ID = '001000000000001AAA';
const NOW = Date.UTC(2026, 0, 2, 12);
const BEFORE = NOW - 60_000;
/** Stamps as seconds before `BEFORE`; negative: younger. */
const at = (seconds: number) => BEFORE - seconds * 1000;

const base = { Name: 'base' };
const live: SweptLink = { revision: 3, highWater: at(100), deleted: false, base, busy: false };
const binned: SweptLink = { ...live, deleted: true };
const claimed: SweptLink = { ...live, highWater: undefined, deleted: undefined, base: undefined };
const known = (link: SweptLink | undefined, rejected = false) => ({ link, rejected });

describe('a listed record', () => {
  test.for<[string, number, boolean, ReturnType<typeof known>, string | undefined]>([
    ['without a link is missing', 100, false, known(undefined), 'missing'],
    ['deleted, without a link, needs nothing', 100, true, known(undefined), undefined],
    ['whose link was never merged is missing', 100, false, known(claimed), 'missing'],
    ['deleted, whose link was never merged, needs nothing', 100, true, known(claimed), undefined],
    ['of the version that was merged is as it should be', 100, false, known(live), undefined],
    ['deleted, of the version that was merged, is as it should be', 100, true, known(binned), undefined],
    ['deleted within the second that was merged is different', 100, true, known(live), 'different'],
    ['undeleted within the second that was merged is different', 100, false, known(binned), 'different'],
    ['deleted later is different', 50, true, known(live), 'different'],
    ['undeleted later is different', 50, false, known(binned), 'different'],
    ['that is young may still come by itself', -1, false, known(undefined), undefined],
    ['exactly at the limit may still come by itself', 0, true, known(live), undefined],
    ['a second before the limit may not', 1, true, known(live), 'different'],
    ['that an execution works on is left to it', 50, true, known({ ...live, busy: true }), undefined],
    [
      'of which a newer version was merged since needs nothing',
      50,
      true,
      known({ ...live, highWater: at(0) }),
      undefined,
    ],
    ['that was rejected is tried again', 50, false, known(live, true), 'rejected before'],
    ['that was rejected and has no link is tried again', 50, false, known(undefined, true), 'rejected before'],
    ['that was rejected and seems to agree is tried again', 100, false, known(live, true), 'rejected before'],
    ['that was rejected, is deleted and has no link needs nothing', 50, true, known(undefined, true), undefined],
    ['that was rejected and is young may still come by itself', -1, false, known(live, true), undefined],
  ])('%s', ([, seconds, deleted, what, finding]) => {
    expect(findListed(account, { id: ID, stamp: at(seconds), deleted, fields: base }, what, BEFORE)).toBe(finding);
  });

  test.for<[string, number, FieldValues | undefined, string | undefined]>([
    [
      'other values and the stamp that was merged is different: a transaction of that second came later',
      100,
      { Name: 's' },
      'different',
    ],
    [
      'other values and an older stamp is different: a long transaction may stamp early',
      101,
      { Name: 's' },
      'different',
    ],
    ['other values and a newer stamp is different', 99, { Name: 's' }, 'different'],
    ['a value that cannot be read is different', 100, undefined, 'different'],
    ['the values that were merged and another stamp is as it should be', 99, base, undefined],
    ['what our user may see no more is as it should be', 100, {}, undefined],
    ['fields that are not mapped is as it should be', 100, { Name: 'base', Phone: 's' }, undefined],
  ])('with %s', ([, seconds, fields, finding]) => {
    const listed = { id: ID, stamp: at(seconds), deleted: false, fields };
    expect(findListed(account, listed, known(live), BEFORE)).toBe(finding);
    expect(findListed(account, listed, known({ ...live, base: undefined }), BEFORE)).toBe('different');
  });

  test('one other value among several is different', () => {
    const fields = { Name: text('name'), Phone: text('phone') };
    const two = mappingOf(defineSync({ objects: { Account: { table: 'lenders', fields } } }), 'Account');
    const known = { link: { ...live, base: { Name: 'base', Phone: 'base' } }, rejected: false };
    const listed = (values: FieldValues) => ({ id: ID, stamp: at(100), deleted: false, fields: values });
    expect(findListed(two, listed({ Name: 'base', Phone: 's' }), known, BEFORE)).toBe('different');
    expect(findListed(two, listed({ Name: 's', Phone: 'base' }), known, BEFORE)).toBe('different');
    expect(findListed(two, listed({ Name: 'base', Phone: 'base' }), known, BEFORE)).toBeUndefined();
  });

  test('that is deleted on both sides needs nothing, whatever it holds', () => {
    const listed = { id: ID, stamp: at(100), deleted: true, fields: { Name: 's' } };
    expect(findListed(account, listed, known(binned), BEFORE)).toBeUndefined();
  });
});

describe('an entry of the delete log', () => {
  test.for<[string, number, ReturnType<typeof known>, string | undefined]>([
    ['of a live link has to be looked at', 50, known(live), 'deleted'],
    ['of the second that was merged has to be looked at', 100, known(live), 'deleted'],
    ['before what was merged belongs to a record that lived on', 101, known(live), undefined],
    ['of a link that is deleted is known', 50, known(binned), undefined],
    ['without a link needs nothing', 50, known(undefined), undefined],
    ['of a link that was never merged needs nothing', 50, known(claimed), undefined],
    ['that is young may still come by itself', 0, known(live), undefined],
    ['of a record that an execution works on is left to it', 50, known({ ...live, busy: true }), undefined],
    [
      'of a record without a high-water mark has to be looked at',
      50,
      known({ ...live, highWater: undefined }),
      'deleted',
    ],
    ['of a reject is tried again', 50, known(live, true), 'rejected before'],
  ])('%s', ([, seconds, what, finding]) => {
    expect(findDeleted({ id: ID, deletedAt: at(seconds) }, what, BEFORE)).toBe(finding);
  });
});

describe('a link that was not listed', () => {
  test.for<[string, ReturnType<typeof known>, string | undefined]>([
    ['of a live record has to be looked at', known(live), 'deleted'],
    ['of a deleted record is as it should be', known(binned), undefined],
    ['that was never merged needs nothing', known(claimed), undefined],
    ['that there is none needs nothing', known(undefined), undefined],
    ['without a high-water mark has to be looked at', known({ ...live, highWater: undefined }), 'deleted'],
    ['made after the listing needs nothing', known({ ...live, highWater: at(-5) }), undefined],
    ['that an execution works on is left to it', known({ ...live, busy: true }), undefined],
    ['that was rejected is tried again', known(live, true), 'rejected before'],
  ])('%s', ([, what, finding]) => {
    expect(findUnlisted(what, BEFORE)).toBe(finding);
  });
});

const settings: Settings = { ...mapping.settings, clockSkewSeconds: 30, sweepGraceMinutes: 15, sweepWindowMinutes: 60 };

describe('what is young', () => {
  const minutes = (count: number) => NOW - count * 60_000;
  test.for<[string, number | undefined, number]>([
    ['what the flow has not looked at, less the clocks’ skew', minutes(2), minutes(2.5)],
    ['without a run of the flow, what is within the grace', undefined, minutes(15)],
    ['with an old run of the flow, too', minutes(600), minutes(15)],
    ['never what is older than the sweep itself', NOW + 3_600_000, NOW],
  ])('%s', ([, polledUntil, expected]) => {
    expect(missedBefore(NOW, polledUntil, settings)).toBe(expected);
  });
});

describe('a window', () => {
  test('reaches back as far as the settings say', () => {
    expect(windowStart(NOW + 999, undefined, settings)).toBe(NOW - 3_600_000);
  });
  test('overlaps the sweep before', () => {
    expect(windowStart(NOW, NOW - 60_000, settings)).toBe(NOW - 3_600_000);
  });
  test('makes up for sweeps that did not come to an end', () => {
    expect(windowStart(NOW, NOW - 5 * 3_600_000 + 1, settings)).toBe(NOW - 5.25 * 3_600_000);
  });
  test('looks once more at what may have been committed since', () => {
    const late = { ...settings, lateCommitMinutes: 30 };
    expect(windowStart(NOW, NOW - 2 * 3_600_000, late)).toBe(NOW - 2.5 * 3_600_000);
  });
});

describe('a purged record', () => {
  const link: Link = {
    salesforceId: ID,
    rowKey: 'key',
    base: { deleted: false, fields: { Name: 'base' } },
    highWater: at(100),
    revision: 3,
    dirty: false,
    appliedAt: undefined,
    rereadDue: false,
    written: NOTHING_WRITTEN,
    waiting: {},
    push: undefined,
    refused: { fields: {}, deleted: undefined },
    inexact: {},
    wasInside: false,
    purgeDue: false,
    guard: undefined,
    ...NOT_PUT_OFF,
  };
  const round = { revision: 3, readAt: NOW };
  const version = purgedVersion({ id: ID, deletedAt: at(50) });

  test('takes its row with it, and the base keeps what Salesforce last held', () => {
    expect(acceptReread(account, { link, row: { fields: { Name: 'base' } } }, version, round)).toMatchObject({
      outcome: 'merged',
      row: undefined,
      conflicts: [],
      link: { base: { deleted: true, fields: { Name: 'base' } }, highWater: at(50), dirty: false },
    });
  });

  test('leaves a row that was edited, as a conflict', () => {
    const row = { fields: { Name: 'edited' } };
    expect(acceptReread(account, { link, row }, version, round)).toMatchObject({
      row,
      conflicts: [{ reason: 'deleted and edited', winner: 'postgres' }],
      link: { dirty: true },
    });
  });
});

test('what a sweep has found counts each record once, also one whose conflict has left the row as it is', () => {
  const none = { inserted: 0, updated: 0, deleted: 0, rejected: 0, conflicts: 0 };
  expect(foundRecords(none)).toBe(0);
  expect(foundRecords({ inserted: 1, updated: 2, deleted: 4, rejected: 8, conflicts: 3 })).toBe(15);
  expect(foundRecords({ ...none, updated: 1, conflicts: 3 })).toBe(3);
});
