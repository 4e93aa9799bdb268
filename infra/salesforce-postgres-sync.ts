import { CfnOutput, Duration, Size, Stack, Stage } from 'aws-cdk-lib';
import type { IAlarmAction } from 'aws-cdk-lib/aws-cloudwatch';
import { type ISecurityGroup, type IVpc, type SubnetSelection, SubnetType } from 'aws-cdk-lib/aws-ec2';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { deploymentNameOf } from '../core/contracts/deployment-name.ts';
import { WORK_PREFIX } from '../core/contracts/storage-layout.ts';
import type { SyncConfiguration } from '../core/mapping/configuration.ts';
import { Bundles } from './bundles.ts';
import { DatabaseAccess } from './database-access.ts';
import type { Deployment } from './deployment.ts';
import { Operations } from './operations.ts';
import { PostgresToSalesforce } from './postgres-to-salesforce.ts';
import { Redrives } from './redrives.ts';
import { SalesforceToPostgres } from './salesforce-to-postgres.ts';
import { Storage } from './storage.ts';
import { Sweep } from './sweep.ts';
import { SyncFunction } from './sync-function.ts';
import { WalStreamer } from './wal-streamer.ts';

/** How Lambdas and streamer reach the database, and as whom. */
export interface DatabaseConnection {
  /** Of the database; it gets a rule that lets Lambdas and streamer in. */
  readonly securityGroup: ISecurityGroup;
  /** @default 5432 */
  readonly port?: number;
  /** Of the role that the Lambdas use: JSON {host, port, dbname, username, password}. */
  readonly functionsSecret: ISecret;
  /** Of the role that the WAL streamer uses: the same JSON. */
  readonly streamerSecret: ISecret;
}

/** How Lambdas and AppFlow reach the Salesforce org. */
export interface SalesforceAccess {
  /** For the API: JSON {instanceUrl, clientId, clientSecret, refreshToken?}. */
  readonly secret: ISecret;
  /** Of the AppFlow connection, which is made in the AppFlow console. */
  readonly connectionName: string;
}

/** The schedule empties a queue that no event announced; three times its default interval is no accident. */
const MAX_QUEUE_AGE = Duration.minutes(15);
/** A quarter of the smallest disk that RDS offers (20 GiB): time to act, not yet an accident. */
const MAX_RETAINED_WAL = Size.gibibytes(5);

/** What differs from the usual alarms. */
export interface AlarmOverrides {
  /** What every alarm does beside a notification on the topic, when it goes off and when it is over. @default nothing */
  readonly actions?: readonly IAlarmAction[];
  /** The alarm goes off when a change has waited so long in its queue. @default 15 minutes */
  readonly maxQueueAge?: Duration;
  /** The alarm goes off when PostgreSQL keeps so much WAL for the replication slot. @default 5 GiB */
  readonly maxRetainedWal?: Size;
}

export interface SalesforcePostgresSyncProps {
  /** The mapping: what `configurationFile` exports by default. */
  readonly configuration: SyncConfiguration;
  /** Path of that file. It is bundled into the Lambdas and the streamer. */
  readonly configurationFile: string;
  /** Of the database. */
  readonly vpc: IVpc;
  /**
   * Where Lambdas and streamer run: they have to reach the database and, by NAT or interface endpoints, S3, SQS,
   * EventBridge, Step Functions, Secrets Manager, CloudWatch Logs and ECR.
   * @default private subnets with a way out
   */
  readonly subnets?: SubnetSelection;
  readonly database: DatabaseConnection;
  readonly salesforce: SalesforceAccess;
  /**
   * In everything that has a fixed name in the account or in the database, so that several deployments live beside each
   * other. Lower-case letters, digits and hyphens. The command line is given the same one (`--name`).
   * @default sfsync
   */
  readonly name?: string;
  /** @default notifications on the topic, thresholds as documented there */
  readonly alarms?: AlarmOverrides;
  /** How long the log groups keep their events. @default RetentionDays.THREE_MONTHS */
  readonly logRetention?: RetentionDays;
}

/**
 * Keeps the mapped objects of a Salesforce org and tables of a PostgreSQL database in step, both ways. The stack that it is
 * in gets outputs, by which the command line finds everything; so a stack holds one.
 */
export class SalesforcePostgresSync extends Construct {
  /** Where notifications go: rejects, conflicts, failed executions, alarms. Nothing is subscribed to it. */
  readonly topic: ITopic;
  /** Holds the files between the services. */
  readonly bucket: Bucket;
  readonly salesforceToPostgres: IStateMachine;
  readonly postgresToSalesforce: IStateMachine;
  readonly sweep: IStateMachine;

  constructor(scope: Construct, id: string, props: SalesforcePostgresSyncProps) {
    super(scope, id);
    const name = deploymentNameOf(props.name);
    using bundles = new Bundles(props.configurationFile, assemblyOf(this));
    const deployment: Deployment = {
      name,
      configuration: props.configuration,
      code: bundles,
      logRetention: props.logRetention ?? RetentionDays.THREE_MONTHS,
    };
    const { secret: salesforceSecret, connectionName } = props.salesforce;
    const alarms = props.alarms ?? {};
    const storage = new Storage(this, 'Storage');
    const operations = new Operations(this, 'Operations', { deployment, alarmActions: alarms.actions ?? [], storage });
    const database = new DatabaseAccess(this, 'DatabaseAccess', {
      deployment,
      vpc: props.vpc,
      subnets: props.subnets ?? { subnetType: SubnetType.PRIVATE_WITH_EGRESS },
      port: 5432,
      ...props.database,
    });
    const readSalesforce = this.#readSalesforce(deployment, storage, salesforceSecret);
    const both = { deployment, storage, database, readSalesforce, operations, connectionName };
    const inbound = new SalesforceToPostgres(this, 'SalesforceToPostgres', both);
    const outbound = new PostgresToSalesforce(this, 'PostgresToSalesforce', {
      ...both,
      salesforceSecret,
      maxQueueAge: alarms.maxQueueAge ?? MAX_QUEUE_AGE,
      maxRetainedWal: alarms.maxRetainedWal ?? MAX_RETAINED_WAL,
    });
    const { applyRecords, flows, undelivered } = inbound;
    const sweep = new Sweep(this, 'Sweep', { ...both, salesforceSecret, applyRecords, flows, undelivered });
    new Redrives(this, 'Redrives', {
      deployment,
      operations,
      deadLetters: { 'salesforce-to-postgres': inbound.deadLetters, 'postgres-to-salesforce': outbound.deadLetters },
    });
    const { queues, queueUrls } = outbound;
    new WalStreamer(this, 'WalStreamer', { deployment, database, queues, queueUrls, operations });

    this.topic = operations.topic;
    this.bucket = storage.bucket;
    this.salesforceToPostgres = inbound.machine;
    this.postgresToSalesforce = outbound.machine;
    this.sweep = sweep.machine;
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
  #readSalesforce(deployment: Deployment, storage: Storage, salesforceSecret: ISecret): SyncFunction {
    const readSalesforce = new SyncFunction(this, 'ReadSalesforce', {
      deployment,
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

  /** Under this very name, wherever in the stack the construct is; a name takes letters and digits only. */
  #output(name: string, value: string): void {
    const plain = name.replaceAll('_', '');
    new CfnOutput(this, plain, { value }).overrideLogicalId(plain);
  }
}

/** Where assets are staged. */
function assemblyOf(scope: Construct): string {
  const stage = Stage.of(scope);
  if (stage === undefined)
    throw new Error(`${Stack.of(scope).node.path} belongs to no App, so nothing can be bundled for it`);
  return stage.assetOutdir;
}
