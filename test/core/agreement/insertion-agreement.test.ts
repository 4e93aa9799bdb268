/** Drives the rules of insertions through all interleavings of small histories. */
import { describe, expect, test } from 'vitest';
import { mergeFresh } from '../../../core/agreement/inbound.ts';
import type { Insertion, NamedRecord, UnlinkedRow } from '../../../core/agreement/insertion.ts';
import type { Link } from '../../../core/agreement/link.ts';
import type { Merged } from '../../../core/agreement/merge.ts';
import type { FieldValues } from '../../../core/mapping/canonical.ts';
import { exploreInsertions } from './explorer/insertions/explore.ts';
import { RULES, type Rules } from './explorer/insertions/moves.ts';
import { mapping, type Scenario } from './explorer/insertions/world.ts';

const SCENARIOS: readonly Scenario[] = [
  { inserts: 1, editsOfRow: 1 },
  { inserts: 1, editsOfRow: 1, editsInSalesforce: 1 },
  { inserts: 1, crashes: 1, editsOfRow: 1, lostAnswers: 1 },
  { inserts: 1, crashes: 2, editsInSalesforce: 1 },
  { inserts: 1, crashes: 1, editsInSalesforce: 1, deletesInSalesforce: 1 },
  { inserts: 1, lostAnswers: 1, editsOfRow: 1, deletesInSalesforce: 1 },
  { inserts: 1, default: true, editsOfRow: 1, crashes: 1 },
  { inserts: 1, default: true, deletesOfRow: 1, lostAnswers: 1 },
  { inserts: 1, deletesOfRow: 1, editsInSalesforce: 1, crashes: 1 },
  { inserts: 2, deletesOfRow: 1, crashes: 1 },
  { inserts: 2, deletesOfRow: 1, lostAnswers: 1, crashes: 1, seconds: 1 },
  { inserts: 2, deletesOfRow: 1, editsInSalesforce: 1, seconds: 1 },
  { inserts: 2, deletesInSalesforce: 1, editsOfRow: 1, seconds: 1 },
  { inserts: 1, duplicates: 2, editsInSalesforce: 1, seconds: 1 },
  { inserts: 1, refusals: 2, editsOfRow: 1 },
  { inserts: 1, refusals: 1, deletesOfRow: 1, crashes: 1 },
  { inserts: 1, typed: 1, editsOfRow: 1 },
  { inserts: 1, typed: 1, crashes: 1, editsInSalesforce: 1, seconds: 1 },
  { inserts: 1, blindReads: 1, editsOfRow: 1, editsInSalesforce: 1, seconds: 1 },
  { inserts: 1, blindReads: 1, editsOfRow: 1, lostAnswers: 1 },
];

describe('one row, one record, and no edit is lost, in every interleaving', () => {
  test.for(SCENARIOS.map((scenario) => [JSON.stringify(scenario), scenario] as const))('%s', ([, scenario]) => {
    const { violations } = exploreInsertions(scenario);
    expect(Object.fromEntries(violations)).toEqual({});
  });
});

