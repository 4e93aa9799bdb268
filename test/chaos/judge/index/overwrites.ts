/**
 * Every write of sfsync that put one event in the place of another, and whether it may: what was there was known to the maker of
 * what came, or it is in the conflict log, or a limit that is documented covers it.
 */
import type { ListedConflict, Push } from '../../history/history.ts';
import type { Normal } from '../../history/normal-form.ts';
import type { Excuse, Violation } from '../finding.ts';
import type { Event, FieldHistory, Write } from './field-history.ts';
import type { IndexedHistory } from './indexed-history.ts';
import { nameOf, type Pair } from './pairs.ts';

export type Judgement =
  /** In order: `logged` both values are in the conflict log. */
  | { readonly is: 'fine' | 'logged' }
  | { readonly is: 'excused'; readonly excuse: Excuse }
  | { readonly is: 'older value back' | 'unlogged loser' };

export interface Overwrite {
  readonly of: FieldHistory;
  readonly write: Write;
  readonly lost: Event;
  readonly judgement: Judgement;
}

/** What a rule has to say of one that may not be. */
export function violationOf(rule: string, { of, write, lost }: Overwrite, says: string): Violation {
  const { side, key } = write.version;
  const source = write.sources[0]?.version;
  return {
    rule,
    object: of.pair.object,
    salesforceId: of.pair.salesforceId,
    rowKey: side === 'postgres' ? key : of.pair.row.at(-1)?.key,
    field: of.field.field,
    says: `In ${side} sfsync ${says}.`,
    versions: [...(source === undefined ? [] : [source]), lost.version, write.version],
  };
}

const memo = new WeakMap<IndexedHistory, readonly Overwrite[]>();

export function overwrites(history: IndexedHistory): readonly Overwrite[] {
  const known = memo.get(history);
  if (known !== undefined) return known;
  const found = history.pairs.flatMap((pair) => history.fields(pair).flatMap((of) => ofField(history, of)));
  memo.set(history, found);
  return found;
}

function ofField(history: IndexedHistory, of: FieldHistory): Overwrite[] {
  return [of.salesforce, of.postgres].flatMap(({ writes }) =>
    writes.flatMap((write) => {
      const { bySync, before: lost, sources } = write;
      if (!bySync || lost === undefined || sources.length === 0) return [];
      return [{ of, write, lost, judgement: judged(history, of, write, lost) }];
    }),
  );
}

function judged(history: IndexedHistory, of: FieldHistory, write: Write, lost: Event): Judgement {
  const { version, sources, mayBefore } = write;
  const { side } = version;
  const isOwn = lost.side === side;
  const owner = of.field.direction === 'to-postgres' ? 'salesforce' : 'postgres';
  if (isOwn && of.field.direction !== 'both' && side !== owner)
    return lost.by === 'client' ? excused('owned by the other side') : { is: 'fine' };
  // Another rule has judged how it came to be there.
  if (lost.by === 'unexplained') return { is: 'fine' };
  if (isOwn && isGivenUp(lost, write)) return excused('discarded by its own side');
  if (side === 'postgres' && write.value === null && isWaiting(history, of, write)) return excused('waiting');
  if (side === 'postgres' && write.beforeValue === null && hasWaited(history, of, write)) return excused('waiting');
  if (sources.every((source) => mayBefore.every((each) => precedes(source, each))))
    return asOlder(history, of, write, lost, sources);
  const isKnown = sources.some((source) => mayBefore.some((each) => each.side === side && mayKnow(source, each)));
  if (!isOwn || isKnown) return { is: 'fine' };
  if (isLogged(history, of, lost)) return { is: 'logged' };
  const excuse = excuseOf(history, of, write, lost);
  return excuse === undefined ? { is: 'unlogged loser' } : excused(excuse);
}

function asOlder(
  history: IndexedHistory,
  of: FieldHistory,
  write: Write,
  lost: Event,
  sources: readonly Event[],
): Judgement {
  if (lost.side === 'salesforce' && isInWindow(history, of, write, lost)) return excused('window');
  // A record that was deleted while its row was edited is revived as the row has it; what it had is listed as a whole.
  if (lost.side === 'salesforce' && write.version.side === 'salesforce' && isGoneWithRecord(history, of, lost))
    return { is: 'logged' };
  if (lost.by !== 'client' && isParentBack(history, of, write, lost)) return excused('consequence');
  // A lookup that went with its parent, and came back with it, while a push carried it: what a file had shown is put back, and listed.
  if (lost.by === 'consequence' && isSeenDuringPush(history, of)) return { is: 'logged' };
  // What a file had shown came back into the row, and counts as the row's against what users write next: their policy decides, and both are listed.
  if (isRestored(history, of, write) && isLogged(history, of, lost)) return { is: 'logged' };
  if (isLogged(history, of, lost) && isOfUnknownOutcome(history, of, lost, sources)) return excused('unknown outcome');
  return { is: 'older value back' };
}

