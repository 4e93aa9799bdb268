/**
 * What the columns of the rows make of values that come from Salesforce, found before a merge compares them: rules of agreement
 * take it from `SalesforceVersion.inColumns` and `Link.inexact`.
 */
import { isAtBase, isColumns, withoutExact } from '../../core/agreement/equality.ts';
import type { Pair } from '../../core/agreement/link.ts';
import { type Reject, rejectOf, valueAtFault } from '../../core/contracts/rejects.ts';
import { RejectedRecordError } from '../../core/errors.ts';
import { type CanonicalValue, isUnsendable } from '../../core/mapping/canonical.ts';
import type { FieldMapping, ObjectMapping } from '../../core/mapping/configuration.ts';
import type { Refusal } from '../../core/mapping/field-types/field-type.ts';
import { spelledName, spelledTable } from '../../core/mapping/identifiers.ts';
import type { SalesforceVersion } from '../../core/mapping/salesforce-version.ts';
import { noteInexact } from '../../postgres/ledger/inexact-columns.ts';
import {
  type ColumnValues,
  columnValues,
  formerValues,
  type InexactField,
  inexactFields,
} from '../../postgres/tables/column-values.ts';
import { tableColumns } from '../../postgres/tables/table-columns.ts';
import type { StepContext } from '../step.ts';

/** A version that is about to be merged into its pair. */
export interface Arriving {
  readonly version: SalesforceVersion;
  readonly pair: Pair;
}

/** Rejects of what is not merged for the sake of a column. */
export function rejectsOfLoss({ refused }: Weighed<Arriving>): Reject[] {
  return refused.map(({ item: { version }, error }) => {
    const { code, message, field } = error;
    return rejectOf({ id: version.id, code, reason: message, field, value: valueAtFault(version, error) });
  });
}

export interface Weighed<Item> {
  /** Their versions say what the columns make of them. */
  readonly items: readonly Item[];
  /** Items with a value that its column has nothing for, or does not hold as it is and may not change. */
  readonly refused: readonly Refused<Item>[];
}

interface Refused<Item> {
  readonly item: Item;
  readonly error: RejectedRecordError;
}

/** Asks what the columns make of the versions. */
export async function inColumnsOf<Item extends Arriving>(
  context: StepContext,
  given: readonly Item[],
): Promise<Weighed<Item>> {
  const refused = withoutCounterpart(context.mapping, given);
  if (refused.length === 0) return ofColumns(context, given);
  const without = new Set(refused.map(({ item }) => item));
  const weighed = await ofColumns(
    context,
    given.filter((item) => !without.has(item)),
  );
  return { ...weighed, refused: [...refused, ...weighed.refused] };
}

/** Items with a value that sync.config.ts has nothing for in the column (`values`, `convert`). */
function withoutCounterpart<Item extends Arriving>({ fields }: ObjectMapping, items: readonly Item[]): Refused<Item>[] {
  const choosy = fields.filter(({ direction, type }) => direction !== 'to-salesforce' && type.refusal !== undefined);
  if (choosy.length === 0) return [];
  return items.flatMap((item) => {
    // What a deleted record held comes into a row only where our delete has buried an edit.
    if (item.version.deleted && item.pair.link.push?.sentDeleted !== true) return [];
    // Nothing of it comes into the row.
    if (item.pair.row?.isOthers === true) return [];
    for (const field of choosy) {
      const value = item.version.fields[field.field] ?? null;
      const refusal = value === null ? undefined : field.type.refusal?.(value);
      if (refusal !== undefined) return [{ item, error: notInColumn(field, refusal) }];
    }
    return [];
  });
}

function notInColumn({ field }: FieldMapping, { code, fault, change }: Refusal): RejectedRecordError {
  return new RejectedRecordError(
    code,
    `The value of ${field} ${fault}. ${change}, or change the value in Salesforce.`,
    field,
  );
}

