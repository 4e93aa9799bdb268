/** A record with a field of each kind, and factories that fill what a case does not care about. */

import { type Link, newLink, type OpenPush, type RowVersion, type SentField } from '../../../core/agreement/link.ts';
import type { CanonicalValue, FieldValues, RowValues } from '../../../core/mapping/canonical.ts';
import { defineSync, mappingOf, type ObjectMapping, reference, text } from '../../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../../core/mapping/salesforce-version.ts';

export const ID = '001000000000001AAA';
export const SECOND = 1000;
/** The stamp of the last version merged. */
export const MERGED = 100 * SECOND;

function mappingBy(delivery: 'api' | 'appflow', blankCells: 'keep' | 'clear' = 'keep'): ObjectMapping {
  const fields = {
    x: text('x'),
    mine: text('mine', { policy: 'postgres' }),
    inward: text('inward', { direction: 'to-postgres' }),
    outward: text('outward', { direction: 'to-salesforce' }),
    parent: reference('parent_id', 'Thing'),
  };
  return mappingOf(
    defineSync({ objects: { Thing: { table: 'things', delivery, fields } }, appflow: { blankCells } }),
    'Thing',
  );
}

/** `x`: both ways, Salesforce wins; `mine`: both ways, Postgres wins; `parent`: a lookup; the others as they are called. */
export const thing = mappingBy('api');
export const thingByFlow = mappingBy('appflow');
export const thingByClearingFlow = mappingBy('appflow', 'clear');

const UNSET: FieldValues = { x: 'b', mine: 'b', inward: 'b', outward: 'b', parent: null };

export function version(
  fields: FieldValues = {},
  more: Partial<Omit<SalesforceVersion, 'fields'>> = {},
): SalesforceVersion {
  return {
    id: ID,
    deleted: false,
    mergedInto: undefined,
    stamp: MERGED + SECOND,
    ...more,
    fields: { ...UNSET, ...fields },
  };
}

export function row(fields: RowValues = {}): RowVersion {
  return { fields: { ...UNSET, ...fields } };
}

/** A link whose two sides agree on `b` in every field. */
export function link(more: Partial<Link> = {}): Link {
  return {
    ...newLink(ID, 'key'),
    base: base(),
    highWater: MERGED,
    appliedAt: MERGED,
    revision: 7,
    ...more,
  };
}

export function base(fields: FieldValues = {}, deleted = false) {
  return { deleted, fields: { ...UNSET, ...fields } };
}

export function sent(fields: FieldValues, filler = false): Record<string, SentField> {
  return Object.fromEntries(
    Object.entries(fields).map(([field, value]: [string, CanonicalValue]) => [field, { value, filler }]),
  );
}

export function push(more: Partial<OpenPush> = {}): OpenPush {
  return { id: 'push', sentAt: MERGED, delivery: 'api', sent: {}, sentDeleted: undefined, seen: {}, ...more };
}
