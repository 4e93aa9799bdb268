import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { SyncConfiguration } from '../core/mapping/configuration.ts';
import type { DeployedCode } from './bundles.ts';

/** What all constructs of one deployment share. */
export interface Deployment {
  /** In everything whose name is fixed in the account. */
  readonly name: string;
  readonly configuration: SyncConfiguration;
  readonly code: DeployedCode;
  readonly logRetention: RetentionDays;
}
