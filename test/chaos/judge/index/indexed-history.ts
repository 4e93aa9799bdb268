/** A history, looked up: made once, asked by all rules. */
import type {
  End,
  FaultRun,
  History,
  Link,
  ListedConflict,
  ListedReject,
  MappedField,
  MappedObject,
  Operation,
  Push,
  Value,
  Version,
} from '../../history/history.ts';
import { id18, meant, type Normal, normalForm } from '../../history/normal-form.ts';
import { type FieldHistory, fieldHistory, type Surroundings } from './field-history.ts';
import { nameOf, type Pair, type Paired, pairUp } from './pairs.ts';

type EndRecord = End['records'][number];
type EndRow = End['rows'][number];

/** A field with the times at which it was in the mapping. */
export interface FieldInMapping {
  readonly field: MappedField;
  /** When it came into the mapping, or back; not the beginning of the run. */
  readonly joined: readonly number[];
  readonly isMappedAtEnd: boolean;
}

/** As the plan names the operation. */
const TABLE_SWAP = 'table swap';
/** How far apart two clocks of one machine may note one moment. */
const SLACK_MS = 100;
/** From the write of a client's transaction to its commit, unless something holds commits back. */
const LONGEST_COMMIT_MS = 2_000;

export class IndexedHistory implements Surroundings {
  readonly history: History;
  readonly pairs: readonly Pair[];
  readonly paired: Paired;
  readonly operations: ReadonlyMap<number, Operation>;
  /** By object, as the mapping was last. */
  readonly objects: ReadonlyMap<string, MappedObject>;
  readonly links: ReadonlyMap<string, Link>;
  readonly endRecords: ReadonlyMap<string, EndRecord>;
  /** Live rows by the id that they carry. */
  readonly endRows: ReadonlyMap<string, readonly EndRow[]>;
  readonly rejects: readonly ListedReject[];
  readonly #conflicts: ReadonlyMap<string, readonly ListedConflict[]>;
  readonly #pushes: ReadonlyMap<string, readonly Push[]>;
  readonly #rejects: ReadonlyMap<string, readonly ListedReject[]>;
  /** Records that were merged away, with those that took the place: one that is undeleted may be merged again. */
  readonly #merged: ReadonlyMap<string, readonly string[]>;
  readonly #fields: ReadonlyMap<string, readonly FieldInMapping[]>;
  /** Faults, and what is like one: sfsync has no rights on a new table before it is prepared. */
  readonly #disturbances: readonly FaultRun[];
  readonly #histories = new Map<Pair, readonly FieldHistory[]>();

  constructor(history: History) {
    const { epochs, operations, pushes, end } = history;
    this.history = history;
    const merges = history.versions.filter(({ mergedInto }) => mergedInto !== undefined && mergedInto !== null);
    const groups = [...Map.groupBy(merges, ({ key }) => id18(key))];
    this.#merged = new Map(groups.map(([id, all]) => [id, all.map(({ mergedInto = '' }) => id18(mergedInto))]));
    this.objects = new Map(epochs.flatMap(({ objects }) => objects.map((each) => [each.object, each] as const)));
    this.#fields = fieldsInMapping(history);
    const swaps = operations.filter(({ kind }) => kind === TABLE_SWAP);
    this.#disturbances = [
      ...history.faults,
      ...swaps.map((each) => ({ ...each, name: each.kind, detail: each.object })),
    ];
    this.operations = new Map(operations.map((operation) => [operation.number, operation]));
    this.paired = pairUp(history, (object) => this.objects.get(object));
    this.pairs = this.paired.pairs;
    this.links = new Map(end.links.map((link) => [nameOf(link.object, id18(link.salesforceId)), link]));
    this.endRecords = new Map(end.records.map((record) => [nameOf(record.object, id18(record.id)), record]));
    this.endRows = grouped(end.rows, (row) => this.#nameOfRow(row));
    this.rejects = end.rejects;
    this.#conflicts = grouped(end.conflicts, namesOf);
    this.#rejects = grouped(end.rejects, namesOf);
    this.#pushes = grouped(pushes, ({ object, salesforceId }) => [nameOf(object, id18(salesforceId))]);
  }

