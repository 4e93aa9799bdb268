/**
 * What happened to one field of one pair, on both sides.
 *
 * An *event* is a value that came into being on a side: a client wrote it, or it followed from a write there. What sfsync writes is no
 * event but a copy of one. An event *knows* an event of the other side when the value of that one had been on its own side before; all
 * events of a side are ordered, so what is known is a number. Where a value was written more than once (a checkbox), it cannot be told
 * which of the events a copy is of: then what is surely known (`least`) and what may be known (`most`) differ, and a rule takes whichever
 * accuses nobody.
 */
import type { MappedField, Push, Side, Version } from '../../history/history.ts';
import type { Normal } from '../../history/normal-form.ts';
import { otherSide } from '../finding.ts';
import type { Pair } from './pairs.ts';

export interface Known {
  readonly least: number;
  readonly most: number;
}

export interface Event {
  readonly side: Side;
  /** Counts from 1 on its side. */
  readonly index: number;
  readonly value: Normal;
  readonly version: Version;
  readonly by: 'client' | 'consequence' | 'filled' | 'rewritten' | 'unexplained';
  /** Of the other side's events. */
  readonly knows: Known;
  /** Position of the version with which its own side deleted the record or row, and so gave up what was in it. */
  discardedAt: number | undefined;
}

/** A version that changed the field on its side. */
export interface Write {
  readonly version: Version;
  /** In the order of the versions of its side. */
  readonly position: number;
  readonly bySync: boolean;
  /** What was there; undefined: nothing is known of it. */
  readonly before: Event | undefined;
  /** All that `before` may be: more than one where its value was written more than once. */
  readonly mayBefore: readonly Event[];
  readonly beforeValue: Normal | undefined;
  readonly after: Event;
  readonly value: Normal;
  /** Events that a copy may be of; the newest first. Empty: no copy. */
  readonly sources: readonly Event[];
  /** What has been on this side of the other side's events, now that this is written. */
  readonly known: Known;
}

export interface SideHistory {
  readonly events: readonly Event[];
  readonly writes: readonly Write[];
}

export interface FieldHistory {
  readonly pair: Pair;
  readonly field: MappedField;
  readonly salesforce: SideHistory;
  readonly postgres: SideHistory;
}

/** What the field's history needs of the rest of the history. */
export interface Surroundings {
  /** undefined: the version says nothing of the field. */
  read(version: Version, field: MappedField): Normal | undefined;
  /** A push of the field that was open when the version was written. */
  openPush(version: Version, field: MappedField): Push | undefined;
  sent(push: Push, field: MappedField): Normal | undefined;
  /** What the side itself made of the field in a write of sfsync that was about something else. */
  isOwnDoing(version: Version, field: MappedField, before: Normal | undefined, value: Normal): boolean;
  /** A trigger of the application, or of the org, that rewrites the field was there. */
  isRewritten(version: Version, field: MappedField): boolean;
}

class Draft {
  readonly events: Event[] = [];
  readonly writes: Write[] = [];
  readonly byValue = new Map<Normal, Event[]>();
  value: Normal | undefined;
  holder: Event | undefined;
  /** All that it may be; the newest first. */
  holders: readonly Event[] = [];
  least = 0;
  most = 0;
  readonly side: Side;

  constructor(side: Side) {
    this.side = side;
  }

  add(event: Event): void {
    this.events.push(event);
    const same = this.byValue.get(event.value);
    if (same === undefined) this.byValue.set(event.value, [event]);
    else same.push(event);
  }

  learn({ least, most }: Known): void {
    this.least = Math.max(this.least, least);
    this.most = Math.max(this.most, most);
  }
}

export function fieldHistory(pair: Pair, field: MappedField, around: Surroundings): FieldHistory {
  const drafts = { salesforce: new Draft('salesforce'), postgres: new Draft('postgres') };
  for (const { version, position } of inOrder(pair)) {
    const mine = drafts[version.side];
    if (version.kind === 'delete') {
      if (version.writer.by !== 'sfsync') for (const event of mine.events) event.discardedAt ??= position;
      continue;
    }
    const value = around.read(version, field);
    if (value === undefined) continue;
    if (value !== mine.value || mine.holder === undefined)
      write(mine, drafts[otherSide(version.side)], { version, position, value }, field, around);
    // What comes back is given up no more. A record that sfsync revives gets the row's values at once; a row that it makes may wait
    // for a parent with nothing in its column.
    const waits = version.writer.by === 'sfsync' && field.parent !== undefined && value === null;
    const isBack = version.kind === 'create' || (version.kind === 'undelete' && version.writer.by !== 'sfsync');
    // What the other side has given up is given up, whatever of it comes over late.
    if (isBack && !waits && mine.holder?.side === mine.side) mine.holder.discardedAt = undefined;
  }
  const { salesforce, postgres } = drafts;
  return { pair, field, salesforce, postgres };
}

/** Versions of both sides as they came; of each side in its own order, whatever its times say. */
function inOrder({ record, row }: Pair): { version: Version; position: number }[] {
  const all: { version: Version; position: number; at: number }[] = [];
  for (const versions of [record, row]) {
    let at = 0;
    for (const [position, version] of versions.entries()) {
      at = Math.max(at, version.at);
      all.push({ version, position, at });
    }
  }
  // What sfsync wrote at the same moment as a client can have seen nothing of it later.
  const rank = ({ version }: { version: Version }) => (version.writer.by === 'sfsync' ? 1 : 0);
  return all.sort((one, other) => one.at - other.at || rank(one) - rank(other) || one.position - other.position);
}

interface Change {
  readonly version: Version;
  readonly position: number;
  readonly value: Normal;
}

