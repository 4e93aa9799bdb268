import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { EventBus, EventField, Match, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { INBOUND_PREFIX, WORK_PREFIX } from '../core/contracts/storage-layout.ts';
import type { ObjectMapping } from '../core/mapping/configuration.ts';
import { deadLetterQueue } from './change-queue.ts';
import type { DatabaseAccess } from './database-access.ts';
import type { Deployment } from './deployment.ts';
import { InboundFlow } from './inbound-flow.ts';
import type { Operations } from './operations.ts';
import type { Storage } from './storage.ts';
import { SyncFunction } from './sync-function.ts';
import { SyncMachine } from './sync-machine.ts';

export interface SalesforceToPostgresProps {
  readonly deployment: Deployment;
  readonly storage: Storage;
  readonly database: DatabaseAccess;
  readonly readSalesforce: SyncFunction;
  readonly operations: Operations;
  readonly connectionName: string;
}

const TASK_TIMEOUT = Duration.minutes(5);

/** From a change in Salesforce to its row: scheduled flows, the rule on their files, the machine and its Lambdas. */
export class SalesforceToPostgres extends Construct {
  readonly machine: SyncMachine;
  /** Shared with the sweep. */
  readonly applyRecords: SyncFunction;
  /** Failed executions, by ARN. */
  readonly deadLetters: IQueue;
  /** Events that did not start an execution. */
  readonly undelivered: IQueue;
  /** By object. */
  readonly flows: ReadonlyMap<string, InboundFlow>;

  constructor(scope: Construct, id: string, props: SalesforceToPostgresProps) {
    super(scope, id);
    this.applyRecords = this.#applyRecords(props);
    this.machine = this.#machine(props, this.applyRecords);
    this.deadLetters = deadLetterQueue(this, 'DeadLetters');
    this.undelivered = deadLetterQueue(this, 'UndeliveredEvents');
    props.operations.watch(this.machine, this.deadLetters);
    this.#startOnFiles(props);
    this.flows = new Map(
      props.deployment.configuration.objects.map((mapping) => [mapping.object, this.#flow(props, mapping)]),
    );
  }

  #applyRecords({ deployment, storage, database }: SalesforceToPostgresProps): SyncFunction {
    const applyRecords = new SyncFunction(this, 'ApplyRecords', {
      deployment,
      entry: 'salesforce-to-postgres/apply-records',
      description: 'Merges the records of a range into PostgreSQL in one transaction',
      timeout: TASK_TIMEOUT,
      memorySize: 1024,
      environment: { BUCKET_NAME: storage.bucket.bucketName },
      database,
      // A replication origin is held by one session at a time, and so is a database connection.
      reservedConcurrentExecutions: deployment.configuration.settings.origins,
    });
    storage.grantRead(applyRecords, WORK_PREFIX);
    storage.grantWrite(applyRecords, WORK_PREFIX);
    return applyRecords;
  }

  #machine(
    { deployment, storage, readSalesforce, operations }: SalesforceToPostgresProps,
    applyRecords: SyncFunction,
  ): SyncMachine {
    const environment = { BUCKET_NAME: storage.bucket.bucketName };
    const task = { deployment, environment, timeout: TASK_TIMEOUT, memorySize: 1024 };
    const validateFile = new SyncFunction(this, 'ValidateFile', {
      ...task,
      entry: 'salesforce-to-postgres/validate-file',
      description: 'Is this a file of records, and of which object? Splits it into ranges',
    });
    const mapRecords = new SyncFunction(this, 'MapRecords', {
      ...task,
      entry: 'salesforce-to-postgres/map-records',
      description: 'Field mapping, and conversion to canonical values',
    });
    for (const reader of [validateFile, mapRecords]) {
      storage.grantRead(reader, INBOUND_PREFIX);
      storage.grantWrite(reader, WORK_PREFIX);
    }

    const machine = new SyncMachine(this, 'Machine', {
      deployment,
      pipeline: 'salesforce-to-postgres',
      substitutions: {
        ValidateFileFunctionArn: validateFile.functionArn,
        MapRecordsFunctionArn: mapRecords.functionArn,
        ApplyRecordsFunctionArn: applyRecords.functionArn,
        ApplyRecordsConcurrency: String(deployment.configuration.settings.origins),
        ReadSalesforceFunctionArn: readSalesforce.functionArn,
        NotifyFunctionArn: operations.notify.functionArn,
      },
    });
    for (const called of [validateFile, mapRecords, applyRecords, readSalesforce, operations.notify]) {
      called.grantInvoke(machine);
    }
    EventBus.fromEventBusName(this, 'DefaultBus', 'default').grantPutEventsTo(machine);
    return machine;
  }

  /** S3 delivers at least once, and a rule cannot name executions: a file may be worked on twice, which is harmless. */
  #startOnFiles({ storage, operations }: SalesforceToPostgresProps): void {
    new Rule(this, 'FileCreated', {
      description: 'A flow has written a file of records',
      eventPattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: { bucket: { name: [storage.bucket.bucketName] }, object: { key: Match.prefix(INBOUND_PREFIX) } },
      },
      targets: [
        new SfnStateMachine(this.machine, {
          input: RuleTargetInput.fromObject({
            bucket: EventField.fromPath('$.detail.bucket.name'),
            key: EventField.fromPath('$.detail.object.key'),
            size: EventField.fromPath('$.detail.object.size'),
            putAt: EventField.fromPath('$.time'),
          }),
          deadLetterQueue: this.undelivered,
          maxEventAge: Duration.hours(24),
          retryAttempts: 185,
        }),
      ],
    });
    operations.alarmOnDeadLetters(this, 'UndeliveredEventsAlarm', this.undelivered, {
      meaning: 'A file of records did not start its execution, or a schedule its sweep.',
      heading: 'Events were not delivered',
    });
  }

  #flow(
    { deployment, connectionName, storage, operations }: SalesforceToPostgresProps,
    mapping: ObjectMapping,
  ): InboundFlow {
    const { pollEveryMinutes } = deployment.configuration.settings;
    const { object } = mapping;
    const flow = new InboundFlow(this, `Flow${object}`, { deployment, mapping, connectionName, storage });
    operations.alarm(this, `Flow${object}Alarm`, {
      metric: new Metric({
        namespace: 'AWS/AppFlow',
        metricName: 'FlowExecutionsSucceeded',
        dimensionsMap: { FlowName: flow.flowName },
        statistic: Stats.SUM,
        period: Duration.minutes(Math.max(5, pollEveryMinutes)),
      }),
      threshold: 1,
      comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
      // A flow that was deactivated, or whose connection has expired, is silent: nothing else would show it.
      missing: TreatMissingData.BREACHING,
      periods: 3,
      meaning: `No run of the inbound flow of ${object} has succeeded for a while: changes in Salesforce do not arrive.`,
      heading: 'An inbound flow does not succeed',
    });
    return flow;
  }
}