async function ofColumns<Item extends Arriving>(context: StepContext, items: readonly Item[]): Promise<Weighed<Item>> {
  const { session, mapping } = context;
  const inexact = await inexactFields(session, mapping);
  if (inexact.length === 0) return { items, refused: [] };
  const asked = questions(inexact);
  for (const { version, pair } of items) {
    for (const { field, isExact } of inexact) {
      const value = version.fields[field.field];
      const isThere = value === pair.row?.fields[field.field];
      if (value !== undefined && !isThere && !isExact(value)) asked.get(field)?.add(value);
    }
  }
  const values = await columnValues(session, mapping, asked);
  if (values.size === 0) return { items, refused: [] };
  const lossy = new Set<FieldMapping>();
  const kept: Item[] = [];
  const refused: Refused<Item>[] = [];
  for (const item of items) {
    const inColumns = changed(inexact, values, item.version);
    if (inColumns === undefined) {
      kept.push(item);
      continue;
    }
    const lost = inexact.find(({ field }) => field.onLoss === 'reject' && isLost(field, inColumns, item));
    if (lost !== undefined) {
      refused.push({ item, error: notHeld(mapping, lost.field) });
      continue;
    }
    kept.push({ ...item, version: { ...item.version, inColumns } });
    // Values of one code count as one by intent.
    for (const { field } of inexact)
      if (field.type.mapped === undefined && isLost(field, inColumns, item)) lossy.add(field);
  }
  const { fullTypes } = await tableColumns(session, mapping);
  const columns = [...lossy].map(({ field, column }) => ({ field, type: fullTypes.get(column) ?? '' }));
  await noteInexact(session, mapping.object, columns, context.reporter ?? context.execution);
  return { items: kept, refused };
}

/** The value would come into the row as another one; one that is there already has come. */
function isLost(
  { field }: FieldMapping,
  inColumns: Readonly<Record<string, CanonicalValue>>,
  { pair }: Arriving,
): boolean {
  const value = inColumns[field];
  return value !== undefined && value !== pair.row?.fields[field] && pair.row?.isOthers !== true;
}

/** Code of a record whose value does not go into its column as it is. */
export const VALUE_NOT_HELD = 'VALUE_NOT_HELD';

function notHeld(mapping: ObjectMapping, { field, column }: FieldMapping): RejectedRecordError {
  return new RejectedRecordError(
    VALUE_NOT_HELD,
    `Column ${spelledTable(mapping)}.${spelledName(column)} cannot hold the value of ${field} as it is, and the field is set to onLoss 'reject'. Widen the column, or change the value in Salesforce.`,
    field,
  );
}

/**
 * Pairs whose links say what the rows hold in place of the base. They say so themselves since a merge has put it there; this is
 * for what was there before, and for columns that were altered since: what a type has made of a value is no edit.
 */
export async function withInexact<Found extends Pair>(
  { session, mapping }: Pick<StepContext, 'session' | 'mapping'>,
  given: readonly Found[],
): Promise<readonly Found[]> {
  // The table may be locked as a whole, as by a TRUNCATE, and then nothing about it can be asked.
  if (given.length === 0) return given;
  const pairs = given.map((pair) => {
    const link = withoutExact(pair.link, pair.row);
    return link === pair.link ? pair : { ...pair, link };
  });
  const inexact = await inexactFields(session, mapping);
  if (inexact.length === 0) return pairs;
  const asked = questions(inexact);
  const askedOfFormer = questions(inexact);
  for (const pair of pairs) {
    for (const each of inexact) {
      const value = baseOfOther(pair, each);
      if (value === undefined) continue;
      if (!each.isExact(value)) asked.get(each.field)?.add(value);
      if (each.former.length > 0) for (const one of roots(pair, each)) askedOfFormer.get(each.field)?.add(one);
    }
  }
  const values = await columnValues(session, mapping, asked);
  const former = await formerValues(session, mapping, askedOfFormer);
  if (values.size === 0 && former.size === 0) return pairs;
  return pairs.map((pair) => {
    const { link, row } = pair;
    const found = inexact.flatMap((each): [string, CanonicalValue][] => {
      const { field } = each.field;
      const base = baseOfOther(pair, each);
      const mine = row?.fields[field];
      if (base === undefined || mine === undefined || isUnsendable(mine)) return [];
      const stands =
        values.get(field)?.get(base) === mine ||
        roots(pair, each).some((one) => former.get(field)?.get(one)?.has(mine) === true);
      return stands ? [[field, mine]] : [];
    });
    if (found.length === 0) return pair;
    return { ...pair, link: { ...link, inexact: { ...link.inexact, ...Object.fromEntries(found) } } };
  });
}

