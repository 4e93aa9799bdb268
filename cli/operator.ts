import type { AwsAccount } from '../aws/aws-account.ts';
import type { Terminal } from './terminal.ts';

/** Who redrives, and how. Every redrive answers how many things are left that an operator has to look at. */
export interface Operator {
  readonly aws: AwsAccount;
  readonly terminal: Terminal;
  /** Print what would be done, and do nothing. */
  readonly dryRun: boolean;
}
