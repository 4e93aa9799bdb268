/**
 * One record with two fields, the people and programs that touch it, and everything of sfsync that can be in flight.
 * Nothing here knows the rules of agreement.
 */

import { type Link, newLink, type RowVersion } from '../../../../../core/agreement/link.ts';
import type { Outcome, Push } from '../../../../../core/agreement/outbound.ts';
import type { FieldValues } from '../../../../../core/mapping/canonical.ts';
import type { SalesforceVersion } from '../../../../../core/mapping/salesforce-version.ts';
import { inColumn, weighed } from '../rounding/rounding.ts';
import type { Edits } from './edits.ts';
import { type Budget, type Budgets, budgetsOf, type Field, type Scenario } from './scenario.ts';

const ID = '001000000000001AAA';
export const SECOND = 1000;

/** One side of the pair: its values, and the edit (edits.ts) that each of them comes from. */
export interface Side {
  readonly x: string;
  readonly y: string;
  readonly xBy: number;
  readonly yBy: number;
  /** The edit that last deleted or revived it. */
  readonly life: number;
  readonly deleted: boolean;
}

/** Something from Salesforce, as it was. `at` orders readings; nothing else counts moments. */
export interface Reading {
  readonly side: Side;
  readonly stamp: number;
  readonly at: number;
}

/** A version on its way: a file, an order to read again, or the answer to it. */
export type Arrival =
  | { readonly kind: 'file'; readonly reading: Reading }
  | { readonly kind: 'to read'; readonly revision: number }
  | { readonly kind: 'read'; readonly reading: Reading; readonly revision: number };

/** A push, and which edits it carries. */
export interface Load {
  /** The push that the link holds open for it. */
  readonly id: string;
  readonly push: Push;
  readonly xBy: number;
  readonly yBy: number;
  readonly life: number;
  /** The edits that its look has seen, in each field and of deletes. */
  readonly lookedX: number;
  readonly lookedY: number;
  readonly lookedLife: number;
  /** It changes nothing that the look did not show already. */
  readonly needless: boolean;
}

/** A push on its way to Salesforce, and who still waits for the answer: who holds the lease, or who held it before. */
export interface Flight {
  readonly load: Load;
  readonly awaitedBy: 'holder' | 'former' | 'none';
}

/** What is known of a push before its record is read back; `run ended`: a run of the flow, which gives no record's outcome; `refused x`: for x alone. */
export type Answer = Outcome | `refused ${Field}` | 'run ended' | 'run counted failures';

/** Where the outbound execution is. */
export type Step =
  | { readonly at: 'idle' }
  | { readonly at: 'looked'; readonly revision: number; readonly reading: Reading }
  | { readonly at: 'pushing' }
  | { readonly at: 'answered'; readonly answer: Answer; readonly load: Load }
  | {
      readonly at: 'read back';
      readonly answer: Answer;
      readonly load: Load;
      readonly revision: number;
      readonly reading: Reading;
    };

/** An edit whose transaction was decoded before it was visible. `queued`: its message still lies in the queue. */
export interface InvisibleEdit {
  readonly field: Field;
  readonly value: string;
  readonly by: number;
  readonly queued: boolean;
}

/** A row as the application has read it. */
export interface Form {
  readonly row: Side;
  readonly lockVersion: number;
}

export interface World {
  readonly salesforce: Side;
  readonly stamp: number;
  readonly clock: number;
  /** No commit has happened since the last poll. */
  readonly polled: boolean;
  /** A sweep has come after all commits that no poll finds. */
  readonly swept: boolean;
  readonly row: Side;
  readonly lockVersion: number;
  /** The row as the application has read it, to write it back. */
  readonly form: Form | undefined;
  /** The second in which the application last edited the row. */
  readonly editedAt: number;
  readonly link: Link;
  /** The record is no longer in the recycle bin: nothing brings it back. */
  readonly purged: boolean;
  /** The row is outside the row filter. */
  readonly outside: boolean;
  /** The row's key lies in the change queue. */
  readonly queued: boolean;
  readonly invisible: InvisibleEdit | undefined;
  readonly arrivals: readonly Arrival[];
  readonly flights: readonly Flight[];
  readonly step: Step;
  /** Where an execution is that has lost its lease and does not know. */
  readonly former: Step;
  readonly time: number;
  readonly left: Budgets;
  /** For each edit, the set of edits that its maker saw and itself (bit sets); 0: not made. */
  readonly lineages: readonly number[];
  /** Edits that are revives: they return to an earlier value, which no comparison of values can see. */
  readonly revives: number;
  /** Edits that a file showed of a pushed field while the push was open, and the last of them in each field. */
  readonly shown: number;
  readonly seenX: number;
  readonly seenY: number;
  /** Edits in the conflict log, and edits overwritten in the documented window. */
  readonly logged: number;
  readonly window: number;
  /** The record is listed as rejected. */
  readonly listed: boolean;
  /** PostgreSQL has refused the row of the last version: the record is listed until one is merged. */
  readonly unmerged: boolean;
  /** What Salesforce refused last, while the row has not been edited since. */
  readonly refused: string;
  readonly writes: number;
  /** Writes that are accounted for by something else than an edit of the row. */
  readonly excuses: number;
  readonly falseConflict: boolean;
  readonly needlessConflict: boolean;
  readonly echo: boolean;
  readonly pushedRefused: boolean;
  /** A push carried what the column made of a value; the row took what Salesforce made of one. */
  readonly sentBack: boolean;
  readonly coarsened: boolean;
}

