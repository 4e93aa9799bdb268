/** A row whose key has changed is the same record's, and the external id of the record follows the key. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isDue } from '../../../core/agreement/collect.ts';
import { changedKey, type Link, nothingRefused, type Pair, waitsForKey } from '../../../core/agreement/link.ts';
import { decide, type Outcome, settle, takenUp } from '../../../core/agreement/outbound.ts';
import { underKey } from '../../../core/agreement/row-identity.ts';
import type { FieldValues } from '../../../core/mapping/canonical.ts';
import type { ObjectMapping } from '../../../core/mapping/configuration.ts';
import { base, link, MERGED, row, SECOND, thing, thingByFlow, version } from './thing.ts';

const mapping: ObjectMapping = { ...thing, externalIdField: 'Key__c' };
const AT = MERGED + 10 * SECOND;

function decided(before: Link, externalId: string | undefined, fields: FieldValues = {}, by = mapping) {
  const look = version({}, { stamp: MERGED, externalId });
  const round = { revision: before.revision, readAt: AT, pushId: 'p', now: AT, clockSkew: 0 };
  return decide(by, { link: before, row: row(fields) }, look, round);
}

const moved = (more: Partial<Link> = {}) => underKey(mapping, link({ rowKey: 'old', ...more }), 'new');

describe('a row under another key', () => {
  test('is remembered with the key that its record was given', () => {
    expect(moved()).toEqual(link({ rowKey: 'new', base: base({ Key__c: 'old' }) }));
    expect(underKey(mapping, moved(), 'newer')).toEqual(link({ rowKey: 'newer', base: base({ Key__c: 'old' }) }));
    expect(underKey(mapping, link({ rowKey: 'same' }), 'same')).toEqual(link({ rowKey: 'same' }));
  });

  test.each([
    ['whose link knows nothing of the record', mapping, { base: undefined }],
    ['whose link had no row', mapping, { rowKey: undefined }],
    ['of an object without an external id', thing, {}],
  ])('%s has another key, and that is all', (_, by, more) => {
    const before = link({ rowKey: 'old', ...more });
    expect(underKey(by, before, 'new')).toEqual({ ...before, rowKey: 'new' });
  });

  test('gives the record its key, and then is at rest', () => {
    expect(isDue(mapping, { link: moved(), row: row() })).toBe(true);
    const first = decided(moved(), 'old');
    expect(first).toMatchObject({
      outcome: 'push',
      push: { delivery: 'api', outgoing: { fields: { Key__c: 'new' } } },
    });
    if (first.outcome !== 'push') return;
    const pair: Pair = { link: first.link, row: row() };
    const readBack = version({}, { stamp: AT, externalId: 'new' });
    const settled = settle(mapping, pair, readBack, 'accepted', { revision: first.link.revision, readAt: AT });
    expect(settled).toMatchObject({ outcome: 'settled', link: { dirty: false, base: base({ Key__c: 'new' }) } });
  });

  test.each([
    ['what somebody else has written there stands', 'theirs'],
    ['a record that was never given a key gets none', undefined],
    ['one that has the key already is left alone', 'new'],
  ])('%s', (_, externalId) => {
    const decision = decided(moved(), externalId);
    expect(decision).toMatchObject({ outcome: 'done', link: { dirty: false } });
    expect(decision.outcome !== 'left' && decision.link.base?.fields.Key__c).toBeUndefined();
  });

  test('the key goes by itself, through the API, and then what else was edited', () => {
    const by = { ...thingByFlow, externalIdField: 'Key__c' };
    const first = decided(moved(), 'old', { x: 'edited' }, by);
    expect(first).toMatchObject({ push: { delivery: 'api', outgoing: { fields: { Key__c: 'new' } }, fillers: {} } });
    const after = moved({ base: base({ Key__c: 'new' }) });
    expect(decided(after, 'new', { x: 'edited' }, by)).toMatchObject({
      push: {
        delivery: 'appflow',
        outgoing: { fields: { x: 'edited' } },
        fillers: expect.not.objectContaining({ Key__c: expect.anything() }),
      },
    });
  });

  test('a row outside the filter keeps it for later, a deleted record for ever', () => {
    const outside = { ...row(), outside: true } as const;
    expect(isDue(mapping, { link: moved(), row: outside })).toBe(false);
    const revived = decide(
      mapping,
      { link: moved({ base: base({}, true) }), row: row() },
      version({}, { deleted: true, stamp: MERGED, externalId: 'old' }),
      {
        revision: 7,
        readAt: AT,
        pushId: 'p',
        now: AT,
        clockSkew: 0,
      },
    );
    expect(revived).toMatchObject({
      push: { outgoing: { kind: 'revive', fields: expect.not.objectContaining({ Key__c: 'new' }) } },
    });
  });

  test('a key that is refused is taken from the record, tried once more, and listed', () => {
    const refused = moved({ refused: { fields: { Key__c: 'new' }, deleted: undefined } });
    expect(changedKey(mapping, refused)).toBeNull();
    expect(nothingRefused(mapping, { link: refused, row: row() })).toBe(false);
    const emptied = moved({ base: base({ Key__c: null }) });
    expect(changedKey(mapping, emptied)).toBe('new');
    const again = { ...emptied, refused: refused.refused };
    expect(changedKey(mapping, again)).toBe('new');
    expect(waitsForKey(mapping, again)).toBe(true);
    expect(nothingRefused(mapping, { link: again, row: row() })).toBe(false);
    expect(decided(again, undefined, { x: 'edited' })).toMatchObject({
      push: { outgoing: { fields: { x: 'edited' } } },
    });
    expect(changedKey(mapping, { ...again, rowKey: 'another' })).toBe('another');
    expect(changedKey(mapping, takenUp(again))).toBe('new');
    const kept = { ...refused, refused: { fields: { Key__c: null }, deleted: undefined } };
    expect(changedKey(mapping, kept)).toBeUndefined();
    expect(nothingRefused(mapping, { link: kept, row: row() })).toBe(false);
  });
});

/** Records of one object whose external id is unique, as Salesforce has it. */
class Org {
  readonly #keys: (string | null)[];

