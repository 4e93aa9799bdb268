/**
 * A client's delete takes the other side along, unless that was edited without knowing of it; such an edit survives. A record that a
 * client brings back is there in the end.
 */
import type { Version } from '../../history/history.ts';
import { Findings, otherSide } from '../finding.ts';
import { type Event, type FieldHistory, knownAt, type SideHistory, valueAt } from '../index/field-history.ts';
import type { IndexedHistory } from '../index/indexed-history.ts';
import { endOf, excuseForOne } from '../index/lives.ts';
import { isAway, isLogged, isThereAndBack } from '../index/overwrites.ts';
import type { Pair } from '../index/pairs.ts';

export const RULE = 'deletes are honoured';

interface Act {
  readonly version: Version;
  readonly position: number;
}

export function deletesHonoured(history: IndexedHistory): Findings {
  const findings = new Findings();
  for (const pair of history.pairs) {
    const acts = lastActs(pair);
    if (acts.deleted.salesforce === undefined && acts.deleted.postgres === undefined) continue;
    const end = endOf(history, pair);
    const isLive = end.record !== undefined && end.row !== undefined;
    if (isLive) judgeLive(history, findings, pair, acts);
    else if (end.record === undefined && end.row === undefined) judgeGone(history, findings, pair, acts);
  }
  return findings;
}

/** Times in Salesforce are those of its own clock. */
const CLOCKS_DIFFER_MS = 5_000;

/** A conflict about the record as a whole. One of an earlier delete says nothing about this one. */
function isListedSince(history: IndexedHistory, pair: Pair, { at }: Version): boolean {
  return history.conflictsOf(pair).some(({ field, at: listed }) => field === null && listed >= at - CLOCKS_DIFFER_MS);
}

interface LastActs {
  /** Of a client, or what followed from another write. */
  readonly deleted: { readonly salesforce: Act | undefined; readonly postgres: Act | undefined };
  readonly revived: { readonly salesforce: Act | undefined; readonly postgres: Act | undefined };
}

function lastActs({ record, row }: Pair): LastActs {
  const last = (versions: readonly Version[], kinds: readonly Version['kind'][], by: readonly string[]) => {
    const position = versions.findLastIndex(({ kind, writer }) => kinds.includes(kind) && by.includes(writer.by));
    const version = versions[position];
    return version === undefined ? undefined : { version, position };
  };
  return {
    deleted: {
      salesforce: last(record, ['delete', 'purge'], ['client', 'consequence']),
      postgres: last(row, ['delete'], ['client', 'consequence']),
    },
    revived: {
      salesforce: last(record, ['undelete'], ['client', 'consequence']),
      postgres: last(row, ['create'], ['client', 'consequence']),
    },
  };
}

/** Both are there although a client deleted one of them, and brought nothing back: the other was edited, or something says so. */
function judgeLive(history: IndexedHistory, findings: Findings, pair: Pair, { deleted, revived }: LastActs): void {
  for (const side of ['salesforce', 'postgres'] as const) {
    const act = deleted[side];
    if (act === undefined || act.version.writer.by !== 'client') continue;
    const backs = [revived.salesforce, revived.postgres].filter((each) => each !== undefined);
    if (backs.some(({ version }) => version.at >= act.version.at)) continue;
    // Something made the other side's edit known before: then the delete was meant for it, too.
    const other = otherSide(side);
    const survivor = history
      .fields(pair)
      .some(
        (of) =>
          (canSurvive(of, side) && standing(of[other], act).some((event) => isUnseen(of, event, act, 'least'))) ||
          isYetToGo(of, act),
      );
    if (survivor || isListedSince(history, pair, act.version)) continue;
    if (isTakenOver(pair, act)) {
      findings.excuse('key taken over');
      continue;
    }
    if (side === 'postgres' && isUndeletedUnseen(pair, act)) {
      findings.excuse('there and back');
      continue;
    }
    const says = `A client deleted it in ${side}; in the end both are there, though the other side was not edited.`;
    findings.violate({ ...named(pair), says, versions: [act.version] });
  }
}

