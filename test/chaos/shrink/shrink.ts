/**
 * Looks for a shorter plan that violates the same rule. A run takes seconds and need not go the same way twice, so each candidate is tried more
 * than once, runs are bounded, and what most likely suffices is tried first: no faults, and the operations on the record alone.
 */
import type { History, Version } from '../history/history.ts';
import { id18 } from '../history/normal-form.ts';
import type { Violation } from '../judge/finding.ts';
import type { Verdict } from '../judge/judge.ts';
import { ddmin } from './ddmin.ts';

/** What can be left out of a plan; whatever else it holds stays. */
export interface Shrinkable {
  readonly operations: readonly { readonly number: number }[];
  readonly faults: readonly unknown[];
  readonly mappingChanges?: readonly unknown[] | undefined;
}

export interface Attempt {
  readonly history: History;
  readonly verdict: Verdict;
}

export interface ShrinkOptions {
  readonly rule: string;
  /** At most so many runs. */
  readonly runs: number;
  /** A candidate that passes so often counts as good. */
  readonly tries: number;
  readonly onProgress?:
    | ((shortest: { readonly operations: number; readonly faults: number; readonly runs: number }) => void)
    | undefined;
}

export interface Shrunk<Plan> {
  readonly plan: Plan;
  /** undefined: the plan did not fail again at all. */
  readonly attempt: Attempt | undefined;
  readonly runs: number;
}

export async function shrink<Plan extends Shrinkable>(
  plan: Plan,
  run: (plan: Plan) => Promise<Attempt>,
  options: ShrinkOptions,
): Promise<Shrunk<Plan>> {
  const search = new Search(plan, run, options);
  if (!(await search.fails(plan))) return search.result();
  await search.without('faults');
  await search.without('mappingChanges');
  await search.tryAlone();
  await search.minimise('faults');
  await search.minimise('operations');
  return search.result();
}

class Search<Plan extends Shrinkable> {
  readonly #run: (plan: Plan) => Promise<Attempt>;
  readonly #options: ShrinkOptions;
  #shortest: Plan;
  #attempt: Attempt | undefined;
  #runs = 0;

  constructor(plan: Plan, run: (plan: Plan) => Promise<Attempt>, options: ShrinkOptions) {
    this.#shortest = plan;
    this.#run = run;
    this.#options = options;
  }

  result(): Shrunk<Plan> {
    return { plan: this.#shortest, attempt: this.#attempt, runs: this.#runs };
  }

  /** Keeps the candidate as the shortest when it fails. */
  async fails(candidate: Plan): Promise<boolean> {
    const { rule, runs, tries, onProgress } = this.#options;
    for (let time = 0; time < tries && this.#runs < runs; time++) {
      this.#runs += 1;
      const attempt = await this.#run(candidate);
      const isFound = attempt.verdict.violations.some((violation) => violation.rule === rule);
      if (isFound) [this.#shortest, this.#attempt] = [candidate, attempt];
      const { operations, faults } = this.#shortest;
      onProgress?.({ operations: operations.length, faults: faults.length, runs: this.#runs });
      if (isFound) return true;
    }
    return false;
  }

  async without(list: 'faults' | 'mappingChanges'): Promise<void> {
    if ((this.#shortest[list]?.length ?? 0) > 0) await this.fails({ ...this.#shortest, [list]: [] });
  }

  /** With the operations on the record that went wrong, and on those that it names. */
  async tryAlone(): Promise<void> {
    const violation = this.#attempt?.verdict.violations.find(({ rule }) => rule === this.#options.rule);
    if (violation === undefined || this.#attempt === undefined) return;
    const related = operationsOn(this.#attempt.history, violation);
    const operations = this.#shortest.operations.filter(({ number }) => related.has(number));
    if (operations.length === 0 || operations.length === this.#shortest.operations.length) return;
    await this.fails({ ...this.#shortest, operations });
  }

  async minimise(list: 'faults' | 'operations'): Promise<void> {
    const items: readonly unknown[] = this.#shortest[list];
    await ddmin(items, (candidate) => this.fails({ ...this.#shortest, [list]: candidate }));
  }
}

/** Numbers of the operations that wrote the record or row, or one that these name. */
export function operationsOn({ versions }: History, { salesforceId, rowKey, object }: Violation): ReadonlySet<number> {
  const names = new Set([salesforceId, rowKey].filter((name) => name !== undefined).map(id18));
  const isNamed = (version: Version) => names.has(id18(version.key)) && version.object === object;
  const named = new Set(versions.filter(isNamed).flatMap(({ key, values }) => [key, ...textsIn(values)].map(id18)));
  const numbers = versions.flatMap(({ key, writer }) => {
    return writer.by === 'client' && named.has(id18(key)) ? [writer.operation] : [];
  });
  return new Set(numbers);
}

/** What may be an id or a key. */
function textsIn(values: Version['values']): string[] {
  return Object.values(values).flatMap((value) =>
    typeof value === 'string' && /^[\w-]{15,36}$/.test(value) ? [value] : [],
  );
}
