/**
 * A child with a lookup, two parents, and everything of sfsync that can be in flight for the child. Parents have no fields:
 * what happens to pairs as such is explored in ../world.ts, so a parent's row follows its record in one move, sooner or later.
 * Nothing here knows the rules.
 */

import { type Link, newLink, type RowVersion } from '../../../../../core/agreement/link.ts';
import type { Outcome, Push } from '../../../../../core/agreement/outbound.ts';
import { defineSync, mappingOf, reference, text } from '../../../../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../../../../core/mapping/salesforce-version.ts';

export const SECOND = 1000;
const CHILD = '003000000000001AAA';
const CHILD_KEY = 'child';

/** Names of parents: the keys of their rows. */
export const PARENTS = ['a', 'b'] as const;
export type ParentKey = (typeof PARENTS)[number];

export const ID_OF: Readonly<Record<ParentKey, string>> = { a: '001000000000001AAA', b: '001000000000002AAA' };

export function parentOf(id: unknown): ParentKey | undefined {
  return PARENTS.find((key) => ID_OF[key] === id);
}

/** How much may happen. What is absent may not happen at all. */
export interface Budgets {
  /** Of the lookup, by people and by the application. */
  readonly editsInSalesforce: number;
  readonly editsOfRow: number;
  /** Of the child's other field, by the application. */
  readonly otherEdits: number;
  /** Deletes and undeletes of parents, and of the child, by people. */
  readonly deletesOfParents: number;
  readonly deletesOfChild: number;
  /** One parent into the other. */
  readonly merges: number;
  readonly crashes: number;
  readonly refusals: number;
  /** Files of the child that are worked on twice. */
  readonly duplicates: number;
}

export type Budget = keyof Budgets;

export interface Scenario extends Partial<Budgets> {
  /** `linked`: parent a has a row and the child points to it. `new`: Salesforce alone has the two of them. */
  readonly child: 'linked' | 'new';
  /** What there is of parent b: nothing, a record whose file is still to come, a row that is to be inserted, or both. */
  readonly other?: 'record' | 'row' | 'pair';
  /** Salesforce stamps a child whose lookup it changes because of its parent. */
  readonly stampsFollowers?: boolean;
  /** It leaves the children of a merged parent without one, and does not move them to the survivor. */
  readonly mergesClear?: boolean;
  readonly policy?: 'salesforce' | 'postgres';
  /** Parents and child are of one object: one transaction may write the child and remove the row of its parent. */
  readonly oneObject?: boolean;
}

export interface Parent {
  readonly record: 'none' | 'live' | 'deleted';
  readonly mergedInto: ParentKey | undefined;
  /** Its newest version is still on its way here. */
  readonly unpolled: boolean;
  /** `gets id`: a transaction that writes the id has woken the children, and is not committed. */
  readonly row: 'none' | 'without id' | 'gets id' | 'with id';
  /** Its link knows the survivor. */
  readonly isKnownMerged: boolean;
  /** The edit by which Salesforce moved the child to the survivor. */
  readonly movedBy: number;
}

/** One side of the child. `l` is an id in Salesforce and a key in the row; `by` the edit that it comes from. */
export interface Side {
  readonly l: string | null;
  readonly by: number;
  readonly x: string;
  readonly deleted: boolean;
}

/** The child as it was in Salesforce. `at` orders readings. */
export interface Reading {
  readonly side: Side;
  readonly stamp: number;
  readonly at: number;
}

export type Arrival =
  | { readonly kind: 'file'; readonly reading: Reading }
  | { readonly kind: 'to read'; readonly revision: number }
  | { readonly kind: 'read'; readonly reading: Reading; readonly revision: number };

/** A push on its way. `by`: the edit of the lookup that it carries; `looked`: the one that its look has seen. */
export interface Flight {
  readonly push: Push;
  readonly by: number;
  readonly looked: number;
  readonly awaited: boolean;
}

export type Step =
  | { readonly at: 'idle' }
  | { readonly at: 'looked'; readonly revision: number; readonly reading: Reading }
  | { readonly at: 'pushing' }
  | { readonly at: 'answered'; readonly outcome: Outcome }
  | { readonly at: 'read back'; readonly outcome: Outcome; readonly revision: number; readonly reading: Reading };

export interface World {
  readonly parents: Readonly<Record<ParentKey, Parent>>;
  readonly salesforce: Side;
  /** The parent whose delete has cleared the lookup: its undelete brings it back. */
  readonly clearedBy: ParentKey | undefined;
  readonly stamp: number;
  readonly clock: number;
  readonly polled: boolean;
  readonly row: Side;
  readonly link: Link;
  readonly queued: boolean;
  readonly arrivals: readonly Arrival[];
  /** A transaction has written pairs, and the one that joins children to their parents follows. */
  readonly joins: boolean;
  readonly flights: readonly Flight[];
  readonly step: Step;
  readonly time: number;
  readonly used: Readonly<Partial<Budgets>>;
  /** For each edit of the lookup the edits that its maker saw, and itself (bit sets). */
  readonly lineages: readonly number[];
  /** Edits that Salesforce makes because of a parent; of these, those that nothing shows. */
  readonly follows: number;
  readonly unstamped: number;
  /** Edits that clear the lookup. */
  readonly nulls: number;
  /** The edit that a file has shown of the lookup while a push of it was open. */
  readonly seenBy: number;
  /** Edits that a conflict has kept, that the documented window has swallowed, or whose parent was taken away. */
  readonly kept: number;
  /** The lookup went back to a parent where it had been: no comparison of values sees that. */
  readonly cameBack: boolean;
  readonly writes: number;
  readonly excuses: number;
  readonly falseConflict: boolean;
  /** The parent's row went while a push of the lookup was open. */
  readonly lostDuringPush: boolean;
  readonly cleared: boolean;
  readonly sentWaiting: boolean;
  /** The column became null although the row of the survivor is there. */
  readonly emptied: boolean;
  readonly echo: boolean;
}

