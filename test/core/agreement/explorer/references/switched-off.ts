/** The rules about parents and children with one of them switched off, and what then goes wrong in which scenario. */

import {
  type Link,
  NOTHING_WAITS,
  type Pair,
  type RowVersion,
  withWaiting,
} from '../../../../../core/agreement/link.ts';
import { isUnlinked } from '../../../../../core/mapping/canonical.ts';
import { RULES, type Rules } from './rules.ts';
import type { Violation } from './verdicts.ts';
import type { Scenario } from './world.ts';

export interface SwitchedOff {
  readonly rule: string;
  readonly without: Partial<Rules>;
  readonly scenario: Scenario;
  readonly violation: Violation;
}

/** All rules that look at a pair, with another pair in its place. */
function seeing(other: (pair: Pair) => Pair): Partial<Rules> {
  return {
    receive: (mapping, pair, ...rest) => RULES.receive(mapping, other(pair), ...rest),
    acceptReread: (mapping, pair, ...rest) => RULES.acceptReread(mapping, other(pair), ...rest),
    choose: (mapping, pair, looked) => RULES.choose(mapping, other(pair), looked),
    decide: (mapping, pair, ...rest) => RULES.decide(mapping, other(pair), ...rest),
    settle: (mapping, pair, ...rest) => RULES.settle(mapping, other(pair), ...rest),
  };
}

/** The link of a child whose parent is lost, with a part of it as it was. */
function losing(kept: (before: Link, after: Link) => Link): Partial<Rules> {
  return { loseParent: (link, ...rest) => kept(link, RULES.loseParent(link, ...rest)) };
}

const forgotten = (link: Link): Link => ({ ...link, waiting: NOTHING_WAITS });

function withLookup(row: RowVersion | undefined, l: string | null | undefined): RowVersion | undefined {
  return row === undefined || l === undefined ? row : { ...row, fields: { ...row.fields, l } };
}

function hasUnlinkedParent(row: RowVersion | undefined): boolean {
  return isUnlinked(row?.fields.l);
}

const WAITING: readonly SwitchedOff[] = [
  {
    rule: 'a lookup that waits counts as its parent',
    without: seeing(({ link, row }) => ({ link: forgotten(link), row })),
    scenario: { child: 'new', otherEdits: 1 },
    violation: 'a lookup was cleared for want of its parent',
  },
  {
    rule: 'a lookup that waits is not sent',
    without: {
      decide: (mapping, { link, row }, ...rest) =>
        RULES.decide(mapping, { link: forgotten(link), row: withWaiting(link, row) }, ...rest),
    },
    scenario: { child: 'linked', deletesOfParents: 1, deletesOfChild: 1, otherEdits: 1 },
    violation: 'a lookup was sent that waits for its parent',
  },
  {
    rule: 'a lookup that the application has pointed elsewhere waits no longer',
    without: seeing(({ link, row }) => ({ link, row: withLookup(row, link.waiting.l) })),
    scenario: { child: 'new', other: 'pair', editsOfRow: 1 },
    violation: 'the sides differ for good',
  },
  {
    rule: 'what is decided for a lookup ends its waiting',
    without: {
      rowChange: (mapping, before, ...rest) => ({
        ...RULES.rowChange(mapping, before, ...rest),
        waiting: before.link.waiting,
      }),
    },
    scenario: { child: 'new', editsInSalesforce: 1 },
    violation: 'more writes than edits',
  },
  {
    rule: 'a child whose parent has no row waits for it',
    without: {
      withParentKeys: (references, change, keyOf) => ({
        ...RULES.withParentKeys(references, change, keyOf),
        waiting: change.waiting,
      }),
    },
    scenario: { child: 'new' },
    violation: 'the sides differ for good',
  },
  {
    rule: 'a child is joined to its parent when that lands',
    without: { joins: false },
    scenario: { child: 'new' },
    violation: 'a child waits for a parent that is there',
  },
  {
    rule: 'joining fills a column only while it is null',
    without: { join: (...args) => ({ ...RULES.join(...args), fills: true }) },
    scenario: { child: 'new', other: 'pair', editsOfRow: 1 },
    violation: 'an edit was lost',
  },
  {
    rule: 'a parent that is joined and that Salesforce does not have there is due',
    without: {
      join: (link, ...rest) => {
        const joined = RULES.join(link, ...rest);
        return { ...joined, link: { ...joined.link, dirty: link.dirty } };
      },
    },
    scenario: { child: 'linked', other: 'row', editsOfRow: 1, editsInSalesforce: 1 },
    violation: 'the sides differ for good',
  },
];

