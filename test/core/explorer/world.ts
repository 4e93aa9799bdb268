/**
 * One record with two fields, the people and programs that touch it, and everything of sfsync that can be in flight.
 * Every edit makes a value that never occurred before (`x3`: field x, edit 3), so that a value says who made it; `ancestors`
 * holds for each edit the set of edits that its maker saw (bit sets). Nothing here knows the rules of agreement.
 */
import type { FieldValues } from '../../../core/canonical.ts';
import { defineSync, mappingOf, type ObjectMapping, text } from '../../../core/configuration.ts';
import { type Link, newLink, type RowVersion, type SalesforceVersion } from '../../../core/link.ts';
import type { Outcome, Push } from '../../../core/outbound.ts';

export const FIELDS = ['x', 'y'] as const;
export type Field = (typeof FIELDS)[number];
const ID = '001000000000001AAA';
export const SECOND = 1000;

/** How much may happen. What is absent may not happen at all. */
export interface Scenario {
  readonly editsInSalesforce?: number;
  readonly editsOfRow?: number;
  /** Deletes and undeletes by people; deletes and re-inserts by the application. */
  readonly deletesInSalesforce?: number;
  readonly deletesOfRow?: number;
  /** The application takes the row out of the row filter, and back into it. */
  readonly crossings?: number;
  readonly leaving?: 'delete' | 'ignore';
  readonly crashes?: number;
  readonly lostAnswers?: number;
  readonly refusals?: number;
  /** Files worked on twice; polls that find nothing new; commits that appear with an older stamp than the one before. */
  readonly duplicates?: number;
  readonly idlePolls?: number;
  readonly lateCommits?: number;
  /** Commits that logical decoding shows before they are visible. */
  readonly earlyDecodes?: number;
  /** `writes y`: a trigger changes y when x is pushed. `normalises x`: it stores another spelling of x. */
  readonly trigger?: 'writes y' | 'normalises x';
  readonly policy?: 'salesforce' | 'postgres' | 'latest';
  readonly deleteRow?: 'delete' | 'ignore';
  readonly deleteRecord?: 'recycle-bin' | 'hard';
  readonly delivery?: 'api' | 'appflow';
  /** Counts edits that were overwritten in the documented window as lost: shows what the rules save of them. */
  readonly noWindow?: boolean;
  /** Seconds that may pass. */
  readonly seconds?: number;
}

export type Budget = Exclude<
  keyof Scenario,
  'noWindow' | 'trigger' | 'policy' | 'deleteRow' | 'deleteRecord' | 'leaving' | 'delivery' | 'seconds'
>;

export function mappingFor(scenario: Scenario): ObjectMapping {
  const { policy = 'salesforce', deleteRow = 'delete', deleteRecord, delivery = 'api', leaving } = scenario;
  const fields = { x: text('x', { policy }), y: text('y', { policy }) };
  const filter = leaving && { where: 'inside', leaving };
  const thing = { table: 'things', updatedAt: 'updated_at', deleteRow, deleteRecord, delivery, filter, fields };
  return mappingOf(defineSync({ objects: { Thing: thing } }), 'Thing');
}

export interface Side {
  readonly x: string;
  readonly y: string;
  /** The edit that last deleted or revived the record on this side. */
  readonly life: number;
  readonly deleted: boolean;
}

/** A version on its way: a file, an order to read again, or the answer to it. */
export interface Arrival {
  readonly kind: 'file' | 'to read' | 'read';
  readonly side: Side;
  readonly stamp: number;
  readonly readAt: number;
  readonly revision: number;
}

/** A push on its way to Salesforce. `awaited`: its execution still waits for the answer. */
export interface Flight {
  readonly push: Push;
  readonly life: number;
  readonly looked: Side;
  readonly awaited: boolean;
}

/** Where the outbound execution is. */
export type Step =
  | { readonly at: 'idle' }
  | { readonly at: 'collected'; readonly revision: number }
  | {
      readonly at: 'looked';
      readonly revision: number;
      readonly side: Side;
      readonly stamp: number;
      readonly readAt: number;
    }
  | { readonly at: 'decided'; readonly push: Push; readonly life: number; readonly looked: Side }
  | { readonly at: 'pushing' }
  | { readonly at: 'answered'; readonly outcome: Outcome }
  | {
      readonly at: 'read back';
      readonly outcome: Outcome;
      readonly revision: number;
      readonly side: Side;
      readonly stamp: number;
      readonly readAt: number;
    };

