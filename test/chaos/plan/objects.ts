/** The objects that the run keeps in step: the sample's, with more fields, both deliveries, every policy and direction. */
import type { MappedField, MappedObject } from '../history/history.ts';

/** What a field can hold, for those who write to it. */
export interface FieldShape {
  /** Characters of a text, or digits before the point. */
  readonly length?: number;
  readonly choices?: readonly string[];
  /** Decimal places. */
  readonly scale?: number;
  readonly required?: true;
}

export interface ChaosField extends MappedField, FieldShape {}

export interface ChaosObject extends Omit<MappedObject, 'fields'> {
  readonly fields: readonly ChaosField[];
}

type Options = Partial<Omit<ChaosField, 'field' | 'column' | 'type'>>;

function field(type: string, name: string, column: string, options: Options = {}): ChaosField {
  return { field: name, column, type, direction: 'both', policy: 'salesforce', ...options };
}

const common = {
  key: 'id',
  idColumn: 'salesforce_id',
  externalId: 'External_Id__c',
  updatedAt: 'updated_at',
  insert: true,
} as const;

const STAGES = [
  'Prospecting',
  'Qualification',
  'Documents Requested',
  'Underwriting',
  'Approved',
  'Closed Won',
  'Closed Lost',
];
const INDUSTRIES = ['Banking', 'Credit Union', 'Finance', 'Insurance', 'Real Estate', 'Technology', 'Other'];
/** As the enum of an application has them: numbers from 0. */
function codesOf(values: readonly string[]): Record<string, number> {
  return Object.fromEntries(values.map((value, i) => [value, i]));
}

export const PURPOSES = [
  'Home purchase',
  'Refinancing',
  'Renovation',
  'Debt consolidation',
  'Vehicle',
  'Education',
  'Medical',
  'Business equipment',
  'Working capital',
];

/** Fields that a changed mapping may take in or leave out. */
export const OPTIONAL_FIELDS: readonly { readonly object: string; readonly field: ChaosField }[] = [
  { object: 'Contact', field: field('text', 'Title', 'title', { length: 128 }) },
  { object: 'Opportunity', field: field('text', 'NextStep', 'next_step', { length: 255 }) },
];

const OBJECTS: readonly ChaosObject[] = [
  {
    ...common,
    object: 'Account',
    table: 'public.lenders',
    delivery: 'appflow',
    lockVersion: 'lock_version',
    fields: [
      field('text', 'Name', 'name', { length: 255, required: true }),
      field('text', 'Phone', 'phone', { length: 40, policy: 'postgres' }),
      field('text', 'Website', 'website', { length: 255 }),
      field('text', 'Industry', 'industry_code', { choices: INDUSTRIES, codes: codesOf(INDUSTRIES) }),
      field('number', 'AnnualRevenue', 'annual_revenue', { length: 12, scale: 0 }),
      field('number', 'NumberOfEmployees', 'employee_count', { length: 7, scale: 0 }),
      field('text', 'Description', 'description', { length: 2000 }),
      field('reference', 'ParentId', 'parent_id', { parent: 'Account' }),
    ],
  },
  {
    ...common,
    object: 'Contact',
    table: 'public.borrowers',
    delivery: 'appflow',
    touch: 'changed_at',
    fields: [
      field('text', 'FirstName', 'first_name', { length: 40 }),
      field('text', 'LastName', 'last_name', { length: 80, required: true }),
      field('text', 'Email', 'email', { length: 80 }),
      field('text', 'Phone', 'phone', { length: 40, policy: 'postgres' }),
      field('date', 'Birthdate', 'born_on'),
      field('boolean', 'DoNotCall', 'do_not_call'),
      field('reference', 'AccountId', 'lender_id', { parent: 'Account' }),
      field('reference', 'ReportsToId', 'reports_to_id', { parent: 'Contact' }),
      field('number', 'Credit_Score__c', 'credit_score', { length: 3, scale: 0, direction: 'to-salesforce' }),
    ],
  },
  {
    ...common,
    object: 'Opportunity',
    table: 'public.loan_applications',
    delivery: 'api',
    fields: [
      field('text', 'Name', 'title', { length: 120, required: true }),
      field('number', 'Amount', 'amount', { length: 11, scale: 2, decimals: 2, policy: 'latest' }),
      field('text', 'StageName', 'stage', { choices: STAGES, required: true }),
      field('date', 'CloseDate', 'closes_on', { required: true }),
      field('reference', 'AccountId', 'lender_id', { parent: 'Account' }),
      field('reference', 'Borrower__c', 'borrower_id', { parent: 'Contact' }),
      field('number', 'Probability', 'probability', { length: 2, scale: 0, direction: 'to-postgres' }),
      field('number', 'Loan_Term_Months__c', 'term_months', { length: 3, scale: 0, policy: 'postgres' }),
      field('datetime', 'Approved_At__c', 'approved_local', { zone: { name: 'Asia/Kolkata', minutes: 330 } }),
      field('multipicklist', 'Purposes__c', 'purposes', { choices: PURPOSES }),
    ],
  },
];

/** The mapping with some of the optional fields, by name: `Contact.Title`. */
export function objectsWith(optional: readonly string[] = []): readonly ChaosObject[] {
  return OBJECTS.map((each) => {
    const more = OPTIONAL_FIELDS.filter(
      ({ object, field: { field: name } }) => object === each.object && optional.includes(`${object}.${name}`),
    );
    return { ...each, fields: [...each.fields, ...more.map(({ field: one }) => one)] };
  });
}

/** Parents come first. */
export const OBJECT_NAMES = OBJECTS.map(({ object }) => object);

export function objectCalled(name: string): ChaosObject {
  const found = objectsWith(OPTIONAL_FIELDS.map(({ object, field: one }) => `${object}.${one.field}`)).find(
    ({ object }) => object === name,
  );
  if (found === undefined) throw new Error(`There is no object ${name}`);
  return found;
}
