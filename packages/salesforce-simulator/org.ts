import type { ApiUsage } from './api-usage.ts';
import type { Faults } from './faults/faults.ts';
import type { AcceptanceRules } from './records/field-values.ts';
import type { RecordStore } from './records/record-store.ts';
import type { OpportunityStage } from './schema/opportunity-stages.ts';
import type { OrgSchema } from './schema/org-schema.ts';
import type { Stats } from './stats.ts';

/** Who this org is. Made once and kept with its records. */
export interface OrgIdentity {
  readonly organizationId: string;
  readonly userId: string;
  readonly username: string;
  readonly password: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Valid as long as the org lives; does not expire. */
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** The org as its parts see it. */
export interface Org {
  readonly schema: OrgSchema;
  readonly records: RecordStore;
  readonly faults: Faults;
  readonly stats: Stats;
  readonly usage: ApiUsage;
  readonly identity: OrgIdentity;
  readonly stages: readonly OpportunityStage[];
  /** `http://127.0.0.1:<port>`, where this org answers. */
  readonly instanceUrl: () => string;
  /** The org's own clock, milliseconds since 1970. */
  now(): number;
  /** When a describe last changed, milliseconds since 1970. */
  schemaChangedAt(): number;
}

/** In which call something is written, and by whom. */
export interface Writer {
  readonly kind: string;
  readonly client: string | undefined;
  readonly userId: string;
}

/** How this org stores values. */
export function acceptanceRules(org: Org): AcceptanceRules {
  return { sortMultipicklists: !org.faults.isOn('keepMultipicklistOrder') };
}
