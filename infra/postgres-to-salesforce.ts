import { Duration, Stack } from 'aws-cdk-lib';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { EventBus, EventField, Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import { Grant } from 'aws-cdk-lib/aws-iam';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { CHANGES_AVAILABLE } from '../core/change-message.ts';
import type { SyncConfiguration } from '../core/configuration.ts';
import { ARCHIVE_PREFIX, OUTBOUND_PREFIX, WORK_PREFIX } from '../core/storage-layout.ts';
import { ChangeQueue, deadLetterQueue } from './change-queue.ts';
import type { DatabaseAccess } from './database-access.ts';
import type { FunctionBundles } from './function-bundles.ts';
import type { Operations } from './operations.ts';
import { OutboundFlow } from './outbound-flow.ts';
import type { Storage } from './storage.ts';
import { SyncFunction } from './sync-function.ts';
import { SyncMachine } from './sync-machine.ts';

export interface PostgresToSalesforceProps {
  readonly configuration: SyncConfiguration;
  readonly bundles: FunctionBundles;
  readonly storage: Storage;
  readonly database: DatabaseAccess;
  readonly salesforceSecret: ISecret;
  readonly readSalesforce: SyncFunction;
  readonly operations: Operations;
  readonly connectionName: string;
}

/** Long enough to drain what a large transaction left; also what the queues' visibility timeout is computed from. */
const COLLECT_TIMEOUT = Duration.minutes(3);
/** The longest that Lambda allows: what ends a push is its own deadline, which a setting gives. */
const PUSH_TIMEOUT = Duration.minutes(15);
const TASK_TIMEOUT = Duration.minutes(5);
/** The schedule empties a queue that no event announced; three times its default interval is no accident. */
const MAX_QUEUE_AGE = Duration.minutes(15);

/** From a changed row to Salesforce: change queues, the machine and its Lambdas, on-demand flows, events and schedules. */
export class PostgresToSalesforce extends Construct {
  readonly machine: SyncMachine;
  /** Failed executions, by ARN. */
  readonly deadLetters: IQueue;
  /** By object. */
  readonly queues: ReadonlyMap<string, ChangeQueue>;
  /** By object. */
  readonly flows: ReadonlyMap<string, OutboundFlow>;

  constructor(scope: Construct, id: string, props: PostgresToSalesforceProps) {
    super(scope, id);
    const { configuration, connectionName, storage, operations } = props;
    this.queues = new Map(configuration.objects.map(({ object }) => [object, this.#queue(object, operations)]));
    this.flows = new Map(
      configuration.objects.map((mapping) => [
        mapping.object,
        new OutboundFlow(this, `Flow${mapping.object}`, { mapping, connectionName, storage }),
      ]),
    );
    this.machine = this.#machine(props);
    this.deadLetters = deadLetterQueue(this, 'DeadLetters');
    operations.watch(this.machine, this.deadLetters);
    this.#startOnChanges(props);
  }

  /** URL by object, as JSON. */
  get queueUrls(): string {
    return Stack.of(this).toJsonString(
      Object.fromEntries([...this.queues].map(([object, { queue }]) => [object, queue.queueUrl])),
    );
  }

  #queue(object: string, operations: Operations): ChangeQueue {
    const changes = new ChangeQueue(this, `Queue${object}`, { receiverTimeout: COLLECT_TIMEOUT });
    operations.alarmOnDeadLetters(this, `Queue${object}DeadLettersAlarm`, changes.deadLetterQueue, {
      meaning: `Changes of ${object} could not be taken over into the link table, ten times in a row.`,
      heading: 'Changes are dead letters',
    });
    operations.alarm(this, `Queue${object}AgeAlarm`, {
      metric: changes.queue.metricApproximateAgeOfOldestMessage({
        statistic: Stats.MAXIMUM,
        period: Duration.minutes(1),
      }),
      threshold: MAX_QUEUE_AGE.toSeconds(),
      periods: 3,
      meaning: `Changes of ${object} have been waiting for ${MAX_QUEUE_AGE.toMinutes()} minutes.`,
      heading: 'A change queue is not drained',
    });
    return changes;
  }

  #machine(props: PostgresToSalesforceProps): SyncMachine {
    const { readSalesforce, operations } = props;
    const databaseTasks = this.#databaseTasks(props);
    const salesforceTasks = this.#salesforceTasks(props);
    const { collectChanges, decideChanges, settleBatch, openCircuit } = databaseTasks;
    const { pushRecords, deleteRecords } = salesforceTasks;
    const machine = new SyncMachine(this, 'Machine', {
      pipeline: 'postgres-to-salesforce',
      substitutions: {
        CollectChangesFunctionArn: collectChanges.functionArn,
        ReadSalesforceFunctionArn: readSalesforce.functionArn,
        DecideChangesFunctionArn: decideChanges.functionArn,
        PushRecordsFunctionArn: pushRecords.functionArn,
        DeleteRecordsFunctionArn: deleteRecords.functionArn,
        SettleBatchFunctionArn: settleBatch.functionArn,
        OpenCircuitFunctionArn: openCircuit.functionArn,
        NotifyFunctionArn: operations.notify.functionArn,
        // A JSONata object: double quotes would end the string that it is substituted into.
        OutboundFlowNames: `{${[...this.flows].map(([object, { flowName }]) => `'${object}': '${flowName}'`).join(', ')}}`,
      },
    });
    for (const called of [
      ...Object.values(databaseTasks),
      ...Object.values(salesforceTasks),
      readSalesforce,
      operations.notify,
    ]) {
      called.grantInvoke(machine);
    }
    Grant.addToPrincipal({
      grantee: machine,
      actions: ['appflow:StartFlow', 'appflow:DescribeFlowExecutionRecords'],
      resourceArns: [...this.flows.values()].map(({ flowArn }) => flowArn),
    });
    EventBus.fromEventBusName(this, 'DefaultBus', 'default').grantPutEventsTo(machine);
    return machine;
  }

  /** The steps that talk to PostgreSQL: in its VPC, without a way to Salesforce. */
  #databaseTasks({ bundles, storage, database }: PostgresToSalesforceProps) {
    const environment = { BUCKET_NAME: storage.bucket.bucketName };
    const task = { bundles, database, environment, timeout: TASK_TIMEOUT, memorySize: 1024 };
    const collectChanges = new SyncFunction(this, 'CollectChanges', {
      ...task,
      entry: 'postgres-to-salesforce/collect-changes',
      description: 'Takes the lease, drains the change queue into the link table, takes a batch of due records',
      timeout: COLLECT_TIMEOUT,
      environment: { ...environment, CHANGE_QUEUE_URLS: this.queueUrls },
    });
    const decideChanges = new SyncFunction(this, 'DecideChanges', {
      ...task,
      entry: 'postgres-to-salesforce/decide-changes',
      description: 'Merges what Salesforce holds with the rows, and records what is sent',
    });
    const settleBatch = new SyncFunction(this, 'SettleBatch', {
      ...task,
      entry: 'postgres-to-salesforce/settle-batch',
      description: 'Merges the read-back, and records what was refused',
    });
    const openCircuit = new SyncFunction(this, 'OpenCircuit', {
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
    for (const { queue } of this.queues.values()) {
      queue.grantConsumeMessages(collectChanges);
      queue.grantSendMessages(collectChanges);
    }
    // Named by its ARN's pattern: the machine itself needs this function first.
    Grant.addToPrincipal({
      grantee: collectChanges,
      actions: ['states:DescribeExecution'],
      resourceArns: [SyncMachine.executionsArn(this, 'postgres-to-salesforce')],
    });
    return { collectChanges, decideChanges, settleBatch, openCircuit };
  }

  /** The steps that talk to Salesforce: outside the VPC, without a way to PostgreSQL. */
  #salesforceTasks({ bundles, storage, salesforceSecret }: PostgresToSalesforceProps) {
    const task = {
      bundles,
      timeout: PUSH_TIMEOUT,
      environment: { BUCKET_NAME: storage.bucket.bucketName, SALESFORCE_SECRET_ARN: salesforceSecret.secretArn },
    };
    const pushRecords = new SyncFunction(this, 'PushRecords', {
      ...task,
      entry: 'postgres-to-salesforce/push-records',
      description: 'Updates and revives records through the Salesforce API',
    });
    const deleteRecords = new SyncFunction(this, 'DeleteRecords', {
      ...task,
      entry: 'postgres-to-salesforce/delete-records',
      description: 'Deletes records through the Salesforce API',
    });
    for (const writer of [pushRecords, deleteRecords]) {
      storage.grantRead(writer, WORK_PREFIX);
      storage.grantWrite(writer, WORK_PREFIX);
      salesforceSecret.grantRead(writer);
    }
    return { pushRecords, deleteRecords };
  }

  #startOnChanges({ configuration, operations }: PostgresToSalesforceProps): void {
    const undelivered = deadLetterQueue(this, 'UndeliveredEvents');
    const delivery = { deadLetterQueue: undelivered, maxEventAge: Duration.hours(24), retryAttempts: 185 };
    new Rule(this, 'ChangesAvailable', {
      description: 'There is something in the change queue of an object',
      eventPattern: { source: [CHANGES_AVAILABLE.source], detailType: [CHANGES_AVAILABLE.detailType] },
      targets: [
        new SfnStateMachine(this.machine, {
          ...delivery,
          input: RuleTargetInput.fromObject({ object: EventField.fromPath('$.detail.object'), trigger: 'changes' }),
        }),
      ],
    });
    for (const { object } of configuration.objects) {
      new Rule(this, `SafetyNet${object}`, {
        description: `Looks for work on ${object} that no event announced, and probes Salesforce while its circuit is open`,
        schedule: Schedule.rate(Duration.minutes(configuration.settings.safetyNetMinutes)),
        targets: [
          new SfnStateMachine(this.machine, {
            ...delivery,
            input: RuleTargetInput.fromObject({ object, trigger: 'schedule' }),
          }),
        ],
      });
    }
    operations.alarmOnDeadLetters(this, 'UndeliveredEventsAlarm', undelivered, {
      meaning: 'An event did not start its execution; the schedule makes up for it.',
      heading: 'Events were not delivered',
    });
  }
}
