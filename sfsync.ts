/** What a team's sync.config.ts, and the sample records of its local org, import from 'sfsync'. */
export {
  boolean,
  type ConflictPolicy,
  type DeleteRecord,
  type DeleteRow,
  type Delivery,
  type Direction,
  date,
  datetime,
  defineSync,
  multipicklist,
  number,
  picklist,
  recordType,
  reference,
  richText,
  type SyncConfiguration,
  type SyncDefinition,
  text,
  time,
} from './core/mapping/configuration.ts';
export type { Conversion } from './core/mapping/field-types/converted.ts';
export type { SeedRecord } from './packages/salesforce-simulator/org-simulator.ts';