/** Both are gone: no edit went with them that the deleting side had not seen. */
function judgeGone(history: IndexedHistory, findings: Findings, pair: Pair, { deleted, revived }: LastActs): void {
  for (const side of ['salesforce', 'postgres'] as const) {
    const other = otherSide(side);
    const act = deleted[side];
    if (act === undefined) continue;
    for (const of of history.fields(pair)) {
      if (!canSurvive(of, side)) continue;
      const event = of[other].events.at(-1);
      // Its own side gave it up later.
      if (event === undefined || event.by !== 'client' || event.discardedAt !== undefined) continue;
      // Something else has taken its place, and that was judged.
      if (of[other].writes.at(-1)?.after !== event) continue;
      if (!isUnseen(of, event, act, 'most') || valueAt(of[side], act.position) === event.value) continue;
      if (isLogged(history, of, event)) continue;
      if (isThereAndBack(of, event)) {
        findings.excuse('there and back');
        continue;
      }
      const { type, parent = '' } = of.field;
      if (type === 'reference' && event.value !== null && isAway(history, parent, event.value, act.version.at)) {
        findings.excuse('waiting');
        continue;
      }
      const excuse = excuseForOne(history, pair, { record: undefined, row: undefined });
      if (excuse !== undefined) {
        findings.excuse(excuse);
        continue;
      }
      const says = `A client deleted it in ${side}, and an edit of ${of.field.field} in ${other} that was not known there went along.`;
      const versions = [event.version, act.version];
      findings.violate({ ...named(pair), field: of.field.field, says, versions });
    }
  }
  judgeRevived(findings, pair, { deleted, revived });
}

/** The last that a client did was to bring it back, knowing that it was deleted. */
function judgeRevived(findings: Findings, pair: Pair, { deleted, revived }: LastActs): void {
  const back = revived.salesforce;
  if (back === undefined || back.version.writer.by !== 'client') return;
  const own = deleted.salesforce;
  if (own !== undefined && own.position > back.position) return;
  const theirs = deleted.postgres?.version;
  const isKnown = (at: number) =>
    pair.record.some(({ kind, writer, ...each }, position) => {
      return kind === 'delete' && writer.by === 'sfsync' && each.at >= at && position < back.position;
    });
  if (theirs !== undefined && !isKnown(theirs.at)) return;
  const says = 'A client undeleted the record after all deletes; in the end it is gone.';
  findings.violate({ ...named(pair), says, versions: [back.version] });
}

function named({ object, salesforceId, row }: Pair) {
  return { rule: RULE, object, salesforceId, rowKey: row.at(-1)?.key };
}

/** Whether an edit on the other side outlives a delete on this one. */
function canSurvive({ field: { direction } }: FieldHistory, deletedIn: Version['side']): boolean {
  return direction === 'both' || (deletedIn === 'salesforce' && direction === 'to-salesforce');
}

/** What the side had when the other was deleted, and what it got afterwards. */
function standing({ events, writes }: SideHistory, { version }: Act): readonly Event[] {
  const held = writes.findLast((write) => write.version.at <= version.at)?.after;
  return events.filter((event) => event === held || event.version.at > version.at);
}

/** What only PostgreSQL may edit was something else in the record when that was deleted: it was due to be sent there. */
function isYetToGo({ field, salesforce, postgres }: FieldHistory, { version, position }: Act): boolean {
  if (field.direction !== 'to-salesforce' || version.side !== 'salesforce') return false;
  const mine = postgres.writes.findLast((write) => write.version.at <= version.at)?.value;
  return mine !== undefined && mine !== valueAt(salesforce, position);
}

/** The event had not come to the deleting side by then. */
function isUnseen(of: FieldHistory, event: Event, act: Act, bound: 'least' | 'most'): boolean {
  const side: SideHistory = of[act.version.side];
  return event.index > knownAt(side, act.position)[bound];
}

/** The row's key went to another row: its record then gets a row of its own. */
function isTakenOver({ row }: Pair, { version }: Act): boolean {
  return row.some(({ key, at, writer }) => key !== version.key && at >= version.at && writer.by === 'sfsync');
}

/**
 * The record had been deleted and undeleted before, which the row had not been told: the files of both came after its delete, and what a
 * file shows as undeleted comes back.
 */
function isUndeletedUnseen({ record, row }: Pair, { version }: Act): boolean {
  const back = record.findLast(({ kind, writer, at }) => {
    return kind === 'undelete' && writer.by !== 'sfsync' && at <= version.at + CLOCKS_DIFFER_MS;
  });
  return (
    back !== undefined && !row.some(({ writer, at }) => writer.by === 'sfsync' && at >= back.at && at <= version.at)
  );
}