/** Rules with one of them off, and a history that then goes wrong. */
const BROKEN: readonly { readonly off: string; readonly rules: Partial<Rules>; readonly scenario: Scenario }[] = [
  {
    off: 'Salesforce is asked before the upsert',
    rules: { decide: (all, row, _look, round) => RULES.decide(all, row, undefined, round) },
    scenario: { inserts: 1, crashes: 1, editsInSalesforce: 1 },
  },
  { off: 'the fence', rules: { fenced: false }, scenario: { inserts: 1, crashes: 1, editsInSalesforce: 1 } },
  {
    off: 'the base is what was sent',
    rules: settledWithout('push'),
    scenario: { inserts: 1, editsOfRow: 1 },
  },
  {
    off: 'null counts as sent',
    rules: settledWithout('null'),
    scenario: { inserts: 1, default: true },
  },
  {
    off: 'a file finds the row that its record names',
    rules: { filesAdopt: false },
    scenario: { inserts: 1 },
  },
  {
    off: 'a pair that begins with a file is read afresh',
    rules: { receiveAdopted: (received) => received },
    scenario: { inserts: 1, deletesInSalesforce: 1 },
  },
  {
    off: 'a deleted record that is passed over invalidates what was read before',
    rules: { passOver: (insertion) => insertion },
    scenario: { inserts: 1, deletesInSalesforce: 1, crashes: 1 },
  },
  {
    off: 'a deleted record may be ours',
    rules: {
      decide: (all, row, look, round) => RULES.decide(all, row, look?.version.deleted ? undefined : look, round),
    },
    scenario: { inserts: 1, deletesInSalesforce: 1, crashes: 1 },
  },
  {
    off: 'a deleted record that was the record of an earlier row is not ours',
    rules: {
      decide: (all, row, look, round) => RULES.decide(all, row, look && { ...look, isLinked: false }, round),
    },
    scenario: { inserts: 2, deletesOfRow: 1, crashes: 1, seconds: 1 },
  },
  {
    off: 'an unknown outcome stays open',
    rules: {
      settle: (all, row, readBack, answer, round) =>
        RULES.settle(
          all,
          row,
          readBack,
          readBack === undefined ? { ...answer, outcome: 'not applied' } : answer,
          round,
        ),
    },
    scenario: { inserts: 1, editsOfRow: 1, lostAnswers: 1, blindReads: 1 },
  },
  {
    off: 'an open push is looked at whatever became of the row',
    rules: {
      choose: (all, { insertion, row }, parents) =>
        row === undefined ? 'drop' : RULES.choose(all, { insertion, row }, parents),
    },
    scenario: { inserts: 1, deletesOfRow: 1, crashes: 1 },
  },
  {
    off: 'what was refused rests',
    rules: {
      choose: (all, { insertion, row }, parents) =>
        RULES.choose(all, { insertion: { ...insertion, refused: undefined }, row }, parents),
      decide: (all, { insertion, row }, look, round) =>
        RULES.decide(all, { insertion: { ...insertion, refused: undefined }, row }, look, round),
    },
    scenario: { inserts: 1, refusals: 20 },
  },
];

/** Settling and deciding with a push of which nothing is known, or of whose nulls nothing is. */
function settledWithout(what: 'push' | 'null'): Pick<Rules, 'adopt' | 'decide' | 'settle'> {
  const forget = (link: Link, held: FieldValues): Link => {
    if (link.base === undefined) return link;
    return {
      ...link,
      base: what === 'push' ? undefined : { deleted: false, fields: { ...link.base.fields, y: held.y ?? null } },
    };
  };
  return {
    adopt: (all, push, key, row, version) => {
      const pair = RULES.adopt(all, push, key, row, version);
      return { ...pair, link: forget(pair.link, version.fields) };
    },
    decide: (all, { insertion, row }, look, round) => {
      const decision = RULES.decide(all, { insertion, row }, look, round);
      return decision.outcome === 'adopted' && look !== undefined
        ? { outcome: 'adopted', ...begun(insertion, row, look, round.readAt) }
        : decision;
    },
    settle: (all, { insertion, row }, readBack, answer, round) => {
      const settlement = RULES.settle(all, { insertion, row }, readBack, answer, round);
      return settlement.outcome === 'adopted' && readBack !== undefined
        ? { outcome: 'adopted', ...begun(insertion, row, readBack, round.readAt) }
        : settlement;
    },
  };

  function begun(insertion: Insertion, row: UnlinkedRow | undefined, { version }: NamedRecord, readAt: number): Merged {
    const pair = RULES.adopt(mapping, insertion.push, insertion.rowKey, row, version);
    const link = forget(pair.link, version.fields);
    return mergeFresh(mapping, { link, row }, version, { readAt, unknown: false });
  }
}

describe('without one of the rules something goes wrong', () => {
  test.for(BROKEN.map((each) => [each.off, each] as const))('%s', ([, { rules, scenario }]) => {
    const { violations } = exploreInsertions(scenario, { rules: { ...RULES, ...rules }, stopAtFirst: true });
    expect(violations.size).toBeGreaterThan(0);
  });
});
