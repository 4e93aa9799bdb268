import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { Caller, ServiceName } from '../service.ts';
import { AwsError, CONSOLE } from '../service.ts';
import { namesIn, throttling, unavailable } from './call-faults.ts';
import { FAULTS, type FaultName, type FaultOptions } from './fault-catalogue.ts';

/** What a fault may be meant for: each member only where the fault's options name it. A text matches what contains it. */
export type Occasion = Readonly<Record<string, string | readonly string[]>>;

interface Active {
  readonly options: Readonly<Record<string, unknown>>;
  occasions: number;
  left: number;
}

/** A request to switch faults that cannot be followed; the message names what is possible. */
export class FaultSettingError extends Error {
  override readonly name = 'FaultSettingError' as const;
}

/** The call was carried out, and the caller is not to get an answer. Where the caller is a service, its client says so. */
export class AnswerLost extends AwsError {
  constructor() {
    super('SdkClientException', 'Unable to execute HTTP request: the connection was reset.', 500);
  }
}

/** The faults that are switched on. They are not kept: a process that starts has none. */
export class Faults {
  readonly #active = new Map<FaultName, Active[]>();
  readonly #struck = new Map<FaultName, number>();
  readonly #random: () => number;

  /** `random` lies in [0, 1). */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /**
   * Switches faults: each member names one, with its options, a list of options, or null to clear it. Throws FaultSettingError, and
   * switches nothing, when a name or an option is unknown.
   */
  set(request: unknown): void {
    if (typeof request !== 'object' || request === null || Array.isArray(request)) {
      throw new FaultSettingError('send a JSON object: {"<fault>": {options} | null}');
    }
    const changes = Object.entries(request).map(([name, value]) => parseEntry(name, value));
    for (const { name, entries } of changes) {
      if (entries.length === 0) this.#active.delete(name);
      else this.#active.set(name, entries);
    }
  }

  clear(): void {
    this.#active.clear();
  }

  /** How often each has struck since the start. */
  get struck(): Readonly<Partial<Record<FaultName, number>>> {
    return Object.fromEntries(this.#struck);
  }

  /** Lets a fault strike: answers its options when it is meant for this occasion, and counts it. */
  strike<Name extends FaultName>(name: Name, occasion: Occasion): FaultOptions<Name> | undefined {
    const entries = this.#active.get(name) ?? [];
    for (const entry of entries) {
      if (!isMeant(entry.options, occasion)) continue;
      entry.occasions += 1;
      if (entry.occasions % Number(entry.options.every ?? 1) !== 0) continue;
      entry.left -= 1;
      if (entry.left === 0) this.#remove(name, entry);
      this.#struck.set(name, (this.#struck.get(name) ?? 0) + 1);
      return entry.options as FaultOptions<Name>;
    }
    return undefined;
  }

  /** A random part of a time. */
  within(ms: number): number {
    return Math.round(ms * this.#random());
  }

  /** A call, with what may befall one. Throws AnswerLost after it was carried out. */
  async around<Output>(
    call: {
      readonly service: ServiceName;
      readonly operation: string;
      readonly input: object;
      readonly caller: Caller;
    },
    work: () => Output | Promise<Output>,
  ): Promise<Output> {
    const { service, operation, input, caller } = call;
    if (this.#active.size === 0 || caller.principal === CONSOLE.principal) return work();
    const occasion: Occasion = { service, operation, resource: namesIn(input) };
    if (this.strike('throttled', occasion) !== undefined) throw throttling(service);
    if (this.strike('unavailable', occasion) !== undefined) throw unavailable(service);
    const slow = this.strike('slowCall', occasion);
    if (slow !== undefined) await pause(slow.beforeMs);
    const output = await work();
    if (slow !== undefined) await pause(slow.afterMs);
    if (this.strike('lostAnswer', occasion) !== undefined) throw new AnswerLost();
    return output;
  }

  /** What is on, what has struck, and what could be. */
  describe(): object {
    const active = [...this.#active].map(([name, entries]) => [name, entries.map(({ options }) => options)]);
    const available = Object.entries(FAULTS).map(([name, fault]) => [
      name,
      { about: fault.about, options: z.toJSONSchema(fault.options, { io: 'input' }).properties ?? {} },
    ]);
    return { active: Object.fromEntries(active), struck: this.struck, available: Object.fromEntries(available) };
  }

  #remove(name: FaultName, entry: Active): void {
    const left = (this.#active.get(name) ?? []).filter((each) => each !== entry);
    if (left.length === 0) this.#active.delete(name);
    else this.#active.set(name, left);
  }
}

function isMeant(options: Active['options'], occasion: Occasion): boolean {
  return Object.entries(occasion).every(([member, found]) => {
    const wanted = options[member];
    if (wanted === undefined) return true;
    // What is named by a word of AWS is that word; names of resources have parts that the deployment makes up.
    if (member === 'service' || member === 'operation' || member === 'detailType') return found === wanted;
    return [found].flat().some((text) => text.includes(String(wanted)));
  });
}

function parseEntry(name: string, value: unknown): { readonly name: FaultName; readonly entries: Active[] } {
  if (!isName(name)) {
    throw new FaultSettingError(`there is no fault "${name}"; there are: ${Object.keys(FAULTS).join(', ')}`);
  }
  if (value === null || value === false) return { name, entries: [] };
  const entries = [value].flat().map((entry: unknown): Active => {
    const parsed = FAULTS[name].options.safeParse(entry === true ? {} : entry);
    if (!parsed.success) throw new FaultSettingError(`fault "${name}": ${z.prettifyError(parsed.error)}`);
    return { options: parsed.data, occasions: 0, left: parsed.data.times ?? Number.POSITIVE_INFINITY };
  });
  return { name, entries };
}

function isName(name: string): name is FaultName {
  return name in FAULTS;
}
