import { Duration } from 'aws-cdk-lib';
import { Grant } from 'aws-cdk-lib/aws-iam';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { ARCHIVE_PREFIX, OUTBOUND_PREFIX, WORK_PREFIX } from '../core/contracts/storage-layout.ts';
import type { ChangeQueue } from './change-queue.ts';
import type { DatabaseAccess } from './database-access.ts';
import type { Deployment } from './deployment.ts';
import type { Storage } from './storage.ts';
import { SyncFunction } from './sync-function.ts';
import { SyncMachine } from './sync-machine.ts';

/** Long enough to drain what a large transaction left; also what the queues' visibility timeout is computed from. */
export const COLLECT_TIMEOUT = Duration.minutes(3);
const TASK_TIMEOUT = Duration.minutes(5);
/** The longest that Lambda allows: what ends a push is its own deadline, which a setting gives. */
const PUSH_TIMEOUT = Duration.minutes(15);

interface TasksProps {
  readonly deployment: Deployment;
  readonly storage: Storage;
}

export interface DatabaseTasksProps extends TasksProps {
  readonly database: DatabaseAccess;
  /** By object. */
  readonly queues: ReadonlyMap<string, ChangeQueue>;
  /** URL by object, as JSON. */
  readonly queueUrls: string;
}

export interface SalesforceTasksProps extends TasksProps {
  readonly salesforceSecret: ISecret;
}

/** The steps that talk to PostgreSQL: in its VPC, without a way to Salesforce. */
export function makeDatabaseTasks(
  scope: Construct,
  { deployment, storage, database, queues, queueUrls }: DatabaseTasksProps,
) {
  const environment = { BUCKET_NAME: storage.bucket.bucketName };
  const task = { deployment, database, environment, timeout: TASK_TIMEOUT, memorySize: 1024 };
  const collectChanges = new SyncFunction(scope, 'CollectChanges', {
    ...task,
    entry: 'postgres-to-salesforce/collect-changes',
    description: 'Takes the lease, drains the change queue into the link table, takes a batch of due records',
    timeout: COLLECT_TIMEOUT,
    environment: { ...environment, CHANGE_QUEUE_URLS: queueUrls },
  });
  const decideChanges = new SyncFunction(scope, 'DecideChanges', {
    ...task,
    entry: 'postgres-to-salesforce/decide-changes',
    description: 'Merges what Salesforce holds with the rows, and records what is sent',
  });
  const settleBatch = new SyncFunction(scope, 'SettleBatch', {
    ...task,
    entry: 'postgres-to-salesforce/settle-batch',
    description: 'Merges the read-back, and records what was refused',
  });
  const openCircuit = new SyncFunction(scope, 'OpenCircuit', {
    ...task,
    entry: 'postgres-to-salesforce/open-circuit',
    description: 'Remembers that Salesforce is away',
    timeout: Duration.minutes(1),
    memorySize: 512,
  });
  storage.grantWrite(collectChanges, WORK_PREFIX, ARCHIVE_PREFIX);
  storage.grantRead(collectChanges, OUTBOUND_PREFIX);
  storage.grantDelete(collectChanges, OUTBOUND_PREFIX);
  storage.grantList(collectChanges, OUTBOUND_PREFIX);
  storage.grantRead(decideChanges, WORK_PREFIX);
  storage.grantWrite(decideChanges, WORK_PREFIX, OUTBOUND_PREFIX);
  storage.grantRead(settleBatch, WORK_PREFIX, OUTBOUND_PREFIX);
  storage.grantWrite(settleBatch, WORK_PREFIX, ARCHIVE_PREFIX);
  storage.grantDelete(settleBatch, OUTBOUND_PREFIX);
  storage.grantList(settleBatch, OUTBOUND_PREFIX);
  for (const { queue } of queues.values()) {
    queue.grantConsumeMessages(collectChanges);
    queue.grantSendMessages(collectChanges);
  }
  // Named by its ARN's pattern: the machine itself needs this function first.
  Grant.addToPrincipal({
    grantee: collectChanges,
    actions: ['states:DescribeExecution'],
    resourceArns: [SyncMachine.executionsArn(scope, deployment, 'postgres-to-salesforce')],
  });
  return { collectChanges, decideChanges, settleBatch, openCircuit };
}

/** The steps that talk to Salesforce: outside the VPC, without a way to PostgreSQL. */
export function makeSalesforceTasks(scope: Construct, { deployment, storage, salesforceSecret }: SalesforceTasksProps) {
  const task = {
    deployment,
    timeout: PUSH_TIMEOUT,
    environment: { BUCKET_NAME: storage.bucket.bucketName, SALESFORCE_SECRET_ARN: salesforceSecret.secretArn },
  };
  const pushRecords = new SyncFunction(scope, 'PushRecords', {
    ...task,
    entry: 'postgres-to-salesforce/push-records',
    description: 'Updates and revives records through the Salesforce API',
  });
  const deleteRecords = new SyncFunction(scope, 'DeleteRecords', {
    ...task,
    entry: 'postgres-to-salesforce/delete-records',
    description: 'Deletes records through the Salesforce API',
  });
  for (const writer of [pushRecords, deleteRecords]) {
    storage.grantRead(writer, WORK_PREFIX);
    storage.grantWrite(writer, WORK_PREFIX);
    storage.grantDelete(writer, WORK_PREFIX);
    salesforceSecret.grantRead(writer);
  }
  return { pushRecords, deleteRecords };
}