export const IDLE: Step = { at: 'idle' };

/** Both sides are linked, and agree but for a field that is new in the mapping. */
export function initialWorld(scenario: Scenario, edits: Edits): World {
  const agreed = agreedWorld(scenario, edits.total);
  if (scenario.joins === undefined) return agreed;
  const base = { deleted: false, fields: { y: 'y0' } };
  const joining = { ...agreed, link: { ...agreed.link, base, rereadDue: true } };
  return filled(scenario, edits, filled(scenario, edits, joining, 'salesforce'), 'row');
}

/** What somebody wrote into the field before it was mapped must not go without a trace; that it is empty says nothing. */
function filled({ joins }: Scenario, edits: Edits, world: World, which: 'salesforce' | 'row'): World {
  if (joins === `${which} empty`) return { ...world, [which]: withValue(world[which], 'x', EMPTY, 0) };
  const { world: made, edit } = edits.make(world, 'before', 1);
  return { ...made, [which]: withValue(made[which], 'x', `x${edit}`, edit) };
}

function agreedWorld(scenario: Scenario, edits: number): World {
  const side: Side = { x: 'x0', y: 'y0', xBy: 0, yBy: 0, life: 0, deleted: false };
  const base = { deleted: false, fields: fieldsOf(side) };
  const row = { ...side, x: inColumn(scenario.rounds, 'x', side.x) };
  return {
    salesforce: side,
    stamp: 2,
    clock: 2,
    polled: true,
    swept: true,
    row,
    lockVersion: 0,
    form: undefined,
    editedAt: 0,
    link: {
      ...newLink(ID, 'key'),
      base,
      inexact: row.x === side.x ? {} : { x: row.x },
      highWater: 2 * SECOND,
      wasInside: true,
    },
    purged: false,
    outside: false,
    queued: false,
    invisible: undefined,
    arrivals: [],
    flights: [],
    step: IDLE,
    former: IDLE,
    time: 1,
    left: budgetsOf(scenario),
    lineages: [1, ...Array<number>(edits).fill(0)],
    revives: 0,
    shown: 0,
    seenX: 0,
    seenY: 0,
    logged: 0,
    window: 0,
    listed: false,
    unmerged: false,
    refused: '',
    writes: 0,
    excuses: 0,
    falseConflict: false,
    needlessConflict: false,
    echo: false,
    pushedRefused: false,
    sentBack: false,
    coarsened: false,
  };
}

export function spend(world: World, budget: Budget): World {
  return { ...world, left: { ...world.left, [budget]: world.left[budget] - 1 } };
}

/** Stands for null. */
export const EMPTY = '';

export function fieldsOf({ x, y }: Pick<Side, 'x' | 'y'>): FieldValues {
  return { x: x === EMPTY ? null : x, y };
}

export function by(side: Pick<Side, 'xBy' | 'yBy'>, field: Field): number {
  return field === 'x' ? side.xBy : side.yBy;
}

/** The side with another value in one field. */
export function withValue(side: Side, field: Field, value: string, edit: number): Side {
  return field === 'x' ? { ...side, x: value, xBy: edit } : { ...side, y: value, yBy: edit };
}

export function rowVersion({ row, editedAt, outside, lockVersion }: World): RowVersion | undefined {
  return row.deleted ? undefined : { fields: fieldsOf(row), editedAt: editedAt * SECOND, outside, lockVersion };
}

export function versionOf({ side, stamp }: Reading, { rounds }: Scenario): SalesforceVersion {
  const { deleted } = side;
  return weighed(rounds, { id: ID, deleted, mergedInto: undefined, stamp: stamp * SECOND, fields: fieldsOf(side) });
}

/** Salesforce as it is at this moment. */
export function readNow({ salesforce, stamp, time }: World): Reading {
  return { side: salesforce, stamp, at: time };
}

export function shown({ x, y, deleted }: Side): string {
  return deleted ? `deleted (${x} ${y})` : `${x} ${y}`;
}
