/** What Salesforce has beside an object's own fields: its stamp, and whether deleted records are kept in the recycle bin. */
import type { ObjectMapping } from './configuration.ts';

/** Which field says when a record was changed. SystemModstamp moves with every change; the others are for objects that lack it. */
export const STAMP_FIELDS = ['SystemModstamp', 'LastModifiedDate', 'CreatedDate'] as const;
export type StampField = (typeof STAMP_FIELDS)[number];

/**
 * Standard objects whose records are deactivated, or deleted at once, and that have no field IsDeleted (Object Reference).
 * Of others the configuration says so.
 */
const WITHOUT_RECYCLE_BIN: ReadonlySet<string> = new Set([
  ...[
    'User',
    'UserRole',
    'Profile',
    'PermissionSet',
    'PermissionSetAssignment',
    'Group',
    'GroupMember',
    'QueueSobject',
  ],
  ...['RecordType', 'BusinessProcess', 'OpportunityStage', 'LeadStatus', 'CaseStatus', 'TaskStatus', 'ContractStatus'],
  ...[
    'Organization',
    'BusinessHours',
    'CurrencyType',
    'Period',
    'Territory2',
    'Territory2Model',
    'UserTerritory2Association',
  ],
]);

export function keepsDeleted(object: string): boolean {
  return !WITHOUT_RECYCLE_BIN.has(object);
}

/** Objects whose records can be merged: by the SOAP API's merge(), by Apex, or in Lightning (cases). */
const MERGEABLE: ReadonlySet<string> = new Set(['Account', 'Contact', 'Lead', 'Case', 'Individual']);

type Ways = Pick<ObjectMapping, 'object' | 'recycleBin' | 'stampField'>;

/** The system fields that every flow and query asks for; what answers with deleted records asks for `deletedFields`, too. */
export function systemFields({ recycleBin, stampField }: Ways): readonly string[] {
  return ['Id', ...(recycleBin ? ['IsDeleted'] : []), stampField];
}

/** What a deleted record says beside the fields of a live one: the record that it was merged into. */
export function deletedFields({ object, recycleBin }: Ways): readonly string[] {
  return recycleBin && MERGEABLE.has(object) ? ['MasterRecordId'] : [];
}