function excuseOf(history: IndexedHistory, of: FieldHistory, write: Write, lost: Event): Excuse | undefined {
  if (write.version.side === 'salesforce' && isInWindow(history, of, write, lost)) return 'window';
  if (isThereAndBack(of, lost)) return 'there and back';
  if (isSameEdit(of, write, lost)) return 'same edit';
  if (isBeforePair(of.pair, lost)) return 'first merge';
  if (isJoining(history, of, lost)) return 'joining';
  if (lost.by !== 'client') return 'consequence';
  return undefined;
}

function excused(excuse: Excuse): Judgement {
  return { is: 'excused', excuse };
}

/** Why a conflict is listed that a file has shown. */
export const SEEN = 'edited during our push';

/** Certainly: the one was there when the other was made. */
export function precedes(one: Event, other: Event): boolean {
  return one.side === other.side ? one.index < other.index : one.index <= other.knows.least;
}

export function mayKnow(maker: Event, other: Event): boolean {
  return maker.side === other.side ? other.index <= maker.index : other.index <= maker.knows.most;
}

/** The side itself deleted the record or row between the event and this write. */
function isGivenUp({ discardedAt }: Event, { position }: Write): boolean {
  return discardedAt !== undefined && discardedAt < position;
}

/** The person's write was committed after the look that decided the push, and the push landed while it was open. */
export function isInWindow(history: IndexedHistory, of: FieldHistory, write: Write, lost: Event): boolean {
  const push: Push | undefined = history.openPush(write.version, of.field);
  return push !== undefined && push.lookedAt <= history.committedBy(lost.version);
}

/** What the log has, before or after: an entry is written when the difference is found. */
export function isLogged(history: IndexedHistory, of: FieldHistory, { value }: Event): boolean {
  return history.conflictsOf(of.pair).some((conflict) => holds(history, of, conflict, value));
}

function holds(history: IndexedHistory, { field }: FieldHistory, conflict: ListedConflict, value: Normal): boolean {
  const { at, salesforceValue, postgresValue } = conflict;
  if (conflict.field === field.field) {
    return [salesforceValue, postgresValue].some((each) => history.normal(field, each, 'salesforce', at) === value);
  }
  if (conflict.field !== null) return false;
  return [salesforceValue, postgresValue].some((each) => {
    const fields = isWholeRecord(each) ? each.fields : {};
    return field.field in fields && history.normal(field, fields[field.field], 'salesforce', at) === value;
  });
}

function isSeenDuringPush(history: IndexedHistory, { pair, field }: FieldHistory): boolean {
  const { type, field: name } = field;
  const seen = history.conflictsOf(pair).filter(({ reason, field: of }) => reason === SEEN && of === name);
  return type === 'reference' && seen.some(({ winner }) => winner === 'salesforce');
}

function isRestored(history: IndexedHistory, of: FieldHistory, { value }: Write): boolean {
  return history.conflictsOf(of.pair).some((conflict) => {
    const { field, reason, winner, salesforceValue, at } = conflict;
    const isOf = field === of.field.field && reason === SEEN && winner === 'salesforce';
    return isOf && history.normal(of.field, salesforceValue, 'salesforce', at) === value;
  });
}

function isGoneWithRecord(history: IndexedHistory, of: FieldHistory, { value }: Event): boolean {
  return history.conflictsOf(of.pair).some((conflict) => {
    const isRevived = conflict.field === null && conflict.winner === 'postgres';
    return isRevived && holds(history, of, { ...conflict, postgresValue: null }, value);
  });
}

function isWholeRecord(value: unknown): value is { readonly fields: Readonly<Record<string, unknown>> } {
  return typeof value === 'object' && value !== null && 'fields' in value;
}

