/** A pass over planted bugs takes hours: what was found is kept in a file, and a pass that was interrupted goes on. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { RULE as REST } from '../judge/rules/rest.ts';
import type { Hunted } from './hunt.ts';
import type { PlantedBug } from './planted-bug.ts';

export interface PassEntry extends Hunted {
  /** Of what was planted: a bug that has changed since is hunted anew. */
  readonly digest: string;
  readonly commit: string;
  /** ISO 8601. */
  readonly at: string;
}

interface Kept {
  readonly bugs: Record<string, PassEntry>;
  /** Rules that plans break without a bug, by commit and plan. */
  readonly controls: Record<string, readonly string[]>;
}

export class Pass {
  readonly #file: string;
  readonly #entries: Map<string, PassEntry>;
  readonly #controls: Map<string, readonly string[]>;

  private constructor(file: string, { bugs, controls }: Kept) {
    this.#file = file;
    this.#entries = new Map(Object.entries(bugs));
    this.#controls = new Map(Object.entries(controls));
  }

  /** Goes on with the pass of the file, or begins one. */
  static open(file: string): Pass {
    const kept = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Kept) : { bugs: {}, controls: {} };
    return new Pass(file, kept);
  }

  /** The rules that a plan breaks without a bug; asked once for several bugs that have the same plan. */
  async control<Plan>(
    plan: Plan,
    commit: string,
    broken: (plan: Plan) => Promise<readonly string[]>,
  ): Promise<readonly string[]> {
    const name = `${commit} ${digestOf(plan)}`;
    const known = this.#controls.get(name);
    if (known !== undefined) return known;
    const rules = await broken(plan);
    // What a busy machine has not brought to rest in time says little: another time it is asked again.
    if (!rules.includes(REST)) this.#controls.set(name, rules);
    this.#save();
    return rules;
  }

  /** undefined: it was not hunted yet, is another one by now, or the run has failed. */
  of(bug: PlantedBug): PassEntry | undefined {
    const entry = this.#entries.get(bug.name);
    return entry?.digest === digestOf(bug.edits) && entry.outcome !== 'failed' ? entry : undefined;
  }

  /** Also where the run has failed. */
  lastOf(bug: PlantedBug): PassEntry | undefined {
    return this.of(bug) ?? this.#entries.get(bug.name);
  }

  add(bug: PlantedBug, hunted: Hunted, { commit, at }: Pick<PassEntry, 'commit' | 'at'>): void {
    this.#entries.set(bug.name, { ...hunted, digest: digestOf(bug.edits), commit, at });
    this.#save();
  }

  forget(): void {
    this.#entries.clear();
    this.#controls.clear();
    this.#save();
  }

  #save(): void {
    mkdirSync(dirname(this.#file), { recursive: true });
    const kept: Kept = {
      bugs: Object.fromEntries(this.#entries),
      controls: Object.fromEntries(this.#controls),
    };
    writeFileSync(`${this.#file}.new`, `${JSON.stringify(kept, undefined, 2)}\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }
}

function digestOf(what: unknown): string {
  return createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 16);
}