const LOST: readonly SwitchedOff[] = [
  {
    rule: 'a child whose parent goes waits for it to come back',
    without: losing((before, after) => ({ ...after, waiting: before.waiting })),
    scenario: { child: 'linked', deletesOfParents: 2, otherEdits: 1 },
    violation: 'a lookup was cleared for want of its parent',
  },
  {
    rule: 'so does one that is written in the transaction in which its parent goes',
    without: { loseParentToo: (link) => link },
    scenario: { child: 'linked', deletesOfParents: 2, otherEdits: 1, oneObject: true },
    violation: 'a lookup was cleared for want of its parent',
  },
  {
    rule: 'a lookup that the application had just pointed to the lost parent is due',
    without: losing((before, after) => ({ ...after, dirty: before.dirty })),
    scenario: { child: 'linked', other: 'pair', deletesOfParents: 1, editsOfRow: 1, refusals: 1 },
    violation: 'the sides differ for good',
  },
  {
    rule: 'a merged parent leads to the survivor',
    without: { leadsToSurvivor: false },
    scenario: { child: 'linked', other: 'pair', merges: 1 },
    violation: 'a child was left without a parent though the survivor is there',
  },
  {
    rule: 'children of a merged parent are read again',
    without: losing((before, after) => ({ ...after, rereadDue: before.rereadDue })),
    scenario: { child: 'linked', other: 'pair', merges: 1, mergesClear: true },
    violation: 'the sides differ for good',
  },
  {
    rule: 'the base follows a merged parent to the survivor',
    without: losing((before, after) => ({ ...after, base: before.base })),
    scenario: { child: 'linked', other: 'pair', merges: 1, editsOfRow: 1 },
    violation: 'a conflict between a value and its own successor',
  },
  {
    rule: 'a child that waits for a parent which was merged is read again',
    without: { readsMergedAgain: false },
    scenario: { child: 'new', other: 'record', merges: 1 },
    violation: 'the sides differ for good',
  },
  {
    rule: 'parents are looked for after settling, too',
    without: { joinsAfterSettling: false },
    scenario: { child: 'linked', other: 'pair', merges: 1, otherEdits: 1, editsInSalesforce: 1 },
    violation: 'the sides differ for good',
  },
];

/** Explored with EXPLORE=deep. */
export const DEEP_OFF: readonly SwitchedOff[] = [
  {
    rule: 'what Salesforce holds after it has refused a push is not ours, even if it is the same',
    without: {
      settle: (mapping, pair, readBack, outcome, round) =>
        RULES.settle(mapping, pair, readBack, outcome === 'refused' ? 'not applied' : outcome, round),
    },
    scenario: { child: 'linked', other: 'pair', editsOfRow: 2, editsInSalesforce: 1, refusals: 1 },
    violation: 'an edit was lost',
  },
];

const UNLINKED_PARENTS: readonly SwitchedOff[] = [
  {
    rule: 'a lookup to a parent without a record is not sent',
    without: seeing(({ link, row }) => ({ link, row: hasUnlinkedParent(row) ? withLookup(row, null) : row })),
    scenario: { child: 'linked', other: 'row', editsOfRow: 1 },
    violation: 'a lookup was cleared for want of its parent',
  },
  {
    rule: 'a parent that gets its id wakes its children',
    without: { lookupsToWake: () => [] },
    scenario: { child: 'linked', other: 'row', editsOfRow: 1 },
    violation: 'the sides differ for good',
  },
  {
    rule: 'a child is not put to rest while another transaction may be writing the id of its parent',
    without: { unlinkedParents: () => [] },
    scenario: { child: 'linked', other: 'row', editsOfRow: 1 },
    violation: 'the sides differ for good',
  },
];

export const SWITCHED_OFF: readonly SwitchedOff[] = [...WAITING, ...LOST, ...UNLINKED_PARENTS];
