import {
  boolean,
  date,
  datetime,
  defineSync,
  multipicklist,
  number,
  reference,
  text,
} from '../../core/mapping/configuration.ts';

/** The lender: sales people work in Salesforce, borrowers on the portal, whose database is PostgreSQL. */
export default defineSync({
  objects: {
    Account: {
      table: 'public.lenders',
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
      table: 'public.borrowers',
      fields: {
        FirstName: text('first_name'),
        LastName: text('last_name'),
        Email: text('email'),
        Phone: text('phone'),
        Birthdate: date('born_on'),
        DoNotCall: boolean('do_not_call'),
        AccountId: reference('lender_id', 'Account'),
        Credit_Score__c: number('credit_score', { direction: 'to-salesforce' }),
      },
    },
    Opportunity: {
      table: 'public.loan_applications',
      // An application that a borrower fills in on the portal becomes an opportunity.
      insert: true,
      externalId: 'External_Id__c',
      fields: {
        Name: text('title'),
        Amount: number('amount'),
        StageName: text('stage'),
        CloseDate: date('closes_on'),
        AccountId: reference('lender_id', 'Account'),
        Probability: number('probability', { direction: 'to-postgres' }),
        Loan_Term_Months__c: number('term_months'),
        Approved_At__c: datetime('approved_at'),
        Purposes__c: multipicklist('purposes'),
      },
    },
  },
});