  #nameOfRow({ object, values }: EndRow): string[] {
    const id = values[this.objects.get(object)?.idColumn ?? ''];
    return typeof id === 'string' && id !== '' ? [nameOf(object, id18(id))] : [];
  }

  fieldsOf(object: string): readonly FieldInMapping[] {
    return this.#fields.get(object) ?? [];
  }

  /** Histories of the pair's fields. One that has left the mapping for good is nobody's: what was on its way then is not waited for. */
  fields(pair: Pair): readonly FieldHistory[] {
    const known = this.#histories.get(pair);
    if (known !== undefined) return known;
    const mapped = this.fieldsOf(pair.object).filter(({ isMappedAtEnd }) => isMappedAtEnd);
    const made = mapped.map(({ field }) => fieldHistory(pair, field, this));
    this.#histories.set(pair, made);
    return made;
  }

  read(version: Version, field: MappedField): Normal | undefined {
    const { side, values, at } = version;
    const value = values[side === 'salesforce' ? field.field : field.column];
    return value === undefined ? undefined : this.normal(field, value, side, at);
  }

  /** A lookup is compared as the parent's id; that of a parent that never had one as its key. */
  normal(field: MappedField, value: unknown, side: Version['side'], at: number): Normal {
    const { parent, type } = field;
    if (type !== 'reference' || parent === undefined || value === null)
      return normalForm(field, side === 'postgres' ? meant(field, value) : value);
    if (typeof value === 'object' && 'unlinked' in value) return this.#parentId(parent, String(value.unlinked), at);
    const text = String(value).trim();
    if (text === '') return null;
    return side === 'salesforce' ? id18(text) : this.#parentId(parent, text, at);
  }

  #parentId(parent: string, key: string, at: number): string {
    const carried = this.paired.ids.get(nameOf(parent, key));
    return (carried?.findLast((each) => each.at <= at) ?? carried?.[0])?.id ?? `row ${key}`;
  }

  conflictsOf({ object, salesforceId, row }: Pair): readonly ListedConflict[] {
    return this.#listed(this.#conflicts, object, salesforceId, row);
  }

  rejectsOf({ object, salesforceId, row }: Pair): readonly ListedReject[] {
    return this.#listed(this.#rejects, object, salesforceId, row);
  }

  #listed<T>(lists: ReadonlyMap<string, readonly T[]>, object: string, id: string, row: readonly Version[]): T[] {
    const names = [nameOf(object, id), ...new Set(row.map(({ key }) => nameOf(object, key)))];
    return names.flatMap((name) => lists.get(name) ?? []);
  }

  pushesOf({ object, salesforceId }: { readonly object: string; readonly salesforceId: string }): readonly Push[] {
    return this.#pushes.get(nameOf(object, id18(salesforceId))) ?? [];
  }

  /** The push that was open when sfsync wrote this version of a record, and that carried the field. */
  openPush({ object, key, at }: Version, { field }: MappedField): Push | undefined {
    return this.pushesOf({ object, salesforceId: key }).findLast(
      ({ sent, sentAt, closedAt = Number.POSITIVE_INFINITY }) =>
        field in sent && sentAt <= at + SLACK_MS && at <= closedAt + SLACK_MS,
    );
  }

  sent({ sent, sentAt }: Push, field: MappedField): Normal | undefined {
    const value: Value | undefined = sent[field.field];
    return value === undefined ? undefined : this.normal(field, value, 'salesforce', sentAt);
  }

  /** By when a write is certainly committed; it is not before `at`, though an org whose commits are held back has answered before. */
  committedBy({ at, writer }: Version): number {
    const answered = writer.by === 'client' ? (this.operations.get(writer.operation)?.ended ?? at) : at;
    const ended = Math.max(answered, at);
    const isHeldBack = this.faultsIn(at, ended).some(({ name }) => /commit|visib/i.test(name));
    return isHeldBack ? ended : Math.min(ended, at + LONGEST_COMMIT_MS);
  }

  /** What the field's policy was at that time; both, where it changed just then. */
  policiesAround(object: string, field: string, at: number): readonly MappedField['policy'][] {
    const { epochs } = this.history;
    return epochs
      .filter(({ from }, place) => from <= at && (epochs[place + 1]?.from ?? Number.POSITIVE_INFINITY) >= at - 60_000)
      .flatMap(({ objects }) => objects.filter((each) => each.object === object))
      .flatMap(({ fields }) => fields.filter((each) => each.field === field).map(({ policy }) => policy));
  }

  faultsIn(from: number, until: number): readonly FaultRun[] {
    return this.#disturbances.filter(({ begun, ended }) => begun <= until && ended >= from);
  }

  isOwnDoing(version: Version, field: MappedField, before: Normal | undefined, value: Normal): boolean {
    const isLookup = field.type === 'reference';
    if (version.side === 'postgres') {
      // Children of a record that was merged away go to the one that took its place.
      return isLookup && typeof before === 'string' && value !== null && this.#survivorsOf(before).has(value);
    }
    // With a stage that is written Salesforce sets the probability: what is never sent is its own doing.
    const isEmpty = version.kind === 'create' && value === null;
    if (field.direction === 'to-postgres') return !isEmpty && this.openPush(version, field) === undefined;
    // A record that comes out of the recycle bin has let go of parents that are gone.
    return isLookup && version.kind === 'undelete' && value === null;
  }

  /** Whatever has taken the place at some time: a survivor may be merged away later. */
  #survivorsOf(id: string, known = new Set<string>()): ReadonlySet<string> {
    for (const into of this.#merged.get(id) ?? []) {
      if (known.has(into)) continue;
      known.add(into);
      this.#survivorsOf(into, known);
    }
    return known;
  }

  isRewritten({ object, at, side }: Version, field: MappedField): boolean {
    const name = side === 'salesforce' ? field.field : field.column;
    return this.faultsIn(at, at).some(
      (fault) => /trigger|rewrit/i.test(fault.name) && fault.detail.includes(`${object}.${name}`),
    );
  }
}

