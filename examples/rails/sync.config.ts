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

/** Columns that Rails keeps in each of these tables. */
const rails = { updatedAt: 'updated_at', touch: 'updated_at', createdAt: 'created_at', lockVersion: 'lock_version' };

/** What the application makes becomes a record. */
const inserts = { insert: true, externalId: 'External_Id__c' };

export default defineSync({
  objects: {
    Account: {
      ...rails,
      ...inserts,
      table: 'organizations',
      // Lenders and brokers share the table; sales people know of the lenders alone.
      filter: { where: "type = 'Lender'", values: { type: 'Lender' } },
      fields: {
        Name: text('name'),
        Phone: text('phone'),
        Website: text('website'),
        Industry: text('industry'),
        AnnualRevenue: number('annual_revenue'),
        NumberOfEmployees: number('employee_count'),
        Description: text('description'),
      },
    },
    Contact: {
      ...rails,
      ...inserts,
      table: 'borrowers',
      delivery: 'api',
      deleteRow: 'soft',
      deletedAt: 'discarded_at',
      fields: {
        FirstName: text('first_name'),
        LastName: text('last_name'),
        Email: text('email', { policy: 'postgres' }),
        Phone: text('phone', { policy: 'latest' }),
        Birthdate: date('birthdate'),
        DoNotCall: boolean('do_not_call'),
        AccountId: reference('lender_id', 'Account'),
        Credit_Score__c: number('credit_score', { direction: 'to-salesforce' }),
      },
    },
    Opportunity: {
      ...rails,
      ...inserts,
      table: 'loan_applications',
      delivery: 'api',
      // The application gives it in a callback, which does not run for rows of sfsync.
      onInsert: { reference: { sql: "'SF-' || upper(substr(md5(random()::text), 1, 10))" } },
      fields: {
        Name: text('title'),
        Amount: number('amount'),
        StageName: picklist('status', {
          values: {
            Prospecting: 0,
            Qualification: 1,
            'Documents Requested': 2,
            Underwriting: 3,
            Approved: 4,
            'Closed Won': 5,
            'Closed Lost': 6,
          },
        }),
        CloseDate: date('closes_on'),
        AccountId: reference('lender_id', 'Account'),
        Borrower__c: reference('borrower_id', 'Contact'),
        Loan_Term_Months__c: number('term_months'),
        Approved_At__c: datetime('approved_at'),
        Purposes__c: multipicklist('purposes'),
      },
    },
  },
});
