import { CfnOutput, Duration, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { WORK_PREFIX } from '../core/contracts/storage-layout.ts';
import type { SyncConfiguration } from '../core/mapping/configuration.ts';
import { DatabaseAccess } from './database-access.ts';
import type { FunctionCode } from './function-bundles.ts';
import { Operations } from './operations.ts';
import { declareParameters } from './parameters.ts';
import { PostgresToSalesforce } from './postgres-to-salesforce.ts';
import { SalesforceToPostgres } from './salesforce-to-postgres.ts';
import { Storage } from './storage.ts';
import { Sweep } from './sweep.ts';
import { SyncFunction } from './sync-function.ts';
import { WalStreamer } from './wal-streamer.ts';

export interface SyncStackProps extends StackProps {
  readonly configuration: SyncConfiguration;
  readonly bundles: FunctionCode;
}

/** Everything that sfsync deploys. Connects the constructs; names and outputs are the contract with whoever operates it. */
export class SyncStack extends Stack {
  constructor(scope: Construct, id: string, { configuration, bundles, ...stackProps }: SyncStackProps) {
    super(scope, id, { description: 'sfsync: keeps Salesforce and PostgreSQL in step, both ways', ...stackProps });
    const parameters = declareParameters(this);
    Validations.of(this).acknowledge({ id: 'CloudFormation-Validate::W2509', reason: 'The ARN of a secret is none' });
    const connectionName = parameters.salesforceConnectionName;
    const operations = new Operations(this, 'Operations', { bundles });
    const storage = new Storage(this, 'Storage');
    const database = new DatabaseAccess(this, 'DatabaseAccess', parameters);
    const salesforceSecret = Secret.fromSecretCompleteArn(this, 'SalesforceSecret', parameters.salesforceSecretArn);
    const readSalesforce = this.#readSalesforce(bundles, storage, salesforceSecret);
    const both = { configuration, bundles, storage, database, readSalesforce, operations, connectionName };
    const inbound = new SalesforceToPostgres(this, 'SalesforceToPostgres', both);
    const outbound = new PostgresToSalesforce(this, 'PostgresToSalesforce', { ...both, salesforceSecret });
    const { applyRecords, flows, undelivered } = inbound;
    const sweep = new Sweep(this, 'Sweep', { ...both, salesforceSecret, applyRecords, flows, undelivered });
    const { queues, queueUrls } = outbound;
    new WalStreamer(this, 'WalStreamer', { database, queues, queueUrls, operations });

    this.#output('BucketName', storage.bucket.bucketName);
    this.#output('TopicArn', operations.topic.topicArn);
    this.#output('SalesforceToPostgresStateMachineArn', inbound.machine.stateMachineArn);
    this.#output('PostgresToSalesforceStateMachineArn', outbound.machine.stateMachineArn);
    this.#output('SweepStateMachineArn', sweep.machine.stateMachineArn);
    this.#output('SalesforceToPostgresDeadLetterQueueUrl', inbound.deadLetters.queueUrl);
    this.#output('PostgresToSalesforceDeadLetterQueueUrl', outbound.deadLetters.queueUrl);
    this.#output('SalesforceToPostgresUndeliveredEventsQueueUrl', inbound.undelivered.queueUrl);
    this.#output('PostgresToSalesforceUndeliveredEventsQueueUrl', outbound.undelivered.queueUrl);
    this.#output('UndeliveredNoticesQueueUrl', operations.undelivered.queueUrl);
    for (const [object, { queue, deadLetterQueue }] of queues) {
      this.#output(`ChangeQueueUrl${object}`, queue.queueUrl);
      this.#output(`ChangeDeadLetterQueueUrl${object}`, deadLetterQueue.queueUrl);
    }
    for (const [object, { flowName }] of inbound.flows) this.#output(`InboundFlowName${object}`, flowName);
    for (const [object, { flowName }] of outbound.flows) this.#output(`OutboundFlowName${object}`, flowName);
  }

  /** Both pipelines look at Salesforce in the same way. */
  #readSalesforce(bundles: FunctionCode, storage: Storage, salesforceSecret: ISecret): SyncFunction {
    const readSalesforce = new SyncFunction(this, 'ReadSalesforce', {
      bundles,
      entry: 'read-salesforce',
      description: 'Reads records as Salesforce holds them now, those in the recycle bin included',
      timeout: Duration.minutes(5),
      memorySize: 1024,
      environment: { BUCKET_NAME: storage.bucket.bucketName, SALESFORCE_SECRET_ARN: salesforceSecret.secretArn },
    });
    storage.grantRead(readSalesforce, WORK_PREFIX);
    storage.grantWrite(readSalesforce, WORK_PREFIX);
    storage.grantList(readSalesforce, WORK_PREFIX);
    salesforceSecret.grantRead(readSalesforce);
    return readSalesforce;
  }

  /** An output's name takes letters and digits only. */
  #output(name: string, value: string): void {
    new CfnOutput(this, name.replaceAll('_', ''), { value });
  }
}
