import { en, Faker } from '@faker-js/faker';
import type { SeedRecord } from '../../packages/salesforce-simulator/org-simulator.ts';

/** Values of the org's picklists (`salesforce/*.json`). */
const INDUSTRIES = ['Banking', 'Credit Union', 'Finance', 'Insurance', 'Real Estate', 'Technology', 'Other'];
const LEAD_SOURCES = ['Web', 'Phone Inquiry', 'Partner Referral', 'Purchased List', 'Other'];
const PURPOSES = [
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
export const STAGES = [
  'Prospecting',
  'Qualification',
  'Documents Requested',
  'Underwriting',
  'Approved',
  'Closed Won',
  'Closed Lost',
];

const LENDERS = 60;
const BORROWERS = 300;
const LOAN_APPLICATIONS = 500;
const DAY_MS = 86_400_000;
/** The newest record of the seed is this old, the oldest 20 days. */
const YOUNGEST_MS = 10 * 60_000;
const OLDEST_MS = 20 * DAY_MS;

/** The lender's sample: the same people and loans each time, dated back from `now` (milliseconds since 1970). */
export default function lenderSeed(now: number): readonly SeedRecord[] {
  const faker = new Faker({ locale: en, seed: 20_260_117 });
  const moments = (count: number, oldest: (i: number) => number) =>
    Array.from({ length: count }, (_, i) => faker.number.int({ min: oldest(i), max: now - YOUNGEST_MS }));
  const lenders = moments(LENDERS, () => now - OLDEST_MS)
    .sort((a, b) => a - b)
    .map((createdAt, i) => lender(faker, `lender-${i}`, createdAt));
  /** Children come after their lender; those of lenders picked at random, by the time of their creation. */
  const children = (count: number) => {
    const parents = Array.from({ length: count }, () => faker.helpers.arrayElement(lenders));
    const createdAt = moments(count, (i) => parents[i]?.createdAt ?? now - OLDEST_MS);
    return parents
      .map((parent, i) => ({ lenderKey: parent.key ?? '', createdAt: createdAt[i] ?? parent.createdAt }))
      .sort((a, b) => a.createdAt - b.createdAt);
  };
  const borrowers = children(BORROWERS).map((child) => borrower(faker, now, child.lenderKey, child.createdAt));
  const loans = children(LOAN_APPLICATIONS).map((child, i) =>
    loanApplication(faker, now, i, child.lenderKey, child.createdAt),
  );
  return [...lenders, ...borrowers, ...loans];
}

function lender(faker: Faker, key: string, createdAt: number): SeedRecord {
  const city = faker.location.city();
  const kind = faker.helpers.arrayElement(['Bank', 'Savings Bank', 'Credit Union', 'Mortgage', 'Capital', 'Lending']);
  const name = `${faker.helpers.arrayElement([city, faker.person.lastName(), faker.company.name()])} ${kind}`;
  return {
    object: 'Account',
    key,
    createdAt,
    values: {
      Name: name,
      Phone: usPhone(faker),
      Website: `https://www.${name
        .toLowerCase()
        .replace(/[^a-z]+/g, '-')
        .replace(/-$/, '')}.example`,
      Industry: INDUSTRIES.find((industry) => kind.endsWith(industry.replace('Banking', 'Bank'))) ?? 'Finance',
      AnnualRevenue: faker.number.int({ min: 8, max: 9000 }) * 100_000,
      NumberOfEmployees: faker.number.int({ min: 6, max: 4200 }),
      Description: faker.helpers.maybe(() => faker.company.catchPhrase(), { probability: 0.7 }) ?? null,
      AccountNumber: faker.string.numeric(8),
      Type: faker.helpers.arrayElement(['Partner', 'Customer - Direct', 'Prospect']),
      BillingStreet: faker.location.streetAddress(),
      BillingCity: city,
      BillingState: faker.location.state(),
      BillingPostalCode: faker.location.zipCode('#####'),
      BillingCountry: 'United States',
    },
  };
}

function borrower(faker: Faker, now: number, lenderKey: string, createdAt: number): SeedRecord {
  const [FirstName, LastName] = [faker.person.firstName(), faker.person.lastName()];
  const bornAt = now - faker.number.int({ min: 21 * 365, max: 78 * 365 }) * DAY_MS;
  return {
    object: 'Contact',
    createdAt,
    lookups: { AccountId: lenderKey },
    values: {
      FirstName,
      LastName,
      Email: faker.internet.email({ firstName: FirstName, lastName: LastName, provider: 'mail.example' }).toLowerCase(),
      Phone: usPhone(faker),
      MobilePhone: faker.helpers.maybe(() => usPhone(faker)) ?? null,
      Birthdate: toDatetime(bornAt).slice(0, 10),
      DoNotCall: faker.datatype.boolean({ probability: 0.15 }),
      Title: faker.person.jobTitle(),
      LeadSource: faker.helpers.arrayElement(LEAD_SOURCES),
      MailingStreet: faker.location.streetAddress(),
      MailingCity: faker.location.city(),
      MailingState: faker.location.state(),
      MailingPostalCode: faker.location.zipCode('#####'),
      MailingCountry: 'United States',
    },
  };
}

function loanApplication(faker: Faker, now: number, i: number, lenderKey: string, createdAt: number): SeedRecord {
  const StageName = faker.helpers.arrayElement(STAGES);
  const purposes = faker.helpers.arrayElements(PURPOSES, { min: 1, max: 3 });
  const approved = StageName === 'Approved' || StageName === 'Closed Won';
  const closesIn = faker.number.int({ min: -15, max: 90 }) * DAY_MS;
  return {
    object: 'Opportunity',
    createdAt,
    lookups: { AccountId: lenderKey },
    values: {
      Name: `${purposes[0]} loan ${faker.person.lastName()} ${1001 + i}`,
      Amount: faker.number.int({ min: 20, max: 6000 }) * 100 + faker.helpers.arrayElement([0, 0, 0, 49.5, 99.99]),
      StageName,
      CloseDate: toDatetime(now + closesIn).slice(0, 10),
      Loan_Term_Months__c: faker.helpers.arrayElement([12, 24, 36, 48, 60, 84, 120, 180, 240, 360]),
      Approved_At__c: approved ? toDatetime(faker.number.int({ min: createdAt, max: now })) : null,
      Purposes__c: faker.helpers.maybe(() => purposes.join(';'), { probability: 0.9 }) ?? null,
      Type: 'New Customer',
      LeadSource: faker.helpers.arrayElement(LEAD_SOURCES),
      NextStep:
        faker.helpers.maybe(() => faker.helpers.arrayElement(['Call back', 'Wait for documents', 'Send offer'])) ??
        null,
    },
  };
}

function usPhone(faker: Faker): string {
  return `(${faker.string.numeric({ length: 3, allowLeadingZeros: false })}) 555-${faker.string.numeric(4)}`;
}

/** As Salesforce writes a moment, cut to its second. */
function toDatetime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}.000+0000`;
}