export interface World {
  readonly salesforce: Side;
  readonly stamp: number;
  readonly clock: number;
  readonly row: Side;
  readonly link: Link;
  /** The record is no longer in the recycle bin: nothing brings it back. */
  readonly purged: boolean;
  /** The row is outside the row filter. */
  readonly outside: boolean;
  /** The second in which the application last edited the row. */
  readonly editedAt: number;
  /** The row's key lies in the change queue. */
  readonly queued: boolean;
  /** An edit that is decoded and queued, but not visible yet. */
  readonly invisible: { readonly field: Field; readonly value: string } | undefined;
  readonly polled: boolean;
  readonly arrivals: readonly Arrival[];
  readonly flights: readonly Flight[];
  readonly step: Step;
  readonly time: number;
  readonly used: Readonly<Partial<Record<Budget, number>>>;
  readonly ancestors: readonly number[];
  /** Edits that are revives: they return to an earlier value, which no comparison of values can see. */
  readonly revives: number;
  /** Edits of the application: one that has reached Salesforce must never give way to an older push of ours. */
  readonly ours: number;
  /** Edits that delete or revive. */
  readonly lives: number;
  /** Edits that a file showed of a pushed field while the push was open. */
  readonly shown: number;
  /** Edits in the conflict log, and edits overwritten in the documented window. */
  readonly logged: number;
  readonly window: number;
  readonly writes: number;
  readonly excuses: number;
  readonly falseConflict: boolean;
  readonly echo: boolean;
}

/** Both sides agree and are linked. */
export function initialWorld(): World {
  const side: Side = { x: 'x0', y: 'y0', life: 0, deleted: false };
  const base = { deleted: false, fields: fieldsOf(side) };
  return {
    salesforce: side,
    stamp: 1,
    clock: 1,
    row: side,
    link: { ...newLink(ID, 'key'), base, highWater: SECOND, wasInside: true },
    purged: false,
    outside: false,
    editedAt: 0,
    queued: false,
    invisible: undefined,
    polled: true,
    arrivals: [],
    flights: [],
    step: { at: 'idle' },
    time: 1,
    used: {},
    ancestors: [1],
    revives: 0,
    lives: 0,
    ours: 0,
    shown: 0,
    logged: 0,
    window: 0,
    writes: 0,
    excuses: 0,
    falseConflict: false,
    echo: false,
  };
}

export function fieldsOf({ x, y }: Pick<Side, 'x' | 'y'>): FieldValues {
  return { x, y };
}

export function rowVersion({ row, editedAt, outside }: World): RowVersion | undefined {
  return row.deleted ? undefined : { fields: fieldsOf(row), editedAt: editedAt * SECOND, outside };
}

export function versionOf(side: Side, stamp: number): SalesforceVersion {
  return { id: ID, deleted: side.deleted, mergedInto: undefined, stamp: stamp * SECOND, fields: fieldsOf(side) };
}

/** The edit that made a value; a value that a trigger spelled differently ends in `!`. */
export function editOf(value: unknown): number {
  return Number(/^[xy](\d+)/.exec(String(value))?.[1]);
}

/** Makes an edit; `seen` is what its maker saw. */
export function newEdit(world: World, seen: number): { readonly world: World; readonly edit: number } {
  const edit = world.ancestors.length;
  return { edit, world: { ...world, ancestors: [...world.ancestors, seen | (1 << edit)] } };
}

export function lineage(world: World, ...values: readonly (string | number)[]): number {
  return values.reduce<number>((all, value) => {
    return all | (world.ancestors[typeof value === 'number' ? value : editOf(value)] ?? 0);
  }, 0);
}

/**
 * A text that is equal for worlds that behave alike: revisions matter only as "the link's, or older", moments only in
 * their order, and what is in flight has no order.
 */
export function identity(world: World): string {
  const { link, step, arrivals } = world;
  const moments = [link.appliedAt ?? 0, ...arrivals.map(({ readAt }) => readAt), 'readAt' in step ? step.readAt : 0];
  const order = [...new Set(moments)].sort((a, b) => a - b);
  const rank = (moment: number) => order.indexOf(moment);
  const age = (revision: number) => (revision === link.revision ? 0 : -1);
  return JSON.stringify([
    {
      ...world,
      time: 0,
      arrivals: arrivals
        .map((each) => JSON.stringify({ ...each, readAt: rank(each.readAt), revision: age(each.revision) }))
        .sort(),
      flights: world.flights.map((flight) => JSON.stringify(flight)).sort(),
      step: {
        ...step,
        ...('readAt' in step && { readAt: rank(step.readAt) }),
        ...('revision' in step && { revision: age(step.revision) }),
      },
      link: {
        ...link,
        revision: 0,
        appliedAt: rank(link.appliedAt ?? 0),
      },
    },
  ]);
}
