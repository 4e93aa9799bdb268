/**
 * A conflict is listed of two edits that did not know each other, with values that both sides had, and the field's policy has
 * decided it.
 */
import type { ListedConflict, Version } from '../../history/history.ts';
import type { Normal } from '../../history/normal-form.ts';
import { Findings } from '../finding.ts';
import type { Event, FieldHistory, SideHistory } from '../index/field-history.ts';
import type { IndexedHistory } from '../index/indexed-history.ts';
import { isInWindow, type Overwrite, overwrites, precedes, SEEN, violationOf } from '../index/overwrites.ts';

export const RULE = 'conflicts are real';

const UNDONE = 'push may have been undone';

export function conflictsAreReal(history: IndexedHistory): Findings {
  const findings = new Findings();
  for (const pair of history.pairs) {
    const listed = new Set<string>();
    for (const conflict of history.conflictsOf(pair)) {
      const of = history.fields(pair).find(({ field }) => field.field === conflict.field);
      // Another rule is about fields that go one way.
      if (of?.field.direction !== 'both') continue;
      judgeOne(history, findings, of, conflict);
      if (conflict.reason === 'both edited') judgeAgain(history, findings, of, conflict, listed);
    }
  }
  for (const overwrite of overwrites(history)) {
    if (!isAgainstTheLog(history, overwrite)) continue;
    const says = `replaced the edit of ${overwrite.of.field.field} that had won, as the log says, by the one that had lost`;
    findings.violate(violationOf(RULE, overwrite, says));
  }
  return findings;
}

/** All entries about the two say that the value which is gone was to stay. */
function isAgainstTheLog(history: IndexedHistory, { of, write, lost, judgement }: Overwrite): boolean {
  if (judgement.is !== 'logged' || lost.side !== write.version.side) return false;
  if (isInWindow(history, of, write, lost)) return false;
  // The side has made the same value itself since.
  if (of[lost.side].events.some(({ index, value }) => index > lost.index && value === write.value)) return false;
  const ofTheTwo = history.conflictsOf(of.pair).filter(({ field, reason, at, ...values }) => {
    if (field !== of.field.field || reason !== 'both edited') return false;
    const theirs = history.normal(of.field, values.salesforceValue, 'salesforce', at);
    const mine = history.normal(of.field, values.postgresValue, 'salesforce', at);
    const [own, other] = lost.side === 'salesforce' ? [theirs, mine] : [mine, theirs];
    return own === lost.value && other === write.value;
  });
  return ofTheTwo.length > 0 && ofTheTwo.every(({ winner }) => winner === lost.side);
}

function judgeOne(history: IndexedHistory, findings: Findings, of: FieldHistory, conflict: ListedConflict): void {
  const { reason, at, winner } = conflict;
  const { field, pair } = of;
  const theirs = history.normal(field, conflict.salesforceValue, 'salesforce', at);
  const mine = history.normal(field, conflict.postgresValue, 'salesforce', at);
  const [s, p] = [eventOf(of.salesforce, theirs, at), eventOf(of.postgres, mine, at)];
  const violate = (says: string, versions: readonly (Event | undefined)[]) =>
    findings.violate({
      rule: RULE,
      object: pair.object,
      salesforceId: pair.salesforceId,
      rowKey: conflict.rowKey ?? pair.row.at(-1)?.key,
      field: field.field,
      says,
      versions: versions.flatMap((each) => (each === undefined ? [] : [each.version])),
    });
  // A row that is gone, or that another transaction holds, is listed with nothing.
  const isUnread = reason === SEEN && conflict.postgresValue === null;
  if (!had(of.salesforce, theirs) || !(had(of.postgres, mine) || isUnread)) {
    const { type } = field;
    // What a lookup stood for at that moment is not always to be told.
    if (type !== 'reference') violate(`A conflict lists a value of ${field.field} that its side never had.`, [s, p]);
    return;
  }
  if (reason === SEEN && isOfOurRevive(s)) {
    violate(`A conflict lists as an edit of ${field.field} what sfsync itself had done by bringing the record back.`, [
      s,
    ]);
  }
  if (reason === UNDONE && !mayBeUndone(history, of, at)) {
    violate(`A push of ${field.field} is listed as perhaps undone, and nothing had made its outcome unknown.`, [s, p]);
  }
  if (reason !== 'both edited') return;
  if (winner !== null && !isByPolicy(history, of, conflict)) {
    violate(`A conflict of ${field.field} was decided against the field's policy.`, [s, p]);
  }
  if (s === undefined || p === undefined || !(precedes(s, p) || precedes(p, s))) return;
  if (isOfUnknownOutcome(history, of, at)) findings.excuse('unknown outcome');
  else violate(`A conflict lists two edits of ${field.field} of which one knew the other.`, [s, p]);
}

