import type { Org, Writer } from '../org.ts';
import { SalesforceError } from '../salesforce-error.ts';
import type { FieldValue, FieldValues } from '../schema/object-definition.ts';
import type { ObjectSchema } from '../schema/org-schema.ts';

/** Lets the faults of single records strike: locks, refusals by the org's own rules, records of a longer transaction. */
export function checkRowFaults(org: Org, writer: Writer, object: ObjectSchema, id: string | undefined): void {
  const occasion = { kind: writer.kind, objects: [object.name], id, client: writer.client };
  const locked =
    (id !== undefined && org.records.isInFlight(id)) || org.faults.strike('rowLock', occasion) !== undefined;
  if (locked) {
    const named = id === undefined ? '' : `: ${id}`;
    throw new SalesforceError(
      'UNABLE_TO_LOCK_ROW',
      `unable to obtain exclusive access to this record or 1 records${named}`,
    );
  }
  const refusal = org.faults.strike('rowError', occasion);
  if (refusal !== undefined) throw new SalesforceError(refusal.code, refusal.message, { fields: refusal.fields });
}

/** The record after the org's triggers (fault triggerRewrites) saw it. */
export function rewriteByTriggers(org: Org, object: ObjectSchema, id: string, values: FieldValues): FieldValues {
  const rewritten: Record<string, FieldValue> = { ...values };
  for (const rule of org.faults.all('triggerRewrites', { objects: [object.name], id })) {
    const field = object.field(rule.field);
    const value = field === undefined ? null : (rewritten[field.name] ?? null);
    if (field === undefined || (value === null && rule.as !== 'constant')) continue;
    const before = String(value);
    if (rule.as === 'upper') rewritten[field.name] = before.toUpperCase();
    else if (rule.as === 'lower') rewritten[field.name] = before.toLowerCase();
    else if (rule.as === 'digits') rewritten[field.name] = before.replace(/\D/g, '');
    else if (rule.as === 'constant') rewritten[field.name] = rule.value === '' ? null : rule.value;
    else rewritten[field.name] = before.endsWith(rule.value) ? before : before + rule.value;
  }
  return rewritten;
}
