/** In the end every field of every pair is equal, or listed with a reason; and where one of the two is, so is the other. */
import type { Link, MappedField } from '../../history/history.ts';
import type { Excuse } from '../finding.ts';
import { Findings } from '../finding.ts';
import type { FieldHistory } from '../index/field-history.ts';
import type { IndexedHistory } from '../index/indexed-history.ts';
import { type EndOfPair, endOf, excuseForOne, isOutside } from '../index/lives.ts';
import { isWaiting } from '../index/overwrites.ts';
import { nameOf, type Pair } from '../index/pairs.ts';

export const RULE = 'sides agree';

export function sidesAgree(history: IndexedHistory): Findings {
  const findings = new Findings();
  for (const pair of history.pairs) {
    const end = endOf(history, pair);
    if (end.record !== undefined && end.row !== undefined) agree(history, findings, pair, end);
    else if (end.record !== undefined || end.row !== undefined) findOne(history, findings, pair, end);
  }
  return findings;
}

function findOne(history: IndexedHistory, findings: Findings, pair: Pair, end: EndOfPair): void {
  const excuse = excuseForOne(history, pair, end);
  if (excuse !== undefined) {
    findings.excuse(excuse);
    return;
  }
  const { object, salesforceId } = pair;
  const says =
    end.row === undefined
      ? 'In the end the record is live and has no row, and nothing lists it.'
      : 'In the end the row is there and its record is not live, and nothing lists it.';
  const versions = [pair.record.at(-1), pair.row.at(-1)].filter((each) => each !== undefined);
  findings.violate({ rule: RULE, object, salesforceId, rowKey: pair.row.at(-1)?.key, says, versions });
}

function agree(history: IndexedHistory, findings: Findings, pair: Pair, { record, row }: EndOfPair): void {
  const { at } = history.history.end;
  for (const of of history.fields(pair)) {
    const { field } = of;
    const [theirs, mine] = [record?.values[field.field], row?.values[field.column]];
    const isMapped = history.fieldsOf(pair.object).some((each) => each.field === field && each.isMappedAtEnd);
    if (!isMapped || theirs === undefined || mine === undefined) continue;
    const [s, p] = [history.normal(field, theirs, 'salesforce', at), history.normal(field, mine, 'postgres', at)];
    if (s === p) continue;
    const excuse = excuseOf(history, pair, of, { theirs: s, mine: p }, row?.values ?? {});
    if (excuse !== undefined) {
      findings.excuse(excuse);
      continue;
    }
    const versions = [of.salesforce.writes.at(-1)?.version, of.postgres.writes.at(-1)?.version];
    findings.violate({
      rule: RULE,
      object: pair.object,
      salesforceId: pair.salesforceId,
      rowKey: row?.key,
      field: field.field,
      says: `In the end ${field.field} is one thing in Salesforce and another in ${field.column}, and nothing lists it.`,
      versions: versions.filter((each) => each !== undefined),
    });
  }
}

function excuseOf(
  history: IndexedHistory,
  pair: Pair,
  of: FieldHistory,
  { mine, theirs }: { readonly mine: string | null; readonly theirs: string | null },
  row: Readonly<Record<string, unknown>>,
): Excuse | undefined {
  const { field } = of;
  const link: Link | undefined = history.links.get(nameOf(pair.object, pair.salesforceId));
  const lastOfRow = of.postgres.writes.at(-1);
  const isParentThere = typeof theirs === 'string' && history.endRows.has(nameOf(field.parent ?? '', theirs));
  if (
    link?.waiting.includes(field.field) &&
    mine === null &&
    lastOfRow !== undefined &&
    isWaiting(history, of, lastOfRow) &&
    !isParentThere
  )
    return 'waiting';
  if (isListed(history, pair, link, field)) return 'refused';
  if (isOutside(history.objects.get(pair.object), row as never)) return 'outside the filter';
  // What the application writes where it does not own the field stays until Salesforce has something new.
  const isApplications = lastOfRow?.after.by === 'client' && lastOfRow.after.side === 'postgres';
  const isLater = (lastOfRow?.version.at ?? 0) > (of.salesforce.writes.at(-1)?.version.at ?? 0);
  if (field.direction === 'to-postgres' && isApplications && isLater) return 'owned by the other side';
  // A column that nothing was written to empties no field.
  const isMute = of.postgres.events.every(({ value }) => value === null || value === 'false');
  if (field.direction === 'to-salesforce' && isMute) return 'joining';
  return undefined;
}

/** An open reject of the record, of this field or of all of them; or of one that all of a push was refused for. */
export function isListed(
  history: IndexedHistory,
  pair: Pair,
  link: Link | undefined,
  { field, column }: MappedField,
): boolean {
  const names = [null, field, column];
  const isRefused = link?.refused.includes(field) === true;
  return history.rejectsOf(pair).some(({ open, direction, field: blamed }) => {
    return open && (names.includes(blamed) || (isRefused && direction === 'to-salesforce'));
  });
}
