/**
 * Drift: the org and the tables move on, and sync.config.ts stays as it was. Each difference is named with the change to
 * make: those between the mapping and the org in org-drift.ts, those between the mapping and its table in table-drift.ts.
 * How the table must be made as such is the business of `sfsync prepare` (postgres/prepare/database-check.ts).
 */
import type { ObjectMapping } from './configuration.ts';

export interface Drift {
  /** broken: the object, or what the field brings, no longer goes across. risky: single records may be refused. */
  readonly kind: 'broken' | 'risky';
  /** What is, and the change to make. */
  readonly text: string;
}

/** Code of the report that a field of the mapping is gone. */
export const FIELD_VANISHED = 'FIELD_VANISHED';

/** Code of the report that a field of the mapping has a type in Salesforce that the mapping does not read. */
export const FIELD_TYPE_CHANGED = 'FIELD_TYPE_CHANGED';

/** Code of the report that Salesforce still has the former name of a field (`formerly`). */
export const FIELD_NOT_RENAMED = 'FIELD_NOT_RENAMED';

/** Code of the report that the column of a field of the mapping is gone. */
export const COLUMN_VANISHED = 'COLUMN_VANISHED';

/** Code of the report that such a column is there again and refuses the values that it should hold. */
export const COLUMN_REFUSES = 'COLUMN_REFUSES';

/** Code of the report that a field was new in the mapping, or back, and has joined; its count: records that were read for it. */
export const FIELD_JOINED = 'FIELD_JOINED';

/** Code of the report that the column of a field does not hold values of Salesforce as they are. */
export const COLUMN_INEXACT = 'COLUMN_INEXACT';

/** All codes of what is reported once of a field, and is no reject. */
export const DRIFT_CODES: readonly string[] = [
  FIELD_VANISHED,
  FIELD_TYPE_CHANGED,
  FIELD_NOT_RENAMED,
  COLUMN_VANISHED,
  COLUMN_REFUSES,
  COLUMN_INEXACT,
];

/**
 * The mapping without fields that are gone. Updates go through the API then, which writes what is named and nothing else: the
 * flow is made for all fields.
 */
export function withoutFields(mapping: ObjectMapping, gone: ReadonlySet<string>): ObjectMapping {
  const fields = mapping.fields.filter(({ field }) => !gone.has(field));
  return fields.length === mapping.fields.length ? mapping : { ...mapping, fields, delivery: 'api' };
}

/** What is, and the change to make, where Salesforce still has the former name of a field, and may have the new one, too. */
export function notRenamed(former: string, isThere: boolean): string {
  return isThere
    ? `Salesforce has ${former}, too, so that neither is the other by a new name; take formerly: '${former}' out of sync.config.ts, and both sides are merged for the first time`
    : `Salesforce still calls it ${former}; rename it there`;
}

export function broken(text: string): Drift {
  return { kind: 'broken', text };
}

export function risky(text: string): Drift {
  return { kind: 'risky', text };
}

/** With the name of the object before them. */
export function named({ object }: ObjectMapping, drifts: readonly Drift[]): Drift[] {
  return drifts.map(({ kind, text }) => ({ kind, text: `${object}${text}` }));
}
