import {
  boolean,
  date,
  datetime,
  defineSync,
  multipicklist,
  number,
  picklist,
  reference,
  text,
} from '../../core/mapping/configuration.ts';

/**
 * What Prisma's client does for each row, sfsync does for those that come from Salesforce: a key in the form of `cuid()`, and
 * `updatedAt`, for which the table has no default.
 */
const model = {
  salesforceId: 'salesforceId',
  onInsert: { id: { sql: "'c' || substr(replace(gen_random_uuid()::text, '-', ''), 1, 24)" } },
  createdAt: 'createdAt',
  updatedAt: 'updatedAt',
  touch: 'updatedAt',
  insert: true,
  externalId: 'External_Id__c',
};

/** The tables that `prisma migrate` makes of prisma/schema.prisma. */
export default defineSync({
  objects: {
    Account: {
      ...model,
      table: 'Lender',
      fields: {
        Name: text('name'),
        Phone: text('phone'),
        Industry: picklist('industry', {
          values: { Banking: 'BANKING', 'Credit Union': 'credit union', Private: 'PRIVATE' },
        }),
        AnnualRevenue: number('annualRevenue'),
      },
    },
    Contact: {
      ...model,
      table: 'Borrower',
      fields: {
        FirstName: text('firstName'),
        LastName: text('lastName'),
        Email: text('email'),
        Birthdate: date('bornOn'),
        DoNotCall: boolean('doNotCall'),
        Tags__c: multipicklist('tags'),
        AccountId: reference('lenderId', 'Account'),
      },
    },
    Loan__c: {
      ...model,
      table: 'Loan',
      delivery: 'api',
      fields: {
        Name: text('title'),
        Status__c: picklist('status', {
          values: {
            Draft: 'DRAFT',
            Submitted: 'SUBMITTED',
            Underwriting: 'UNDERWRITING',
            Approved: 'APPROVED',
            Declined: 'DECLINED',
          },
        }),
        Amount__c: number('amount', { policy: 'latest' }),
        Rate__c: number('rate'),
        Term_Months__c: number('termMonths'),
        Purposes__c: multipicklist('purposes'),
        Channels__c: multipicklist('channels'),
        Approved_At__c: datetime('approvedAt'),
        Lender__c: reference('lenderId', 'Account'),
        Borrower__c: reference('borrowerId', 'Contact'),
      },
    },
    Payment__c: {
      ...model,
      table: 'Payment',
      delivery: 'api',
      fields: {
        Name: text('reference'),
        Amount__c: number('amount'),
        Due_On__c: date('dueOn'),
        Paid__c: boolean('paid'),
        Loan__c: reference('loanId', 'Loan__c'),
      },
    },
  },
});
