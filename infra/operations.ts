import { Duration, Stack } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IAlarmAction,
  type IMetric,
  MathExpression,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { LambdaFunction, SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Effect, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { NOTICES_PREFIX } from '../core/contracts/storage-layout.ts';
import { deadLetterQueue } from './change-queue.ts';
import type { Deployment } from './deployment.ts';
import type { Storage } from './storage.ts';
import { SyncFunction } from './sync-function.ts';
import type { SyncMachine } from './sync-machine.ts';

export interface OperationsProps {
  readonly deployment: Deployment;
  /** Where it is kept what was told already. */
  readonly storage: Storage;
  /** Beside the topic. */
  readonly alarmActions: readonly IAlarmAction[];
}

export interface SyncAlarmProps {
  readonly metric: IMetric;
  readonly threshold: number;
  /** @default at or above the threshold */
  readonly comparison?: ComparisonOperator;
  /** How many periods in a row. @default 1 */
  readonly periods?: number;
  /** @default what is missing is fine */
  readonly missing?: TreatMissingData;
  /** One sentence for the operator. */
  readonly meaning: string;
  /** The heading of docs/runbook.md. */
  readonly heading: string;
}

/** How the operator is notified: the topic, the function that writes to it, alarms, and the rules on failures. */
export class Operations extends Construct {
  readonly topic: Topic;
  readonly notify: SyncFunction;
  /** Notices that could not be published, and events of failed executions that did not get anywhere. */
  readonly undelivered: IQueue;
  readonly #alarmActions: readonly IAlarmAction[];

  constructor(scope: Construct, id: string, { deployment, alarmActions, storage }: OperationsProps) {
    super(scope, id);
    this.#alarmActions = alarmActions;
    this.topic = new Topic(this, 'Topic', { displayName: deployment.name, enforceSSL: true });
    // The topic's own policy takes the place of the default one, which lets the account's alarms in.
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        sid: 'AlarmsPublish',
        effect: Effect.ALLOW,
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
    this.undelivered = deadLetterQueue(this, 'UndeliveredNotices');
    this.notify = new SyncFunction(this, 'Notify', {
      deployment,
      entry: 'notify',
      description: 'Notifies the topic: rejects, conflicts, open circuits, what sweeps found, failed executions',
      timeout: Duration.seconds(60),
      environment: { TOPIC_ARN: this.topic.topicArn, BUCKET_NAME: storage.bucket.bucketName },
      deadLetterQueue: this.undelivered,
    });
    this.topic.grantPublish(this.notify);
    storage.grantRead(this.notify, NOTICES_PREFIX);
    storage.grantWrite(this.notify, NOTICES_PREFIX);
    storage.grantList(this.notify, NOTICES_PREFIX);
    this.alarmOnDeadLetters(this, 'UndeliveredNoticesAlarm', this.undelivered, {
      meaning: 'A notification could not be delivered.',
      heading: 'Events were not delivered',
    });
  }

  /** An alarm on the topic, with the link to its page of the runbook. */
  alarm(scope: Construct, id: string, props: SyncAlarmProps): Alarm {
    const alarm = new Alarm(scope, id, {
      metric: props.metric,
      threshold: props.threshold,
      comparisonOperator: props.comparison ?? ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: props.periods ?? 1,
      treatMissingData: props.missing ?? TreatMissingData.NOT_BREACHING,
      alarmDescription: `${props.meaning} See docs/runbook.md#${anchor(props.heading)}`,
    });
    const actions = [new SnsAction(this.topic), ...this.#alarmActions];
    alarm.addAlarmAction(...actions);
    alarm.addOkAction(...actions);
    return alarm;
  }

  alarmOnDeadLetters(
    scope: Construct,
    id: string,
    queue: IQueue,
    words: Pick<SyncAlarmProps, 'meaning' | 'heading'>,
  ): Alarm {
    const metric = queue.metricApproximateNumberOfMessagesVisible({
      period: Duration.minutes(1),
      statistic: Stats.MAXIMUM,
    });
    return this.alarm(scope, id, { metric, threshold: 1, ...words });
  }

  /**
   * A Lambda that Step Functions calls never uses a dead-letter queue of its own, so a failed execution itself is the
   * dead letter: its ARN goes into the pipeline's queue, from where it is redriven, and operators are notified. Without a queue
   * they are only notified: for a machine whose next execution does what a failed one has left.
   */
  watch(machine: SyncMachine, deadLetters?: IQueue): void {
    const scope = machine.node.scope;
    if (scope === undefined) throw new Error(`${machine.node.path} belongs to no pipeline`);
    const delivery = { deadLetterQueue: this.undelivered, maxEventAge: Duration.hours(24), retryAttempts: 185 };
    const execution = EventField.fromPath('$.detail.executionArn');
    const stateMachine = EventField.fromPath('$.detail.stateMachineArn');
    const status = EventField.fromPath('$.detail.status');
    new Rule(scope, 'ExecutionFailed', {
      description: `Failed executions of ${scope.node.id}: ${deadLetters ? 'into the dead-letter queue, and ' : ''}on the topic`,
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: { stateMachineArn: [machine.stateMachineArn], status: ['FAILED', 'TIMED_OUT', 'ABORTED'] },
      },
      targets: [
        ...(deadLetters
          ? [
              new SqsQueue(deadLetters, {
                ...delivery,
                message: RuleTargetInput.fromObject({ execution, stateMachine, status }),
              }),
            ]
          : []),
        new LambdaFunction(this.notify, {
          ...delivery,
          event: RuleTargetInput.fromObject({
            about: 'failed execution',
            execution,
            stateMachine,
            status,
            input: EventField.fromPath('$.detail.input'),
            error: EventField.fromPath('$.detail.error'),
            cause: EventField.fromPath('$.detail.cause'),
          }),
        }),
      ],
    });
    const sum = { statistic: Stats.SUM, period: Duration.minutes(5) };
    this.alarm(scope, 'ExecutionsFailAlarm', {
      metric: new MathExpression({
        // What a sum is of which one part has no value is written down nowhere.
        expression: 'FILL(failed, 0) + FILL(timedOut, 0) + FILL(aborted, 0)',
        usingMetrics: {
          failed: machine.metricFailed(sum),
          timedOut: machine.metricTimedOut(sum),
          aborted: machine.metricAborted(sum),
        },
        label: 'Executions that did not succeed',
        period: Duration.minutes(5),
      }),
      threshold: 1,
      meaning: 'An execution failed; its work waits for a redrive.',
      heading: 'Executions fail',
    });
    if (deadLetters === undefined) return;
    this.alarmOnDeadLetters(scope, 'DeadLettersAlarm', deadLetters, {
      meaning: 'Failed executions wait for a redrive, which Step Functions allows for 14 days.',
      heading: 'Failed executions wait',
    });
  }
}

/** As the usual Markdown renderers make the anchor of a heading. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}
