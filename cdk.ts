/** What a team's CDK app imports from 'sfsync/cdk'. */
export {
  type AlarmOverrides,
  type DatabaseConnection,
  type SalesforceAccess,
  SalesforcePostgresSync,
  type SalesforcePostgresSyncProps,
} from './infra/salesforce-postgres-sync.ts';
export { SyncStack, type SyncStackProps } from './infra/stack.ts';
