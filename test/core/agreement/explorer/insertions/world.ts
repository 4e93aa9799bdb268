/**
 * A row that the application inserts under the key `k`, the records that name it, and everything of sfsync that can be in
 * flight at the same time. As in the world of one pair (../world.ts) every edit makes a value that never occurred before, and
 * `ancestors` holds for each edit the set of edits that its maker saw. What happens to linked pairs is explored there; here
 * they go from look to settle in one move. Nothing here knows the rules.
 */

import type { Insertion, InsertionAnswer, NamedRecord, UnlinkedRow } from '../../../../../core/agreement/insertion.ts';
import type { Link } from '../../../../../core/agreement/link.ts';
import type { CanonicalValue, FieldValues } from '../../../../../core/mapping/canonical.ts';
import { defineSync, mappingOf, text } from '../../../../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../../../../core/mapping/salesforce-version.ts';

const SECOND = 1000;
const thing = { table: 'things', delivery: 'api', insert: true, externalId: 'Key__c' } as const;
const configuration = defineSync({ objects: { Thing: { ...thing, fields: { x: text('x'), y: text('y') } } } });
/** Both fields go both ways, and Salesforce wins. A new row has no y. */
export const mapping = mappingOf(configuration, 'Thing');

/** How much may happen. What is absent may not happen at all. */
export interface Scenario {
  /** New rows, all under the key `k`: the second one is inserted again without its Salesforce id. */
  readonly inserts?: number;
  readonly editsOfRow?: number;
  readonly deletesOfRow?: number;
  readonly editsInSalesforce?: number;
  readonly deletesInSalesforce?: number;
  /** Records in which a person types the key of the row. */
  readonly typed?: number;
  readonly crashes?: number;
  readonly lostAnswers?: number;
  readonly refusals?: number;
  readonly duplicates?: number;
  /** Read-backs that do not show a record which is there. */
  readonly blindReads?: number;
  /** Salesforce fills y of a new record. */
  readonly default?: boolean;
  /** Seconds that may pass. */
  readonly seconds?: number;
}

export type Budget = Exclude<keyof Scenario, 'default' | 'seconds'>;

/** `life`: the edit that made or deleted it. */
export interface Row {
  readonly x: string | null;
  readonly y: string | null;
  readonly life: number;
  /** The Salesforce id that it carries. */
  readonly id: string | undefined;
}

export interface OrgRecord {
  readonly x: string | null;
  readonly y: string | null;
  readonly life: number;
  readonly deleted: boolean;
  readonly stamp: number;
  /** No poll has seen it as it is. */
  readonly unpolled: boolean;
  /** A person made it. */
  readonly typed: boolean;
}

/** Where the outbound execution is with the insertion. */
export type Step =
  | { readonly at: 'idle' }
  | { readonly at: 'collected' }
  | {
      readonly at: 'looked';
      readonly look: NamedRecord | undefined;
      readonly readAt: number;
      readonly revision: number;
    }
  | { readonly at: 'decided'; readonly fields: FieldValues }
  | { readonly at: 'pushing' }
  | { readonly at: 'answered'; readonly answer: InsertionAnswer }
  | {
      readonly at: 'read back';
      readonly answer: InsertionAnswer;
      readonly readBack: NamedRecord | undefined;
      readonly readAt: number;
      readonly revision: number;
    };

/** An upsert on its way to Salesforce. `awaited`: its execution still waits for the answer. */
export interface Flight {
  readonly fields: FieldValues;
  readonly life: number;
  readonly awaited: boolean;
}

export interface World {
  readonly clock: number;
  /** All of them name the row. */
  readonly records: readonly OrgRecord[];
  readonly rows: Readonly<Record<string, Row>>;
  /** The edit by which the row `k` was last deleted. */
  readonly deletedBy: number;
  readonly links: readonly Link[];
  readonly insertion: Insertion | undefined;
  /** The key lies in the change queue. */
  readonly queued: boolean;
  readonly files: readonly SalesforceVersion[];
  readonly step: Step;
  readonly flights: readonly Flight[];
  readonly ancestors: readonly number[];
  /** Edits that a conflict has kept, or that the documented window has swallowed. */
  readonly kept: number;
  readonly upserts: number;
  readonly used: Readonly<Partial<Record<Budget, number>>>;
}

export const EMPTY: World = {
  clock: 1,
  records: [],
  rows: {},
  deletedBy: 0,
  links: [],
  insertion: undefined,
  queued: false,
  files: [],
  step: { at: 'idle' },
  flights: [],
  ancestors: [0],
  kept: 0,
  upserts: 0,
  used: {},
};

export function identity(world: World): string {
  return JSON.stringify(world);
}

export function idOf(index: number): string {
  return `a00${String(index).padStart(12, '0')}AAA`;
}

export function indexOf(id: string): number {
  return Number(id.slice(3, 15));
}

export function at(clock: number): number {
  return clock * SECOND;
}

/** A new edit by a user or application that saw the edits of `seen`. */
export function newEdit(world: World, seen: number): { readonly world: World; readonly edit: number } {
  const edit = world.ancestors.length;
  return { world: { ...world, ancestors: [...world.ancestors, seen | (1 << edit)] }, edit };
}

/** The edits that a value stands for: its own and those that its maker saw. */
export function lineage(world: World, value: CanonicalValue | undefined): number {
  return typeof value === 'string' ? (world.ancestors[Number(value.slice(1))] ?? 0) : 0;
}

/** The edits that a whole row or record stands for. */
export function closure(world: World, thing: Pick<Row, 'x' | 'y' | 'life'>): number {
  return lineage(world, thing.x) | lineage(world, thing.y) | (world.ancestors[thing.life] ?? 0);
}

export function versionOf(world: World, index: number): SalesforceVersion {
  const record = world.records[index];
  if (record === undefined) throw new RangeError(`There is no record ${index}`);
  const { x, y, deleted, stamp } = record;
  return {
    id: idOf(index),
    deleted,
    mergedInto: undefined,
    stamp: at(stamp),
    externalId: 'k',
    fields: { x, y },
  };
}

export function rowVersion(row: Row | undefined): UnlinkedRow | undefined {
  return row && { fields: { x: row.x, y: row.y }, salesforceId: row.id };
}

/** What a look by external id answers: the live record before deleted ones, of these the last. */
export function named(world: World): NamedRecord | undefined {
  const live = world.records.findIndex(({ deleted }) => !deleted);
  const last = world.records.reduce((best, { stamp }, i) => (stamp >= (world.records[best]?.stamp ?? 0) ? i : best), 0);
  if (world.records.length === 0) return undefined;
  const version = versionOf(world, live >= 0 ? live : last);
  return { version, isLinked: world.links.some(({ salesforceId }) => salesforceId === version.id) };
}