  constructor(keys: readonly string[]) {
    this.#keys = [...keys];
  }

  key(record: number): string | undefined {
    return this.#keys[record] ?? undefined;
  }

  write(record: number, key: string | null): boolean {
    if (key !== null && this.#keys.some((each, i) => each === key && i !== record)) return false;
    this.#keys[record] = key;
    return true;
  }
}

/** One batch: looks, decisions, pushes in the order of the records, settled with what became known of them. */
function batch(org: Org, links: Link[], records: readonly number[], lost: (record: number) => boolean): number {
  const pushed = records.flatMap((record) => {
    const before = links[record] as Link;
    if (!before.dirty && before.push === undefined) return [];
    const decision = decided(before, org.key(record));
    if (decision.outcome === 'left') return [];
    links[record] = decision.link;
    return decision.outcome === 'push' ? [{ record, push: decision.push }] : [];
  });
  for (const { record, push } of pushed) {
    const fields = 'fields' in push.outgoing ? push.outgoing.fields : {};
    const taken = org.write(record, fields.Key__c as string | null);
    const outcome: Outcome = lost(record) ? 'unknown' : taken ? 'accepted' : 'refused';
    const { revision } = links[record] as Link;
    const readBack = version({}, { stamp: AT, externalId: org.key(record) });
    const settled = settle(mapping, { link: links[record] as Link, row: row() }, readBack, outcome, {
      revision,
      readAt: AT,
    });
    if (settled.outcome === 'settled') links[record] = settled.link;
  }
  return pushed.length;
}

const KEYS = ['a', 'b', 'c', 'd'];
const permuted = fc.shuffledSubarray(KEYS, { minLength: 4, maxLength: 4 });

test('however keys are exchanged, each record ends with the key of its row', () => {
  fc.assert(
    fc.property(permuted, permuted, fc.array(fc.boolean(), { maxLength: 12 }), (first, second, losses) => {
      const org = new Org(KEYS);
      const links = KEYS.map((key) => link({ rowKey: key }));
      const answers = losses.values();
      const all = KEYS.map((_, i) => i);
      for (const keys of [first, second]) {
        for (const i of all) {
          const now = underKey(mapping, links[i] as Link, keys[i]);
          links[i] = { ...now, dirty: true, revision: now.revision + 1 };
        }
        batch(org, links, all, () => answers.next().value === true);
      }
      for (let rounds = 0; batch(org, links, all, () => answers.next().value === true) > 0; rounds++) {
        expect(rounds).toBeLessThan(12);
      }
      expect(all.map((i) => org.key(i))).toEqual(second);
      expect(links.map(({ dirty, refused }) => [dirty, refused.fields])).toEqual(all.map(() => [false, {}]));
    }),
    { numRuns: 500 },
  );
});