function write(mine: Draft, theirs: Draft, change: Change, field: MappedField, around: Surroundings): void {
  const { version, position, value } = change;
  const bySync = version.writer.by === 'sfsync';
  const before = mine.holder;
  const mayBefore = mine.holders;
  const beforeValue = mine.value;
  const isCopy = bySync && !around.isOwnDoing(version, field, beforeValue, value);
  const sources = isCopy ? sourcesOf(mine, theirs, change) : [];
  const [newest] = sources;
  if (newest === undefined) {
    const event = isCopy || !bySync ? comesAbout(mine, theirs, change, field, around) : followed(mine, change);
    mine.add(event);
    mine.holder = event;
    mine.holders = [event];
    if (isOfSnapshot(event) && theirs.value === value && theirs.events.every(isOfSnapshot)) {
      mine.learn({ least: 1, most: 1 });
      theirs.learn({ least: 1, most: 1 });
      const agreed = theirs.writes.pop() as Write;
      theirs.writes.push({ ...agreed, known: { least: 1, most: 1 } });
    }
  } else {
    mine.holder = newest;
    // One from before what had come over by then, or that was known here, would itself be an older value that comes back.
    const mayBe = sources.filter(({ side, index }) => {
      return (
        side === theirs.side && index >= mine.least && !(before?.side === mine.side && index <= before.knows.least)
      );
    });
    mine.holders = mayBe.length === 0 ? [newest] : mayBe;
    const copied = sources.filter(({ side }) => side === theirs.side).map(({ index }) => index);
    if (copied.length > 0) mine.learn({ least: Math.min(...copied), most: Math.max(...copied) });
  }
  // A lookup that waits for its parent is empty, and yet its row has been told of the parent.
  const mayWait = bySync && field.type === 'reference' && value === null && mine.side === 'postgres';
  if (mayWait) mine.learn({ least: 0, most: theirs.events.length });
  mine.value = value;
  const known = { least: mine.least, most: mine.most };
  const after = mine.holder as Event;
  mine.writes.push({ version, position, bySync, before, mayBefore, beforeValue, after, value, sources, known });
}

/** What was on both sides before the run was agreed. */
function isOfSnapshot({ by, index, version }: Event): boolean {
  return by === 'consequence' && index === 1 && version.kind === 'create';
}

/**
 * Of the other side. Failing that, of the own side, where the other one had it from there; or where a row comes back from where it was
 * kept aside.
 */
function sourcesOf(mine: Draft, theirs: Draft, { version, value }: Change): Event[] {
  const copied = theirs.byValue.get(value);
  if (copied !== undefined) return copied.toReversed();
  const isBack = version.kind === 'create' || version.kind === 'undelete';
  const own = isBack || mine.side === 'salesforce' || theirs.writes.some((each) => each.value === value);
  return own ? (mine.byValue.get(value) ?? []).toReversed() : [];
}

function followed(mine: Draft, { version, value }: Change): Event {
  const knows = { least: mine.least, most: mine.most };
  const index = mine.events.length + 1;
  return { side: mine.side, index, value, version, discardedAt: undefined, by: 'consequence', knows };
}

function comesAbout(
  mine: Draft,
  theirs: Draft,
  { version, value }: Change,
  field: MappedField,
  around: Surroundings,
): Event {
  const made = { side: mine.side, index: mine.events.length + 1, value, version, discardedAt: undefined };
  if (version.writer.by !== 'sfsync') {
    // Both sides may have had one value without anybody copying it.
    const same = mine.value === undefined ? undefined : theirs.byValue.get(mine.value)?.at(-1)?.index;
    mine.learn({ least: 0, most: same ?? 0 });
    const knows = { least: mine.least, most: mine.most };
    // A record comes out of the recycle bin without the parents that are gone by then, whoever takes it out.
    const isLetGo =
      version.kind === 'undelete' && mine.side === 'salesforce' && field.type === 'reference' && value === null;
    return { ...made, by: isLetGo ? 'consequence' : version.writer.by, knows };
  }
  const push = mine.side === 'salesforce' ? around.openPush(version, field) : undefined;
  const sent = push === undefined ? undefined : around.sent(push, field);
  const from = sent === undefined ? [] : (theirs.byValue.get(sent) ?? []);
  if (from.length > 0) mine.learn({ least: (from[0] as Event).index, most: (from.at(-1) as Event).index });
  if (around.isRewritten(version, field)) {
    const knows = { least: mine.least, most: theirs.events.length };
    mine.learn(knows);
    return { ...made, by: 'rewritten', knows };
  }
  const blank = (theirs.byValue.get(null) ?? theirs.byValue.get('false'))?.at(-1);
  if (
    mine.side === 'salesforce' &&
    version.kind === 'create' &&
    blank !== undefined &&
    wasBlank(theirs, blank, version)
  ) {
    const knows = { least: blank.index, most: blank.index };
    mine.learn(knows);
    return { ...made, by: 'filled', knows };
  }
  return { ...made, by: 'unexplained', knows: { least: mine.least, most: theirs.events.length } };
}

/** The row had nothing there when the new record was sent, or had got it only just before. */
function wasBlank(theirs: Draft, blank: Event, { at }: Version): boolean {
  const next = theirs.events[blank.index];
  return next === undefined || next.version.at > at - LONGEST_SENDING_MS;
}

/** From the look at a row to the landing of what is made of it. */
const LONGEST_SENDING_MS = 60_000;

/** What was known on a side once its versions up to this position were written. */
export function knownAt({ writes }: SideHistory, position: number): Known {
  return writes.findLast((each) => each.position <= position)?.known ?? { least: 0, most: 0 };
}

export function valueAt({ writes }: SideHistory, position: number): Normal | undefined {
  return writes.findLast((each) => each.position <= position)?.value;
}
