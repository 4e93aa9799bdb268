import {
  address,
  checkbox,
  date,
  datetime,
  decimal,
  email,
  type FieldValues,
  int,
  lookup,
  multipicklist,
  type ObjectDefinition,
  phone,
  picklist,
  text,
  textarea,
  url,
} from '../../packages/salesforce-simulator/schema/object-definition.ts';

/** The org of the sample: a lender whose sales people keep banks, borrowers and loan applications in Salesforce. */

export const INDUSTRIES = ['Banking', 'Credit Union', 'Finance', 'Insurance', 'Real Estate', 'Technology', 'Other'];
export const LEAD_SOURCES = ['Web', 'Phone Inquiry', 'Partner Referral', 'Purchased List', 'Other'];
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

/** Stages of a loan application with the probability (percent) that Salesforce sets for them. */
export const STAGES = {
  Prospecting: 10,
  Qualification: 20,
  'Documents Requested': 40,
  Underwriting: 60,
  Approved: 80,
  'Closed Won': 100,
  'Closed Lost': 0,
} as const;

const SALUTATIONS = ['Mr.', 'Ms.', 'Mrs.', 'Dr.', 'Prof.'];
const ACCOUNT_TYPES = ['Prospect', 'Partner', 'Customer - Direct', 'Customer - Channel', 'Other'];
const OPPORTUNITY_TYPES = ['New Customer', 'Existing Customer - Refinance', 'Existing Customer - Top-up'];
const activity = [date('LastActivityDate', 'Last Activity', { readOnly: true })];

const ACCOUNT: ObjectDefinition = {
  name: 'Account',
  label: 'Account',
  labelPlural: 'Accounts',
  keyPrefix: '001',
  mergeable: true,
  fields: [
    text('Name', 'Account Name', 255, { required: true, nameField: true }),
    picklist('Type', 'Account Type', ACCOUNT_TYPES),
    lookup('ParentId', 'Parent Account ID', 'Account', 'Parent', { childRelationshipName: 'ChildAccounts' }),
    ...address('Billing', 'Billing'),
    ...address('Shipping', 'Shipping'),
    phone('Phone', 'Account Phone'),
    phone('Fax', 'Account Fax'),
    text('AccountNumber', 'Account Number', 40),
    url('Website', 'Website'),
    text('Sic', 'SIC Code', 20),
    picklist('Industry', 'Industry', INDUSTRIES),
    decimal('currency', 'AnnualRevenue', 'Annual Revenue', 18, 0),
    int('NumberOfEmployees', 'Employees', 8),
    picklist('Ownership', 'Ownership', ['Public', 'Private', 'Subsidiary', 'Other']),
    text('TickerSymbol', 'Ticker Symbol', 20),
    textarea('Description', 'Account Description', 32_000),
    picklist('Rating', 'Account Rating', ['Hot', 'Warm', 'Cold']),
    text('Site', 'Account Site', 80),
    picklist('AccountSource', 'Account Source', LEAD_SOURCES),
    ...activity,
    text('External_Id__c', 'External ID', 64, { externalId: true, unique: true }),
  ],
};

const CONTACT: ObjectDefinition = {
  name: 'Contact',
  label: 'Contact',
  labelPlural: 'Contacts',
  keyPrefix: '003',
  mergeable: true,
  fields: [
    lookup('AccountId', 'Account ID', 'Account', 'Account', { childRelationshipName: 'Contacts', cascadeDelete: true }),
    text('LastName', 'Last Name', 80, { required: true, compoundFieldName: 'Name' }),
    text('FirstName', 'First Name', 40, { compoundFieldName: 'Name' }),
    picklist('Salutation', 'Salutation', SALUTATIONS, { compoundFieldName: 'Name' }),
    text('Name', 'Full Name', 121, { readOnly: true, defaultedOnCreate: true, nameField: true }),
    ...address('Other', 'Other'),
    ...address('Mailing', 'Mailing'),
    phone('Phone', 'Business Phone'),
    phone('Fax', 'Business Fax'),
    phone('MobilePhone', 'Mobile Phone'),
    phone('HomePhone', 'Home Phone'),
    phone('OtherPhone', 'Other Phone'),
    lookup('ReportsToId', 'Reports To ID', 'Contact', 'ReportsTo'),
    email('Email', 'Email'),
    text('Title', 'Title', 128),
    text('Department', 'Department', 80),
    picklist('LeadSource', 'Lead Source', LEAD_SOURCES),
    date('Birthdate', 'Birthdate'),
    textarea('Description', 'Contact Description', 32_000),
    checkbox('HasOptedOutOfEmail', 'Email Opt Out'),
    checkbox('DoNotCall', 'Do Not Call'),
    ...activity,
    decimal('double', 'Credit_Score__c', 'Credit Score', 3, 0),
    text('External_Id__c', 'External ID', 64, { externalId: true, unique: true }),
  ],
  onSave: (contact) => ({ Name: [contact.FirstName, contact.LastName].filter((part) => part).join(' ') }),
};

