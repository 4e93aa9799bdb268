/** What a team's sync.config.ts imports from 'sfsync'. */
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
  reference,
  type SyncConfiguration,
  type SyncDefinition,
  text,
  time,
} from './core/mapping/configuration.ts';