/** The field's value of the base, where the row has neither that nor what is known to stand for it. */
function baseOfOther({ link, row }: Pair, { field: { field } }: InexactField): CanonicalValue | undefined {
  return row === undefined || isAtBase(link, field, row.fields[field]) ? undefined : link.base?.fields[field];
}

/** What the row had, or would have had, when the column got another type. */
function roots({ link: { base, inexact } }: Pair, { field: { field } }: InexactField): CanonicalValue[] {
  return [base?.fields[field], inexact[field]].flatMap((value) => value ?? []);
}

/**
 * Pairs whose rows hold what a column has made of the base, and whose columns make something else of it by now. They get that when
 * the record is read again.
 */
export async function outdated<Found extends Pair>(
  { session, mapping }: Pick<StepContext, 'session' | 'mapping'>,
  pairs: readonly Found[],
): Promise<ReadonlySet<Found>> {
  const { shapes } = await tableColumns(session, mapping);
  const questionsOf = ({ link, row }: Found) =>
    mapping.fields.flatMap((field) => {
      const value = link.base?.fields[field.field];
      const mine = row?.fields[field.field];
      const isMeant = field.direction !== 'to-salesforce' && link.base?.deleted === false;
      return isMeant && value !== undefined && isColumns(link, field, mine) ? [{ field, value, mine }] : [];
    });
  const meant = pairs.map((pair) => ({ pair, fields: questionsOf(pair) })).filter(({ fields }) => fields.length > 0);
  const isExact = (field: FieldMapping, value: CanonicalValue) => {
    const shape = shapes.get(field.column);
    return value === null || (shape !== undefined && field.type.isExact(shape, value));
  };
  const asked = new Map(mapping.fields.map((field) => [field, new Set<CanonicalValue>()]));
  for (const { fields } of meant) {
    for (const { field, value } of fields) if (!isExact(field, value)) asked.get(field)?.add(value);
  }
  const values = await columnValues(session, mapping, asked);
  const held = (field: FieldMapping, value: CanonicalValue) =>
    isExact(field, value) ? value : values.get(field.field)?.get(value);
  const isOutdated = ({ fields }: (typeof meant)[number]) =>
    fields.some(({ field, value, mine }) => {
      const now = held(field, value);
      return now !== undefined && now !== mine;
    });
  return new Set(meant.filter(isOutdated).map(({ pair }) => pair));
}

function questions(inexact: readonly InexactField[]): Map<FieldMapping, Set<CanonicalValue>> {
  return new Map(inexact.map(({ field }) => [field, new Set<CanonicalValue>()]));
}

/** What the columns change of the version; undefined: nothing. */
function changed(inexact: readonly InexactField[], values: ColumnValues, { fields }: SalesforceVersion) {
  const found = inexact.flatMap(({ field: { field } }): [string, CanonicalValue][] => {
    const value = fields[field];
    const held = value === undefined ? undefined : values.get(field)?.get(value);
    return held === undefined || held === value ? [] : [[field, held]];
  });
  return found.length === 0 ? undefined : Object.fromEntries(found);
}
