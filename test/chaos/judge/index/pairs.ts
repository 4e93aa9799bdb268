/**
 * Pairs of a record and the rows that carried its id, each with its versions in order. A row belongs to the record whose id it
 * carries, whatever its key; before it carries one, to that whose id it gets first.
 */
import type { History, MappedObject, Version } from '../../history/history.ts';
import { id18 } from '../../history/normal-form.ts';

export interface Pair {
  readonly object: string;
  readonly salesforceId: string;
  readonly record: readonly Version[];
  /** A row that begins to carry another id leaves its pair: that is a delete here, by whoever did it. */
  readonly row: readonly Version[];
  /** The version with which the first row came to carry the id, and whether that row had been there, without it, before. */
  readonly joined: Version | undefined;
  /** A client, or what was there before the run, has made the record; the row. */
  readonly recordIsMade: boolean;
  readonly rowIsMade: boolean;
}

export interface Paired {
  readonly pairs: readonly Pair[];
  readonly byId: ReadonlyMap<string, Pair>;
  /** The last versions of rows that never carried an id. */
  readonly unpaired: readonly Version[];
  /** By object and key: when the row began to carry which id. */
  readonly ids: ReadonlyMap<string, readonly { readonly at: number; readonly id: string }[]>;
}

interface Draft {
  readonly object: string;
  readonly salesforceId: string;
  record: Version[];
  readonly row: Version[];
  joined: Version | undefined;
  rowIsMade: boolean;
}

/** One text for one thing of one object. */
export function nameOf(object: string, key: string): string {
  return `${object} ${key}`;
}

export function pairUp(history: History, mappingOf: (object: string) => MappedObject | undefined): Paired {
  const drafts = new Map<string, Draft>();
  const draftOf = (object: string, salesforceId: string): Draft => {
    const name = nameOf(object, salesforceId);
    const known = drafts.get(name);
    if (known !== undefined) return known;
    const made = { object, salesforceId, record: [], row: [], joined: undefined, rowIsMade: false };
    drafts.set(name, made);
    return made;
  };
  const records = timelines(history.versions, 'salesforce');
  for (const versions of records.values()) {
    const [{ object, key }] = versions as [Version];
    draftOf(object, id18(key)).record = versions;
  }
  const unpaired: Version[] = [];
  const goneBefore = goneBeforeTheyWerePaired([...drafts.values()], mappingOf);
  const ids = new Map<string, { at: number; id: string }[]>();
  for (const [name, versions] of timelines(history.versions, 'postgres')) {
    const carried: { at: number; id: string }[] = [];
    for (const life of lives(versions)) {
      if (goneBefore(life)) continue;
      const idOf = ({ object, values }: Version) => readId(values[mappingOf(object)?.idColumn ?? '']);
      assign(life, idOf, draftOf, carried, unpaired);
    }
    if (carried.length > 0) ids.set(name, carried);
  }
  const pairs = [...drafts.values()].map((draft) => ({
    ...draft,
    row: draft.row.sort((one, other) => one.at - other.at || one.sequence - other.sequence),
    recordIsMade: isMade(draft.record[0]),
  }));
  return { pairs, byId: new Map(pairs.map((pair) => [nameOf(pair.object, pair.salesforceId), pair])), unpaired, ids };
}

/**
 * A row that was deleted while its record was being made never carries an id: the record names it. Answers what gives such a row to its
 * record, and says whether there is one.
 */
function goneBeforeTheyWerePaired(
  drafts: readonly Draft[],
  mappingOf: (object: string) => MappedObject | undefined,
): (life: readonly Version[]) => boolean {
  const named = Map.groupBy(drafts, ({ object, record: [first] }) => {
    const key = first?.values[mappingOf(object)?.externalId ?? ''];
    const isOurs = first?.kind === 'create' && first.writer.by === 'sfsync';
    return isOurs && typeof key === 'string' ? nameOf(object, key) : '';
  });
  return (life) => {
    const [first, last] = [life[0], life.at(-1)];
    if (first === undefined || last?.kind !== 'delete') return false;
    const mapping = mappingOf(first.object);
    if (life.some(({ values }) => readId(values[mapping?.idColumn ?? '']) !== undefined)) return false;
    const made = named.get(nameOf(first.object, first.key)) ?? [];
    const draft = made.find(({ record, row }) => row.length === 0 && (record[0]?.at ?? 0) >= first.at);
    if (draft === undefined) return false;
    draft.row.push(...life);
    draft.rowIsMade ||= isMade(first);
    return true;
  };
}

/** Of a first version: not sfsync's. A history may begin with any kind of version, and says then nothing of who made the thing. */
function isMade(first: Version | undefined): boolean {
  return first !== undefined && (first.kind !== 'create' || first.writer.by !== 'sfsync');
}

function readId(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? id18(value.trim()) : undefined;
}

/** Versions of one side by object and key, in order; what a transaction had in between is left out. */
function timelines(versions: readonly Version[], side: Version['side']): Map<string, Version[]> {
  const found = new Map<string, Version[]>();
  for (const version of versions) {
    if (version.side !== side) continue;
    const name = nameOf(version.object, version.key);
    const known = found.get(name);
    if (known === undefined) found.set(name, [version]);
    else known.push(version);
  }
  for (const [name, each] of found) {
    each.sort((one, other) => one.sequence - other.sequence);
    found.set(name, visible(each));
  }
  return found;
}

function visible(versions: readonly Version[]): Version[] {
  const seen: Version[] = [];
  for (const version of versions) {
    const before = seen.at(-1);
    const isOneAct =
      before !== undefined &&
      before.kind !== 'delete' &&
      version.transaction !== undefined &&
      before.transaction === version.transaction &&
      // A trigger's write is not that of its cause.
      before.writer.by === version.writer.by;
    if (isOneAct && version.kind === 'update') seen[seen.length - 1] = { ...version, kind: before.kind };
    else if (isOneAct && version.kind === 'delete' && before.kind === 'create') seen.pop();
    else if (isOneAct && version.kind === 'delete') seen[seen.length - 1] = version;
    else seen.push(version);
  }
  return seen;
}

/** A row that is deleted and inserted again under its key is another row, unless it carries the same id. */
function lives(versions: readonly Version[]): Version[][] {
  const found: Version[][] = [];
  for (const version of versions) {
    const current = found.at(-1);
    if (current === undefined || current.at(-1)?.kind === 'delete') found.push([version]);
    else current.push(version);
  }
  return found;
}

function assign(
  life: readonly Version[],
  idOf: (version: Version) => string | undefined,
  draftOf: (object: string, id: string) => Draft,
  carried: { at: number; id: string }[],
  unpaired: Version[],
): void {
  let draft: Draft | undefined;
  let isFirst = true;
  let before: Version[] = [];
  for (const version of life) {
    const id = idOf(version);
    if (id === undefined && draft === undefined) {
      before.push(version);
      continue;
    }
    if (id !== undefined && id !== draft?.salesforceId) {
      draft?.row.push({ ...version, kind: 'delete' });
      draft = draftOf(version.object, id);
      draft.joined ??= version;
      draft.rowIsMade ||= isFirst && isMade(life[0]);
      draft.row.push(...before);
      carried.push({ at: version.at, id });
      before = [];
      isFirst = false;
    }
    draft?.row.push(version);
  }
  const last = before.at(-1);
  if (last !== undefined) unpaired.push(last);
}
