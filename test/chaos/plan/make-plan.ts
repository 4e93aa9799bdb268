/** From a seed to a plan. Each part draws from a sequence of its own: more faults do not make other operations. */
import { KINDS } from './kinds.ts';
import { OPTIONAL_FIELDS, objectsWith } from './objects.ts';
import { People } from './people.ts';
import type { Plan, PlannedFault, PlannedMapping, PlannedOperation } from './plan.ts';
import { Random } from './random.ts';
import { type Drawn, family, type Situation } from './situation.ts';

/** Of a fault, what a plan has to know. */
export interface PlannableFault {
  readonly name: string;
  readonly lasts: readonly [number, number];
  readonly excludes: readonly string[];
  readonly weight?: number;
}

export interface PlanOptions {
  /** Clients' operations, those that make the first records included. */
  readonly operations: number;
  readonly lengthMs: number;
  readonly faults: readonly PlannableFault[];
  readonly faultCount: number;
  /** Rows of a bulk edit; 0: there is none. */
  readonly herd: number;
  readonly mappingChanges: number;
  /** Kinds of operations that are chosen more often. @default none */
  readonly favours?: readonly string[];
}

/** The first records are made until then; the run waits for them on both sides, and everything else comes after. */
export const BIRTHS_MS = 500;
const AFTER_BIRTHS_MS = 600;
/** A kind that is favoured comes as often as a common one. */
const FAVOURED_WEIGHT = 20;
/** Each is of one of the objects that have herds. */
const DRAWS_OF_HERDS = 4;

export function makePlan(seed: number, options: PlanOptions): Plan {
  const random = new Random(seed);
  const optional = OPTIONAL_FIELDS.map(({ object, field }) => `${object}.${field.field}`);
  const mappings = mappingChanges(random.of('mapping'), options, optional);
  return {
    seed,
    fields: mappings.first,
    operations: operations(seed, random.of('operations'), options),
    faults: faults(random.of('faults'), options),
    mappingChanges: mappings.changes,
  };
}

function operations(
  seed: number,
  random: Random,
  { operations: count, lengthMs, herd, favours = [] }: PlanOptions,
): PlannedOperation[] {
  let drawnSoFar = 0;
  let tags = 0;
  const people = new People();
  const situation: Situation = {
    random,
    people,
    tag: () => `${seed}-${drawnSoFar + 1}-${++tags}`,
    herd,
    objects: objectsWith(OPTIONAL_FIELDS.map(({ object, field }) => `${object}.${field.field}`)),
  };
  const planned: Omit<PlannedOperation, 'number'>[] = [];
  const take = (kind: string, at: number, drawn: readonly Drawn[]) => {
    for (const { laterMs = 0, ...one } of drawn) planned.push({ at: Math.round(at + laterMs), kind, ...one });
    drawnSoFar = planned.length;
  };
  const families = Math.max(2, Math.min(12, Math.round(count / 25)));
  for (let i = 0; i < families; i++) {
    const side = i % 2 === 0 ? 'salesforce' : 'postgres';
    const kind = side === 'salesforce' ? 'family in Salesforce' : 'family in PostgreSQL';
    take(kind, (BIRTHS_MS * i) / (families + 1), [family(side, situation, 3)]);
  }
  // What many rows are about has to be there on both sides: on a busy machine hundreds of new ones take longer than a short seed.
  for (const kind of favours.filter((each) => /^bulk/.test(each))) {
    for (let i = 0; i < DRAWS_OF_HERDS; i++) {
      const herds = KINDS[kind]?.[0](situation)?.filter(({ act }) => act.does === 'bulk create') ?? [];
      if (herds.length > 0) take(kind, BIRTHS_MS - 1, herds);
    }
  }
  const choices = Object.entries(KINDS).map(
    ([kind, [draw, weight]]) => [{ kind, draw }, favours.includes(kind) ? weight + FAVOURED_WEIGHT : weight] as const,
  );
  while (planned.length < count) {
    const at = AFTER_BIRTHS_MS + ((lengthMs - AFTER_BIRTHS_MS) * planned.length) / count;
    const { kind, draw } = random.weighted(choices);
    const drawn = draw(situation);
    if (drawn !== undefined) take(kind, at + random.integer(-40, 40), drawn);
  }
  return planned.sort((one, other) => one.at - other.at).map((each, i) => ({ number: i + 1, ...each }));
}

/** As many as wanted, spread over the run; where one excludes another that is in force, it comes later or not at all. */
function faults(random: Random, { faults: known, faultCount, lengthMs }: PlanOptions): PlannedFault[] {
  if (known.length === 0) return [];
  const planned: (PlannedFault & { readonly excludes: readonly string[] })[] = [];
  for (let i = 0; i < faultCount; i++) {
    const at = Math.round((lengthMs * (i + random.next())) / faultCount);
    const busy = new Set(
      planned.filter((each) => each.at + each.lastsMs + 500 > at).flatMap(({ excludes }) => excludes),
    );
    const free = known.filter(({ excludes }) => !excludes.some((each) => busy.has(each)));
    if (free.length === 0) continue;
    const { name, lasts, excludes } = random.weighted(free.map((fault) => [fault, fault.weight ?? 1] as const));
    planned.push({ number: i + 1, name, at, lastsMs: random.integer(...lasts), excludes });
  }
  return planned.map(({ excludes: _, ...fault }) => fault);
}

function mappingChanges(
  random: Random,
  { mappingChanges: count, lengthMs }: PlanOptions,
  optional: readonly string[],
): { readonly first: readonly string[]; readonly changes: readonly PlannedMapping[] } {
  if (count === 0) return { first: [], changes: [] };
  const some = () => random.some(optional, random.integer(0, optional.length)).sort();
  const first = some();
  const changes: PlannedMapping[] = [];
  for (let i = 0; i < count; i++) {
    const before = changes.at(-1)?.fields ?? first;
    let fields = some();
    while (fields.join() === before.join()) fields = some();
    changes.push({ at: Math.round((lengthMs * (i + 0.3 + random.next() * 0.5)) / count), fields });
  }
  return { first, changes };
}
