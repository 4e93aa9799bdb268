/** All faults, by name. */
import { appflowFaults } from './appflow.ts';
import { applicationFaults } from './application.ts';
import { awsFaults } from './aws.ts';
import { executionFaults } from './executions.ts';
import { failpointFaults } from './failpoints.ts';
import type { Fault } from './fault.ts';
import { passwordFaults } from './passwords.ts';
import { postgresFaults } from './postgres.ts';
import { processFaults } from './processes.ts';
import { salesforceFaults } from './salesforce.ts';
import { slotFaults } from './slot.ts';

export const FAULTS: readonly Fault[] = [
  ...processFaults,
  ...failpointFaults,
  ...executionFaults,
  ...postgresFaults,
  ...applicationFaults,
  ...slotFaults,
  ...passwordFaults,
  ...salesforceFaults,
  ...awsFaults,
  ...appflowFaults,
];
