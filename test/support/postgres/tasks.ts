/** Tasks beside the objects of the sample: their `WhatId` points to an account, to an opportunity, or to what is not mapped. */

import type { FieldValues } from '../../../core/mapping/canonical.ts';
import {
  boolean,
  date,
  defineSync,
  number,
  reference,
  type SyncConfiguration,
  text,
} from '../../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../../core/mapping/salesforce-version.ts';
import { version } from './lender-database.ts';

/** How a row names its subject: `subject_type` and `subject_id`, as Rails does, or a column for each object. */
export type Layout = 'type and key' | 'a column each';
export const LAYOUTS: readonly Layout[] = ['type and key', 'a column each'];

export const TASKS = `
create table public.tasks (
  id bigint generated always as identity primary key, salesforce_id text unique, title text, done boolean not null default false,
  subject_type text, subject_id uuid, lender_id uuid references lenders deferrable, loan_id uuid references loan_applications deferrable);
create index on tasks (subject_type, subject_id);
alter table tasks owner to current_user;`;

type Target = 'Account' | 'Opportunity';
const TYPES = { Account: 'Lender', Opportunity: 'Loan' };
const COLUMNS = { Account: 'lender_id', Opportunity: 'loan_id' };

function whatIdOf(layout: Layout, targets: readonly Target[]) {
  const of = (texts: Readonly<Record<Target, string>>) =>
    Object.fromEntries(targets.map((each) => [each, texts[each]]));
  if (layout === 'a column each') return reference(of(COLUMNS));
  return reference({ type: 'subject_type', key: 'subject_id' }, of(TYPES));
}

export function withLayout(layout: Layout, targets: readonly Target[] = ['Account', 'Opportunity']): SyncConfiguration {
  return defineSync({
    objects: {
      Account: { table: 'lenders', delivery: 'api', fields: { Name: text('name'), Phone: text('phone') } },
      Opportunity: {
        table: 'loan_applications',
        delivery: 'api',
        fields: {
          Name: text('title'),
          StageName: text('stage'),
          CloseDate: date('closes_on'),
          Amount: number('amount'),
        },
      },
      Task: {
        table: 'tasks',
        delivery: 'api',
        deleteGuard: false,
        fields: { Subject: text('title'), IsDone__c: boolean('done'), WhatId: whatIdOf(layout, targets) },
      },
    },
  });
}

const FIELDS: Readonly<Record<string, FieldValues>> = {
  Account: { Name: 'Bank', Phone: null },
  Opportunity: { Name: 'Loan', StageName: 'Open', CloseDate: '2031-01-31', Amount: null },
  Task: { Subject: 'Call', IsDone__c: false, WhatId: null },
};

/** A record with the fields that are mapped here. */
export function record(object: string, id: string, second: number, fields: FieldValues = {}): SalesforceVersion {
  const { id: _, fields: __, ...marks } = version('Account', id, second);
  return { ...marks, id, fields: { ...FIELDS[object], ...fields } };
}

/** What the row names, as the Salesforce id of its subject or the key of one that has none. */
export const SUBJECT: Readonly<Record<Layout, string>> = {
  'type and key': `select case t.subject_type when 'Lender' then (select salesforce_id from lenders l where l.id = t.subject_id)
     when 'Loan' then (select salesforce_id from loan_applications l where l.id = t.subject_id) end as names,
     num_nonnulls(t.subject_type, t.subject_id) in (0, 2) as whole from tasks t`,
  'a column each': `select coalesce((select salesforce_id from lenders l where l.id = t.lender_id),
     (select salesforce_id from loan_applications l where l.id = t.loan_id)) as names,
     num_nonnulls(t.lender_id, t.loan_id) < 2 as whole from tasks t`,
};

/** The application's own statements. */
export const POINT_TO_LOAN: Readonly<Record<Layout, string>> = {
  'type and key': `update tasks set subject_type = 'Loan', subject_id = (select id from loan_applications where salesforce_id = $1)`,
  'a column each':
    'update tasks set lender_id = null, loan_id = (select id from loan_applications where salesforce_id = $1)',
};
export const CLEAR: Readonly<Record<Layout, string>> = {
  'type and key': 'update tasks set subject_type = null, subject_id = null',
  'a column each': 'update tasks set lender_id = null, loan_id = null',
};
/** Of these no parent can be told. */
export const STRANGE: Readonly<Record<Layout, string>> = {
  'type and key': `update tasks set subject_type = 'Invoice'`,
  'a column each': 'update tasks set loan_id = (select id from loan_applications limit 1)',
};
