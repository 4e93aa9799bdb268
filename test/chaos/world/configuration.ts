/** The project as the run has it: its sync.config.ts and what its tables have beyond the sample's. */
import type { ChaosField, ChaosObject } from '../plan/objects.ts';

export const SCHEMA = `
alter table public.lenders add column if not exists parent_id uuid references public.lenders deferrable;
alter table public.borrowers add column if not exists reports_to_id uuid references public.borrowers deferrable;
alter table public.borrowers add column if not exists title text;
alter table public.loan_applications add column if not exists borrower_id uuid references public.borrowers deferrable;
alter table public.loan_applications add column if not exists next_step text;
alter table public.loan_applications alter column amount type numeric(14,2);
alter table public.lenders add column if not exists industry_code integer;
alter table public.lenders add column if not exists lock_version integer not null default 0;
alter table public.borrowers add column if not exists changed_at timestamptz not null default now();
alter table public.loan_applications add column if not exists approved_local timestamp;
`;

/** The waits of the real world are cut short where a run would have to sit them out; everything else is as by default. */
const SETTINGS = {
  announceEverySeconds: 1,
  // A minute here: a wake-up that is lost shows before it mends that.
  safetyNetMinutes: 60,
  pushDeadlineSeconds: 10,
  requestLifeSeconds: 1,
  clockSkewSeconds: 2,
  longestRunMinutes: 1,
  lateCommitMinutes: 1,
  sweepGraceMinutes: 1,
  // A few records have to be many: batches and ranges end within what the run writes.
  rangeMegabytes: 0.0625,
  batchRecords: 200,
  bulkAboveRecords: 20,
};

/** Text of `sync.config.ts` in the folder of the sample. */
export function configurationText(objects: readonly ChaosObject[]): string {
  const definition = {
    objects: Object.fromEntries(objects.map((object) => [object.object, definitionOf(object)])),
    settings: SETTINGS,
  };
  return `import { defineSync } from '../../core/mapping/configuration.ts';

export default defineSync(${JSON.stringify(definition, undefined, 2)});
`;
}

function definitionOf({ table, delivery, insert, fields, lockVersion, touch }: ChaosObject): object {
  return {
    table,
    delivery,
    insert,
    externalId: 'External_Id__c',
    deleteGuard: false,
    lockVersion,
    touch,
    ...(fields.some(({ policy }) => policy === 'latest') ? { updatedAt: 'updated_at' } : {}),
    fields: Object.fromEntries(fields.map((field) => [field.field, fieldOf(field)])),
  };
}

function fieldOf({ column, type, direction, policy, parent, codes, zone }: ChaosField): object {
  return {
    column,
    type,
    direction,
    policy,
    values: codes,
    zone: zone?.name,
    ...(parent === undefined ? {} : { references: parent }),
  };
}