/** What came was sent once before with an answer that a fault may have lost: then it is logged, though it was a sequence. */
function isOfUnknownOutcome(
  history: IndexedHistory,
  of: FieldHistory,
  lost: Event,
  sources: readonly Event[],
): boolean {
  return history.pushesOf(of.pair).some((push) => {
    const { sentAt, closedAt = Number.POSITIVE_INFINITY } = push;
    const sent = history.sent(push, of.field);
    const isOfSource = sources.some(({ value }) => value === sent);
    return isOfSource && sentAt <= history.committedBy(lost.version) && history.faultsIn(sentAt, closedAt).length > 0;
  });
}

/** The side had this value before, and all that lay between was its own, and was never on the other side: nobody has seen it. */
export function isThereAndBack(of: FieldHistory, { side, value, version }: Event): boolean {
  const other = side === 'salesforce' ? of.postgres : of.salesforce;
  const { writes } = of[side];
  for (let place = writes.findIndex((write) => write.version === version); place > 0; place--) {
    const before = writes[place - 1] as Write;
    if (before.value === value) return true;
    if (before.bySync || other.writes.some((write) => write.after === before.after)) return false;
  }
  return false;
}

/** Both sides had made the same edit, which makes them agree; what came is an edit of that, and its maker knew the one of his own side. */
function isSameEdit(of: FieldHistory, { sources }: Write, { side, value, knows }: Event): boolean {
  const other = side === 'salesforce' ? of.postgres : of.salesforce;
  return other.events.some((event) => {
    // One that had come over before was edited again by whoever made the lost one.
    const isNew = event.value === value && event.index > knows.least;
    return isNew && sources.some((source) => source !== event && precedes(event, source));
  });
}

/** Record and row were each made by themselves, and linked later: what they had then is merged without a base. */
function isBeforePair({ recordIsMade, rowIsMade, joined, record, row }: Pair, { version }: Event): boolean {
  if (!recordIsMade || !rowIsMade || joined === undefined) return false;
  const touched = [...record, ...row].filter(({ writer, at }) => writer.by === 'sfsync' && at >= joined.at);
  // Whoever inserts a row with an id has linked it; what was there before the run was linked then.
  const merged = joined.writer.by === 'client' ? Math.min(...touched.map(({ at }) => at)) : joined.at;
  return version.at <= merged;
}

/** What was empty when its field came into the mapping is no edit. */
function isJoining(history: IndexedHistory, of: FieldHistory, { value, version, by }: Event): boolean {
  const joined = history.fieldsOf(of.pair.object).find(({ field }) => field === of.field)?.joined ?? [];
  const isBlank = value === null || value === 'false' || by !== 'client';
  return isBlank && joined.some((at) => version.at <= at);
}

/** The parent's row is not there: the child waits, with nothing in its column. */
export function isWaiting(history: IndexedHistory, of: FieldHistory, { version, beforeValue }: Write): boolean {
  const { type, parent } = of.field;
  if (type !== 'reference' || parent === undefined) return false;
  const shown = of.salesforce.events.filter(({ version: { at } }) => at <= version.at).slice(-2);
  const parents = [beforeValue, ...shown.map(({ value }) => value)];
  return parents.some((id) => typeof id === 'string' && isAway(history, parent, id, version.at));
}

/** What was there was no null of the record: sfsync had made the row while its parent had none. */
function hasWaited(history: IndexedHistory, of: FieldHistory, write: Write): boolean {
  const made = of.postgres.writes[of.postgres.writes.indexOf(write) - 1];
  return made?.bySync === true && made.version.kind === 'create' && isWaiting(history, of, made);
}

/**
 * A lookup that a delete of the parent had emptied names the parent again, for somebody has undeleted that: so it is where the child
 * itself was deleted, which Salesforce then leaves alone.
 */
function isParentBack(history: IndexedHistory, of: FieldHistory, { value, version }: Write, lost: Event): boolean {
  const { parent } = of.field;
  if (parent === undefined || typeof value !== 'string') return false;
  const record = history.paired.byId.get(nameOf(parent, value))?.record ?? [];
  return record.some(({ kind, at }) => kind === 'undelete' && at >= lost.version.at && at <= version.at);
}

export function isAway(history: IndexedHistory, object: string, id: string, at: number): boolean {
  const row = history.paired.byId.get(nameOf(object, id))?.row ?? [];
  // The parent may land, or go for a moment, while its child is being written.
  const [from, until] = [at - SAME_TIME_MS, at + SAME_TIME_MS];
  const states = [row.findLast((each) => each.at <= from), ...row.filter((each) => each.at > from && each.at <= until)];
  return states.some((each) => each === undefined || each.kind === 'delete');
}

const SAME_TIME_MS = 2_000;
