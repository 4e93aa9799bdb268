/**
 * Fields that Salesforce no longer has, or has as another type. They are left out of the mapping in force, so that no rule
 * ever sees such a field: it is neither merged nor sent, and the record goes across without it. A fresh read asks for every
 * field by name, so what no live record of it shows is gone; a file may only lag behind the mapping, and goes without a field
 * where a read has found the same. A field is back when a fresh read shows it and Salesforce, asked for its type, says that it
 * fits: values do not show types, and a field may come back as another one. A read by a function of the former deployment did not
 * ask for a field that is new in the mapping: that one is not gone, and joins with another read.
 */

import type { ReasonCount } from '../../core/contracts/inbound-tasks.ts';
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import { FIELD_NOT_RENAMED, FIELD_TYPE_CHANGED, FIELD_VANISHED, notRenamed } from '../../core/mapping/drift.ts';
import type { SalesforceVersion } from '../../core/mapping/salesforce-version.ts';
import { changedFields, type TypeCheck } from '../../core/mapping/type-check.ts';
import { type FieldDrift, openDrift } from '../../postgres/ledger/drift.ts';
import { beginJoin } from '../../postgres/ledger/joining-fields.ts';
import { renamingFields } from '../../postgres/ledger/renamed-fields.ts';
import type { Session } from '../../postgres/session/connection.ts';
import type { StepContext } from '../step.ts';
import { leaveOut, takeBack } from './drift.ts';

type ReadVersion = Pick<SalesforceVersion, 'deleted' | 'fields'>;

export interface FieldsLeftOut {
  /** Fields of the mapping that are not in force. */
  readonly leftOut: ReadonlySet<string>;
  /** What this step was the first to see. */
  readonly reasons: readonly ReasonCount[];
}

/** Fields without which a file goes: those of which a read has found that they are gone, or of another type. */
export async function leftOutOfFile({ session, mapping }: StepContext): Promise<ReadonlySet<string>> {
  return new Set((await openDrift(session, mapping.object)).keys());
}

/** What a line of a fresh read says of fields. */
export interface ReadFields {
  readonly version?: ReadVersion | undefined;
  readonly without?: readonly string[] | undefined;
  readonly types?: TypeCheck | undefined;
  readonly org?: string | undefined;
  /** Mapped fields that the read knew of; undefined: all. */
  readonly asked?: readonly string[] | undefined;
}

/** For what a fresh read found; remembers what is gone, and what is back. `reporter` names the step in what is reported once. */
export async function leftOutOfRead(
  { session, mapping }: StepContext,
  reads: readonly ReadFields[],
  reporter: string,
): Promise<FieldsLeftOut> {
  const open = await openDrift(session, mapping.object);
  // What is known of a record that was purged are no fields.
  const live = reads.flatMap(({ version }) => (version === undefined || version.deleted ? [] : version));
  const without = new Set(reads.flatMap((read) => read.without ?? []));
  const types = typesIn(reads);
  const renaming = open.size === 0 ? NONE_RENAMED : await renamingFields(session, mapping.object);
  const changed = [...changesIn(mapping, types), ...stillFormer(renaming, types)];
  const isChanged = new Set(changed.map(({ field }) => field));
  const asked = reads.find((read) => read.asked !== undefined)?.asked;
  const isAsked = (field: string) => asked === undefined || asked.includes(field);
  const unasked = mapping.fields.map(({ field }) => field).filter((field) => !isAsked(field));
  if (unasked.length > 0) await beginJoin(session, mapping.object, unasked, 'all');
  const isMissing = (field: string) => {
    if (without.has(field)) return true;
    const former = renaming.get(field);
    if (former !== undefined && typeof types?.[former] !== 'string') return true;
    return open.has(field) ? types?.[field] !== null : live.length > 0 && !shows(live, field);
  };
  const missing = mapping.fields
    .map(({ field }) => field)
    .filter((field) => isAsked(field) && !isChanged.has(field) && isMissing(field));
  const leftOut = new Set([...isChanged, ...missing, ...unasked]);
  if (live.length === 0 && without.size === 0 && types === undefined) return { leftOut, reasons: [] };
  const back = [...open.keys()].filter((field) => isAsked(field) && !isChanged.has(field) && !missing.includes(field));
  if (back.length > 0) await takeBack(session, mapping, back);
  const vanished = missing.filter((field) => without.has(field) || !open.has(field));
  const found = [...changed, ...vanished.map((field): FieldDrift => ({ field, change: null }))];
  return { leftOut, reasons: await note(session, mapping, { found, renaming }, reporter) };
}

/** The lines of a read that say anything of types say it for all of them. */
export function typesIn(lines: readonly { readonly types?: TypeCheck | undefined }[]): TypeCheck | undefined {
  const known = lines.flatMap(({ types }) => (types === undefined ? [] : [types]));
  if (known.length === 0) return undefined;
  const entries = known.flatMap((types) => Object.entries(types));
  const isFit = ([, change]: readonly [string, string | null]) => change === null;
  return Object.fromEntries([...entries.filter(isFit), ...entries.filter((entry) => !isFit(entry))]);
}

function changesIn({ fields }: ObjectMapping, types: TypeCheck | undefined): FieldDrift[] {
  const changed = changedFields(types);
  return fields.flatMap(({ field }) => (changed.has(field) ? [{ field, change: types?.[field] ?? null }] : []));
}

const NONE_RENAMED: ReadonlyMap<string, string> = new Map();

/** Fields that are to take the place of others which Salesforce still has. */
function stillFormer(renaming: ReadonlyMap<string, string>, types: TypeCheck | undefined): FieldDrift[] {
  return [...renaming].flatMap(([field, former]) =>
    types?.[former] === null && typeof types[field] !== 'string'
      ? [{ field, change: notRenamed(former, types[field] === null) }]
      : [],
  );
}

interface Found {
  readonly found: readonly FieldDrift[];
  readonly renaming: ReadonlyMap<string, string>;
}

async function note(
  session: Session,
  { object }: ObjectMapping,
  { found, renaming }: Found,
  reporter: string,
): Promise<ReasonCount[]> {
  const seen = found.length === 0 ? [] : await leaveOut(session, object, found, reporter);
  return seen.map(({ field, change }) => {
    if (change === null) return { code: FIELD_VANISHED, field, count: 1 };
    return { code: renaming.has(field) ? FIELD_NOT_RENAMED : FIELD_TYPE_CHANGED, field, count: 1, change };
  });
}

/**
 * Whether a record was refused because a field vanished, or got another type, between our look and our push. Nothing of it
 * has landed, and it goes again without the field.
 */
export function sentDrifted(
  mapping: ObjectMapping,
  sent: Readonly<Record<string, unknown>>,
  { outcome, code, types }: Answer,
): boolean {
  if (outcome !== 'refused') return false;
  const changed = changedFields(types);
  const isLeftOut = (name: string) => mapping.fields.every(({ field }) => field !== name);
  return Object.keys(sent).some((name) => (code === 'INVALID_FIELD' || changed.has(name)) && isLeftOut(name));
}

interface Answer {
  readonly outcome: string;
  readonly code?: string | undefined;
  readonly types?: TypeCheck | undefined;
}

function shows(versions: readonly ReadVersion[], field: string): boolean {
  return versions.some(({ fields }) => fields[field] !== undefined);
}