const OPPORTUNITY: ObjectDefinition = {
  name: 'Opportunity',
  label: 'Opportunity',
  labelPlural: 'Opportunities',
  keyPrefix: '006',
  fields: [
    lookup('AccountId', 'Account ID', 'Account', 'Account', {
      childRelationshipName: 'Opportunities',
      cascadeDelete: true,
    }),
    text('Name', 'Name', 120, { required: true, nameField: true }),
    textarea('Description', 'Description', 32_000),
    picklist('StageName', 'Stage', Object.keys(STAGES), { required: true }),
    decimal('currency', 'Amount', 'Amount', 18, 2),
    decimal('percent', 'Probability', 'Probability (%)', 3, 0, { defaultedOnCreate: true }),
    decimal('currency', 'ExpectedRevenue', 'Expected Amount', 18, 2, { readOnly: true }),
    date('CloseDate', 'Close Date', { required: true }),
    picklist('Type', 'Opportunity Type', OPPORTUNITY_TYPES),
    text('NextStep', 'Next Step', 255),
    picklist('LeadSource', 'Lead Source', LEAD_SOURCES),
    checkbox('IsClosed', 'Closed', { readOnly: true }),
    checkbox('IsWon', 'Won', { readOnly: true }),
    picklist('ForecastCategoryName', 'Forecast Category', ['Omitted', 'Pipeline', 'Best Case', 'Commit', 'Closed'], {
      defaultedOnCreate: true,
    }),
    checkbox('IsPrivate', 'Private'),
    ...activity,
    decimal('double', 'Loan_Term_Months__c', 'Loan Term (Months)', 3, 0),
    datetime('Approved_At__c', 'Approved At'),
    multipicklist('Purposes__c', 'Purposes', PURPOSES, { restricted: true }),
    lookup('Borrower__c', 'Borrower', 'Contact', 'Borrower__r', { childRelationshipName: 'Loans__r' }),
    text('External_Id__c', 'External ID', 64, { externalId: true, unique: true }),
  ],
  onSave: onOpportunitySave,
};

/** The stage sets probability and forecast unless the client gives them; what follows from them is never given. */
function onOpportunitySave(opportunity: FieldValues, given: ReadonlySet<string>): FieldValues {
  const stage = String(opportunity.StageName);
  const ofStage: number | undefined = Object.entries(STAGES).find(([name]) => name === stage)?.[1];
  const byStage = given.has('StageName') && !given.has('Probability') && ofStage !== undefined;
  const probability = byStage ? ofStage : (opportunity.Probability ?? null);
  const amount = opportunity.Amount ?? null;
  const isWon = stage === 'Closed Won';
  const isClosed = isWon || stage === 'Closed Lost';
  const forecast = isWon ? 'Closed' : isClosed ? 'Omitted' : 'Pipeline';
  const keepForecast = given.has('ForecastCategoryName') || !given.has('StageName');
  return {
    Probability: probability,
    ExpectedRevenue: amount === null || probability === null ? null : (Number(amount) * Number(probability)) / 100,
    IsClosed: isClosed,
    IsWon: isWon,
    ForecastCategoryName: keepForecast ? (opportunity.ForecastCategoryName ?? forecast) : forecast,
  };
}

export const LENDER_ORG: readonly ObjectDefinition[] = [ACCOUNT, CONTACT, OPPORTUNITY];
