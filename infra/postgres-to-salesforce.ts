import { Duration, type Size, Stack } from 'aws-cdk-lib';
import { Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { EventBus, EventField, Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import { Grant } from 'aws-cdk-lib/aws-iam';
import { FilterPattern, MetricFilter } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { CHANGES_AVAILABLE } from '../core/contracts/change-message.ts';
import { outgoingConfiguration } from '../core/mapping/configuration.ts';
import { ChangeQueue, deadLetterQueue } from './change-queue.ts';
import type { DatabaseAccess } from './database-access.ts';
import type { Deployment } from './deployment.ts';
import type { Operations } from './operations.ts';
import { OutboundFlow } from './outbound-flow.ts';
import { COLLECT_TIMEOUT, makeDatabaseTasks, makeSalesforceTasks } from './outbound-tasks.ts';
import type { Storage } from './storage.ts';
import type { SyncFunction } from './sync-function.ts';
import { SyncMachine } from './sync-machine.ts';

export interface PostgresToSalesforceProps {
  readonly deployment: Deployment;
  readonly storage: Storage;
  readonly database: DatabaseAccess;
  readonly salesforceSecret: ISecret;
  readonly readSalesforce: SyncFunction;
  readonly operations: Operations;
  readonly connectionName: string;
  readonly maxQueueAge: Duration;
  readonly maxRetainedWal: Size;
}

/** From a changed row to Salesforce: change queues, the machine and its Lambdas, on-demand flows, events and schedules. */
export class PostgresToSalesforce extends Construct {
  readonly machine: SyncMachine;
  /** Failed executions, by ARN. */
  readonly deadLetters: IQueue;
  /** Events that did not start an execution. */
  readonly undelivered: IQueue;
  /** By object. */
  readonly queues: ReadonlyMap<string, ChangeQueue>;
  /** By object. */
  readonly flows: ReadonlyMap<string, OutboundFlow>;

  constructor(scope: Construct, id: string, props: PostgresToSalesforceProps) {
    super(scope, id);
    const { deployment, connectionName, storage, operations } = props;
    // Of a read-only object nothing is sent; the machine only reads again what is due of it.
    const { objects } = outgoingConfiguration(deployment.configuration);
    this.queues = new Map(objects.map(({ object }) => [object, this.#queue(object, props)]));
    this.flows = new Map(
      objects.map((mapping) => [
        mapping.object,
        new OutboundFlow(this, `Flow${mapping.object}`, { deployment, mapping, connectionName, storage }),
      ]),
    );
    this.machine = this.#machine(props);
    this.deadLetters = deadLetterQueue(this, 'DeadLetters');
    this.undelivered = deadLetterQueue(this, 'UndeliveredEvents');
    operations.watch(this.machine, this.deadLetters);
    this.#startOnChanges(props);
  }

  /** URL by object, as JSON. */
  get queueUrls(): string {
    return Stack.of(this).toJsonString(
      Object.fromEntries([...this.queues].map(([object, { queue }]) => [object, queue.queueUrl])),
    );
  }

  #queue(object: string, { operations, maxQueueAge }: PostgresToSalesforceProps): ChangeQueue {
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
      threshold: maxQueueAge.toSeconds(),
      periods: 3,
      meaning: `Changes of ${object} have been waiting for ${maxQueueAge.toMinutes()} minutes.`,
      heading: 'A change queue is not drained',
    });
    return changes;
  }

  #machine(props: PostgresToSalesforceProps): SyncMachine {
    const { deployment, readSalesforce, operations } = props;
    const databaseTasks = makeDatabaseTasks(this, { ...props, queues: this.queues, queueUrls: this.queueUrls });
    const salesforceTasks = makeSalesforceTasks(this, props);
    const { collectChanges, decideChanges, settleBatch, openCircuit } = databaseTasks;
    const { pushRecords, deleteRecords } = salesforceTasks;
    this.#alarmOnRetainedWal(props, collectChanges);
    this.#countApiCalls(props);
    const machine = new SyncMachine(this, 'Machine', {
      deployment,
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
        OutboundFlowNames: `{${deployment.configuration.objects.map(({ object }) => `'${object}': '${this.flows.get(object)?.flowName ?? ''}'`).join(', ')}}`,
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

  /** No alarm of its own: pushes that have to wait for calls open the circuit, which is notified. */
  #countApiCalls({ deployment, readSalesforce }: PostgresToSalesforceProps): void {
    new MetricFilter(this, 'ApiCalls', {
      logGroup: readSalesforce.logGroup,
      filterPattern: FilterPattern.exists('$.apiCallsUsed'),
      metricNamespace: deployment.name,
      metricName: 'ApiCallsUsed',
      metricValue: '$.apiCallsUsed',
    });
  }

  /** Collect changes logs it whenever the schedule calls, so that it is known also while no streamer runs. */
  #alarmOnRetainedWal(
    { deployment, operations, maxRetainedWal }: PostgresToSalesforceProps,
    collectChanges: SyncFunction,
  ): void {
    const filter = new MetricFilter(this, 'RetainedWal', {
      logGroup: collectChanges.logGroup,
      filterPattern: FilterPattern.exists('$.retainedWalBytes'),
      metricNamespace: deployment.name,
      metricName: 'RetainedWalBytes',
      metricValue: '$.retainedWalBytes',
    });
    const minutes = Math.max(5, deployment.configuration.settings.safetyNetMinutes);
    operations.alarm(this, 'RetainedWalAlarm', {
      metric: filter.metric({ statistic: Stats.MAXIMUM, period: Duration.minutes(minutes) }),
      threshold: maxRetainedWal.toBytes(),
      periods: 3,
      missing: TreatMissingData.BREACHING,
      meaning: `PostgreSQL keeps more than ${maxRetainedWal.toGibibytes()} GiB of WAL for the slot, or Collect changes does not measure it.`,
      heading: 'WAL is retained',
    });
  }

  #startOnChanges({ deployment, operations }: PostgresToSalesforceProps): void {
    const { configuration } = deployment;
    const delivery = { deadLetterQueue: this.undelivered, maxEventAge: Duration.hours(24), retryAttempts: 185 };
    new Rule(this, 'ChangesAvailable', {
      description: 'There is something in the change queue of an object',
      eventPattern: { source: [deployment.name], detailType: [CHANGES_AVAILABLE] },
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
    operations.alarmOnDeadLetters(this, 'UndeliveredEventsAlarm', this.undelivered, {
      meaning: 'An event did not start its execution; the schedule makes up for it.',
      heading: 'Events were not delivered',
    });
  }
}