export const IDLE: Step = { at: 'idle' };

export function configurationFor({ policy = 'salesforce' }: Scenario) {
  return defineSync({
    objects: {
      Parent: { table: 'parents', insert: true, externalId: 'Key__c', delivery: 'api', fields: { Name: text('name') } },
      Child: {
        table: 'children',
        delivery: 'api',
        fields: { l: reference('parent_id', 'Parent', { policy }), x: text('x') },
      },
    },
  });
}

export function childMapping(configuration: ReturnType<typeof configurationFor>) {
  return mappingOf(configuration, 'Child');
}

const PAIR: Parent = {
  record: 'live',
  mergedInto: undefined,
  unpolled: false,
  row: 'with id',
  isKnownMerged: false,
  movedBy: 0,
};
const OTHERS: Readonly<Record<NonNullable<Scenario['other']> | 'none', Parent>> = {
  none: { ...PAIR, record: 'none', row: 'none' },
  record: { ...PAIR, row: 'none', unpolled: true },
  row: { ...PAIR, record: 'none', row: 'without id' },
  pair: PAIR,
};

export function initialWorld({ child, other }: Scenario): World {
  const isNew = child === 'new';
  const salesforce: Side = { l: ID_OF.a, by: 0, x: 'x0', deleted: false };
  const known: Link = {
    ...newLink(CHILD, CHILD_KEY),
    base: { deleted: false, fields: fieldsOf(salesforce) },
    highWater: 2 * SECOND,
    wasInside: true,
  };
  return {
    parents: { a: isNew ? OTHERS.record : PAIR, b: OTHERS[other ?? 'none'] },
    salesforce,
    clearedBy: undefined,
    stamp: 2,
    clock: 2,
    polled: !isNew,
    row: { ...salesforce, l: isNew ? null : 'a', deleted: isNew },
    link: isNew ? newLink(CHILD, undefined) : known,
    queued: false,
    arrivals: [],
    joins: false,
    flights: [],
    step: IDLE,
    time: 1,
    used: {},
    lineages: [1],
    follows: 0,
    unstamped: 0,
    nulls: 0,
    seenBy: 0,
    kept: 0,
    cameBack: false,
    writes: 0,
    excuses: 0,
    falseConflict: false,
    lostDuringPush: false,
    cleared: false,
    sentWaiting: false,
    emptied: false,
    echo: false,
  };
}

export function may(scenario: Scenario, { used }: World, budget: Budget): boolean {
  return (used[budget] ?? 0) < (scenario[budget] ?? 0);
}

export function spend(world: World, budget: Budget): World {
  return { ...world, used: { ...world.used, [budget]: (world.used[budget] ?? 0) + 1 } };
}

/** A new edit of the lookup by a user or application that saw the edits of `seen`; `l`: what it points to. */
export function newEdit(
  world: World,
  seen: number,
  l: string | null,
): { readonly world: World; readonly edit: number } {
  const edit = world.lineages.length;
  const nulls = l === null ? world.nulls | (1 << edit) : world.nulls;
  return { world: { ...world, nulls, lineages: [...world.lineages, seen | (1 << edit)] }, edit };
}

export function lineage({ lineages }: World, edit: number): number {
  return lineages[edit] ?? 0;
}

function fieldsOf({ l, x }: Pick<Side, 'l' | 'x'>) {
  return { l, x };
}

/** The child's row as its columns are read: a lookup as the id that the parent's row carries. */
export function rowVersion({ row, parents }: World): RowVersion | undefined {
  if (row.deleted) return undefined;
  const key = PARENTS.find((name) => name === row.l);
  if (key === undefined) return { fields: fieldsOf({ l: null, x: row.x }) };
  return { fields: { l: parents[key].row === 'with id' ? ID_OF[key] : { unlinked: key }, x: row.x } };
}

export function versionOf({ side, stamp }: Reading): SalesforceVersion {
  return { id: CHILD, deleted: side.deleted, mergedInto: undefined, stamp: stamp * SECOND, fields: fieldsOf(side) };
}

export function readNow({ salesforce, stamp, time }: World): Reading {
  return { side: salesforce, stamp, at: time };
}

export function shown({ l, x, deleted }: Pick<Side, 'l' | 'x' | 'deleted'>): string {
  return `${deleted ? 'deleted ' : ''}(${parentOf(l) ?? l ?? 'no parent'} ${x})`;
}
