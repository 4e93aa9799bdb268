import { z } from 'zod';
import { parseId } from '../records/record-id.ts';
import { FAULTS, type FaultName, type FaultOptions } from './fault-catalogue.ts';

/** What a call or a row is, by which a fault decides whether it strikes. */
export interface Occasion {
  readonly kind?: string | undefined;
  readonly objects?: readonly string[] | undefined;
  readonly id?: string | undefined;
  readonly client?: string | undefined;
}

interface Active {
  readonly options: unknown;
  readonly scope: z.infer<typeof SCOPE>;
  remaining: number;
}

const SCOPE = z.object({
  object: z.string().optional(),
  ids: z.array(z.string()).optional(),
  kinds: z.array(z.string()).optional(),
  client: z.string().optional(),
  times: z.union([z.number(), z.literal('always')]).optional(),
});

/** A request to switch faults that cannot be followed; the message names what is possible. */
export class FaultSettingError extends Error {
  override readonly name = 'FaultSettingError' as const;
}

/** The faults that are switched on. */
export class Faults {
  readonly #active = new Map<FaultName, Active[]>();
  readonly #struck = new Map<FaultName, number>();
  readonly #listeners: (() => void)[] = [];

  /** Calls back after every switch. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Switches faults: each member names one, with its options, a list of options, or null/false to clear it. Throws
   * FaultSettingError, and switches nothing, when a name or an option is unknown.
   */
  set(request: unknown): void {
    if (typeof request !== 'object' || request === null || Array.isArray(request))
      throw new FaultSettingError('send a JSON object: {"<fault>": {options} | null}');
    const changes = Object.entries(request).map(([name, value]) => [name, parseEntry(name, value)] as const);
    for (const [name, entries] of changes) {
      if (entries.length === 0) this.#active.delete(name as FaultName);
      else this.#active.set(name as FaultName, entries);
    }
    for (const listener of this.#listeners) listener();
  }

  clear(): void {
    this.#active.clear();
    for (const listener of this.#listeners) listener();
  }

  /** The options of a fault that is meant for this occasion, without using it up. */
  all<Name extends FaultName>(name: Name, occasion?: Occasion): FaultOptions<Name>[] {
    return (this.#active.get(name) ?? [])
      .filter((entry) => occasion === undefined || matches(entry, occasion))
      .map((entry) => entry.options as FaultOptions<Name>);
  }

  isOn(name: FaultName): boolean {
    return this.#active.has(name);
  }

  /** Lets a fault strike: answers its options when it is meant for this occasion, and counts it. */
  strike<Name extends FaultName>(name: Name, occasion: Occasion): FaultOptions<Name> | undefined {
    const entries = this.#active.get(name) ?? [];
    const struck = entries.find((entry) => matches(entry, occasion));
    if (struck === undefined) return undefined;
    this.#struck.set(name, (this.#struck.get(name) ?? 0) + 1);
    struck.remaining--;
    if (struck.remaining <= 0) {
      const left = entries.filter((entry) => entry !== struck);
      if (left.length === 0) this.#active.delete(name);
      else this.#active.set(name, left);
    }
    return struck.options as FaultOptions<Name>;
  }

  /** What is on, how often each has struck since the org was started, and what could be. */
  describe(): object {
    const active = [...this.#active].map(([name, entries]) => [
      name,
      entries.map(({ options, remaining }) => ({
        ...(options as object),
        ...(Number.isFinite(remaining) ? { timesLeft: remaining } : {}),
      })),
    ]);
    const available = Object.entries(FAULTS).map(([name, fault]) => [
      name,
      { about: fault.about, options: z.toJSONSchema(fault.options, { io: 'input' }).properties ?? {} },
    ]);
    const struck = Object.fromEntries(this.#struck);
    return { active: Object.fromEntries(active), struck, available: Object.fromEntries(available) };
  }
}

function matches({ scope }: Active, occasion: Occasion): boolean {
  const { object, ids, kinds, client } = scope;
  if (object !== undefined && !(occasion.objects ?? []).some((o) => o.toLowerCase() === object.toLowerCase()))
    return false;
  if (ids !== undefined && !ids.some((id) => parseId(id) === occasion.id)) return false;
  if (kinds !== undefined && !kinds.includes(occasion.kind ?? '')) return false;
  return client === undefined || client === occasion.client;
}

function parseEntry(name: string, value: unknown): Active[] {
  if (!(name in FAULTS))
    throw new FaultSettingError(`there is no fault "${name}"; there are: ${Object.keys(FAULTS).join(', ')}`);
  if (value === null || value === false) return [];
  const fault = FAULTS[name as FaultName];
  return (Array.isArray(value) ? value : [value]).map((entry: unknown) => {
    const parsed = fault.options.safeParse(entry === true ? {} : entry);
    if (!parsed.success) throw new FaultSettingError(`fault "${name}": ${z.prettifyError(parsed.error)}`);
    const scope = SCOPE.parse(parsed.data);
    const times = scope.times ?? (fault.once ? 1 : 'always');
    return { options: parsed.data, scope, remaining: times === 'always' ? Number.POSITIVE_INFINITY : times };
  });
}
