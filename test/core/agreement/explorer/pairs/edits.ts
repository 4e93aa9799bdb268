/**
 * Who made which value, and what its maker saw: that decides at the end whether an edit was lost, and whether a conflict
 * was one. An edit is named by who made it and the how manieth it is, so that the order of independent edits leaves no trace.
 */
import { budgetsOf, type Field, type Scenario } from './scenario.ts';
import type { Side, World } from './world.ts';

export type Maker =
  | 'person'
  | 'person deletes'
  | 'application'
  | 'application deletes'
  | 'application inserts'
  | 'trigger'
  | 'before';

/** A trigger may fire for each push; a scenario with more of them writes without end. */
const TRIGGERED = 9;

/** The edits of a scenario: each maker has a range of numbers of its own; 0 is what both sides begin with. */
export class Edits {
  readonly #first: Readonly<Record<Maker, number>>;
  readonly total: number;
  /** All that the application may make: an edit that has reached Salesforce must not give way to an older push of ours. */
  readonly ours: number;
  /** All that delete or revive. */
  readonly lives: number;
  /** What was written into a field before it was mapped. */
  readonly before: number;

  constructor(scenario: Scenario) {
    const { editsInSalesforce, deletesInSalesforce, editsOfRow, deletesOfRow, staleWrites } = budgetsOf(scenario);
    let next = 1;
    const range = (count: number) => {
      next += count;
      return next - count;
    };
    this.#first = {
      person: range(editsInSalesforce),
      'person deletes': range(deletesInSalesforce),
      application: range(editsOfRow + staleWrites),
      'application deletes': range(deletesOfRow),
      'application inserts': range(deletesOfRow),
      trigger: range(scenario.trigger === undefined ? 0 : TRIGGERED),
      before: range(scenario.joins === undefined ? 0 : 2),
    };
    this.total = next - 1;
    this.before = scenario.joins === undefined ? 0 : bits(this.#first.before, 2);
    this.ours = bits(this.#first.application, editsOfRow + staleWrites);
    this.lives =
      bits(this.#first['person deletes'], deletesInSalesforce) | bits(this.#first['application deletes'], deletesOfRow);
  }

  /** Makes an edit; `seen` is what its maker saw. */
  make(world: World, maker: Maker, seen: number): { readonly world: World; readonly edit: number } {
    let edit = this.#first[maker];
    while (world.lineages[edit] !== 0) edit++;
    return { edit, world: { ...world, lineages: world.lineages.with(edit, seen | (1 << edit)) } };
  }
}

function bits(first: number, count: number): number {
  return ((1 << count) - 1) << first;
}

/** All edits that were made. */
export function allMade({ lineages }: World): number {
  return lineages.reduce((all, lineage, edit) => (lineage === 0 ? all : all | (1 << edit)), 0);
}

export function lineage({ lineages }: World, edit: number): number {
  return lineages[edit] ?? 0;
}

/** What is known to a maker who sees all of a side. */
export function lineageOfValues(world: World, { xBy, yBy }: Pick<Side, 'xBy' | 'yBy'>): number {
  return lineage(world, xBy) | lineage(world, yBy);
}

/** The value that an edit makes: a new one, or, where edits may go back, each of three but the one that is there. */
export function valuesFor({ editsBack }: Scenario, field: Field, edit: number, now: string): readonly string[] {
  if (editsBack !== true) return [`${field}${edit}`];
  return [`${field}0`, `${field}1`, `${field}2`].filter((value) => value !== now);
}