function grouped<T>(all: readonly T[], namesOf: (one: T) => readonly string[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    for (const name of namesOf(one)) {
      const group = groups.get(name);
      if (group === undefined) groups.set(name, [one]);
      else group.push(one);
    }
  }
  return groups;
}

/** By its record, and only where it has none by its row. */
function namesOf({ object, salesforceId, rowKey }: ListedConflict | ListedReject): string[] {
  if (salesforceId !== null && salesforceId !== '') return [nameOf(object, id18(salesforceId))];
  return rowKey === null ? [] : [nameOf(object, rowKey)];
}

function fieldsInMapping({ epochs }: History): Map<string, FieldInMapping[]> {
  const found = new Map<string, Map<string, FieldInMapping>>();
  for (const [place, { from, objects }] of epochs.entries()) {
    for (const { object, fields } of objects) {
      const known = found.get(object) ?? new Map<string, FieldInMapping>();
      found.set(object, known);
      for (const field of fields) {
        const name = fieldName(field);
        const before = known.get(name);
        const isNew = place > 0 && !isMapped(epochs[place - 1]?.objects, object, name);
        const joined = [...(before?.joined ?? []), ...(isNew ? [from] : [])];
        known.set(name, { field, joined, isMappedAtEnd: isMapped(epochs.at(-1)?.objects, object, name) });
      }
    }
  }
  return new Map([...found].map(([object, fields]) => [object, [...fields.values()]]));
}

/** A field with another column or type is another field. */
function fieldName({ field, column, type }: MappedField): string {
  return `${field} ${column} ${type}`;
}

function isMapped(objects: readonly MappedObject[] | undefined, object: string, name: string): boolean {
  return objects?.find((each) => each.object === object)?.fields.some((each) => fieldName(each) === name) ?? false;
}