/** The merge that decides a conflict is over with it: what is listed again of the same two edits was decided twice. */
function judgeAgain(
  history: IndexedHistory,
  findings: Findings,
  of: FieldHistory,
  { at, rowKey, ...values }: ListedConflict,
  listed: Set<string>,
): void {
  const { field, pair } = of;
  const s = eventOf(of.salesforce, history.normal(field, values.salesforceValue, 'salesforce', at), at);
  const p = eventOf(of.postgres, history.normal(field, values.postgresValue, 'salesforce', at), at);
  if (s === undefined || p === undefined) return;
  const name = `${field.field} ${s.index} ${p.index}`;
  if (!listed.has(name)) {
    listed.add(name);
    return;
  }
  findings.violate({
    rule: RULE,
    object: pair.object,
    salesforceId: pair.salesforceId,
    rowKey: rowKey ?? pair.row.at(-1)?.key,
    field: field.field,
    says: `One conflict of ${field.field} is listed twice.`,
    versions: [s.version, p.version],
  });
}

/** A record that sfsync takes out of the recycle bin has let go of parents that are gone: no person has done that. */
function isOfOurRevive(event: Event | undefined): boolean {
  return event?.version.kind === 'undelete' && event.version.writer.by === 'sfsync';
}

function had({ writes }: SideHistory, value: Normal): boolean {
  return writes.some((write) => write.value === value);
}

/** The only event that the value can be, at that time. */
function eventOf({ events }: SideHistory, value: Normal, at: number): Event | undefined {
  const all = events.filter((event) => event.value === value && event.version.at <= at);
  return all.length === 1 ? all[0] : undefined;
}

function isByPolicy(history: IndexedHistory, of: FieldHistory, conflict: ListedConflict): boolean {
  const { object, winner, at } = conflict;
  const policies = history.policiesAround(object, of.field.field, at);
  return policies.some((policy) => (policy === 'latest' ? isLatest(history, of, conflict) : policy === winner));
}

/** Times are told to the second, and the log has the moment at which the merge began. */
const WITHIN_MS = 2_000;

/**
 * The winner was not certainly written first. Record and row have one time each for all of their fields: at the merge it was not before
 * that of the field's edit, nor after that of the last version by then.
 */
function isLatest(history: IndexedHistory, of: FieldHistory, { winner, at, ...values }: ListedConflict): boolean {
  const { pair, field, salesforce, postgres } = of;
  const edit = (side: SideHistory, value: ListedConflict['salesforceValue']) =>
    eventOf(side, history.normal(field, value, 'salesforce', at), at + WITHIN_MS)?.version;
  // As it was when the merge read it; of what was written at that time nobody can tell which.
  const read = (versions: readonly Version[]) => [
    versions.findLast((version) => version.at <= at - WITHIN_MS),
    ...versions.filter((version) => Math.abs(version.at - at) < WITHIN_MS),
  ];
  const isOfSalesforce = winner === 'salesforce';
  const theirs = isOfSalesforce ? read(pair.record) : [edit(salesforce, values.salesforceValue)];
  const mine = isOfSalesforce ? [edit(postgres, values.postgresValue)] : read(pair.row);
  return theirs.some((version) =>
    mine.some((row) => {
      const [written, edited] = [version?.at, editedAt(history, pair.object, row)];
      if (written === undefined || edited === undefined) return true;
      const lead = isOfSalesforce ? edited - written : written - edited;
      const since = Math.min(written, edited);
      return lead < WITHIN_MS || history.faultsIn(since, at).some(({ name }) => /clock/i.test(name));
    }),
  );
}

/** What a row says of when it was edited: a transaction stamps its rows as it begins, and may wait for a lock then. */
function editedAt(history: IndexedHistory, object: string, version: Version | undefined): number | undefined {
  const column = history.objects.get(object)?.updatedAt;
  const stamp = column === undefined ? undefined : version?.values[column];
  const said = typeof stamp === 'string' ? Date.parse(stamp) : Number.NaN;
  return Number.isNaN(said) ? version?.at : said;
}

/** A fault, or a run of the flow: that counts what it could not put, and does not say which rows those are. */
function mayBeUndone(history: IndexedHistory, of: FieldHistory, at: number): boolean {
  return history.objects.get(of.pair.object)?.delivery === 'appflow' || isOfUnknownOutcome(history, of, at);
}

function isOfUnknownOutcome(history: IndexedHistory, { pair, field }: FieldHistory, at: number): boolean {
  return history.pushesOf(pair).some(({ sent, sentAt, closedAt = at }) => {
    const isBefore = field.field in sent && sentAt <= at;
    return isBefore && history.faultsIn(sentAt, Math.min(closedAt, at)).length > 0;
  });
}
