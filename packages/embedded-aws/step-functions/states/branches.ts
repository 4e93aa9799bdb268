import type { StateList } from '../definition/definition.ts';
import { Interruption, type StateFailure } from './failure.ts';
import type { Frame } from './frame.ts';
import type { Outcome } from './interpreter.ts';
import type { Json } from './json.ts';
import type { BranchPosition, Position } from './position.ts';
import { startOf } from './position.ts';
import type { Visit } from './visit.ts';

export type RunStates = (list: StateList, start: Position, frame: Frame) => Promise<Outcome>;

/** A set of branches or iterations that a Parallel or Map state runs side by side. */
export interface BranchSet {
  readonly count: number;
  /** How many may run at a time. */
  readonly concurrency: number;
  /** Whether the state goes on though so many have failed. */
  tolerates(failed: number): boolean;
  /** What the state fails with when more have failed than it tolerates. */
  failure(first: StateFailure): StateFailure;
  /** What the branch runs, from its beginning. May throw StateFailure; that is a failure of the whole state. */
  begin(index: number): Promise<{ readonly list: StateList; readonly input: Json; readonly item: Frame['mapItem'] }>;
  started?(index: number, frame: Frame): void;
  ended?(index: number, frame: Frame, how: 'Succeeded' | 'Failed' | 'Aborted'): void;
}

/** What came out of each branch: its output, or undefined when it failed and that was tolerated. */
export type BranchResults = readonly (Json | undefined)[];

/**
 * Runs a set of branches. Those that `visit.branches` knows as done are not run again, open ones go on from where they
 * stood. When one fails for good the others are stopped, and that failure is thrown; then, and when the execution is
 * interrupted, `visit.branches` holds where each branch stands.
 */
export async function runBranches(set: BranchSet, visit: Visit, runStates: RunStates): Promise<BranchResults> {
  const crew = new BranchCrew(set, visit, runStates);
  return crew.run();
}

class BranchCrew {
  readonly #set: BranchSet;
  readonly #visit: Visit;
  readonly #runStates: RunStates;
  readonly #positions: BranchPosition[];
  readonly #results: (Json | undefined)[];
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #startCursor: number;
  #failed = 0;
  #firstFailure: StateFailure | undefined;
  #fault: { readonly thrown: unknown } | undefined;

  constructor(set: BranchSet, visit: Visit, runStates: RunStates) {
    this.#set = set;
    this.#visit = visit;
    this.#runStates = runStates;
    const known = visit.branches ?? [];
    this.#positions = Array.from({ length: set.count }, (_, index) => known[index] ?? { kind: 'fresh' });
    this.#results = this.#positions.map((position) => (position.kind === 'done' ? position.output : undefined));
    this.#signal = AbortSignal.any([visit.frame.signal, this.#stop.signal]);
    this.#startCursor = visit.frame.cursor.last;
  }

  async run(): Promise<BranchResults> {
    const waiting = [...this.#positions.keys()].filter((index) => this.#positions[index]?.kind !== 'done');
    const work = async () => {
      while (!this.#signal.aborted) {
        const index = waiting.shift();
        if (index === undefined) return;
        await this.#runOne(index);
      }
    };
    await Promise.all(Array.from({ length: Math.min(this.#set.concurrency, waiting.length) }, work));
    this.#visit.branches = this.#positions;
    if (this.#fault !== undefined) throw this.#fault.thrown;
    this.#visit.frame.signal.throwIfAborted();
    if (this.#firstFailure !== undefined && !this.#set.tolerates(this.#failed)) {
      throw this.#set.failure(this.#firstFailure);
    }
    return this.#results;
  }

  async #runOne(index: number): Promise<void> {
    try {
      const { list, input, item } = await this.#set.begin(index);
      const frame = this.#frameFor(item);
      this.#set.started?.(index, frame);
      const known = this.#positions[index];
      const start = known?.kind === 'open' ? known.position : startOf(list.startAt, input);
      this.#settle(index, frame, await this.#runStates(list, start, frame));
    } catch (thrown) {
      // Not a branch that failed, but the state itself, or this interpreter: nothing is left to tolerate.
      this.#fault ??= { thrown };
      this.#stop.abort(new Interruption('branch-failed'));
    }
  }

  #settle(index: number, frame: Frame, outcome: Outcome): void {
    if (outcome.kind === 'succeeded') {
      this.#results[index] = outcome.output;
      this.#positions[index] = { kind: 'done', output: outcome.output };
      this.#set.ended?.(index, frame, 'Succeeded');
    } else {
      this.#positions[index] = { kind: 'open', position: outcome.position };
      if (outcome.kind === 'failed') this.#fail(index, frame, outcome.failure);
      else if (this.#isBranchFailure()) this.#set.ended?.(index, frame, 'Aborted');
    }
    // What the state records next follows the branch that ended last.
    this.#visit.frame.cursor.last = Math.max(this.#visit.frame.cursor.last, frame.cursor.last);
  }

  #fail(index: number, frame: Frame, failure: StateFailure): void {
    this.#failed += 1;
    this.#firstFailure ??= failure;
    this.#set.ended?.(index, frame, 'Failed');
    if (!this.#set.tolerates(this.#failed)) this.#stop.abort(new Interruption('branch-failed'));
  }

  #isBranchFailure(): boolean {
    const reason: unknown = this.#signal.reason;
    return reason instanceof Interruption && reason.kind === 'branch-failed';
  }

  #frameFor(item: Frame['mapItem']): Frame {
    const { frame, variables } = this.#visit;
    return {
      run: frame.run,
      depth: frame.depth + 1,
      outerVariables: variables,
      mapItem: item ?? frame.mapItem,
      cursor: { last: Math.max(this.#startCursor, this.#set.concurrency === 1 ? frame.cursor.last : 0) },
      signal: this.#signal,
    };
  }
}
