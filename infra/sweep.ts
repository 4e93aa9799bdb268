import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { EventBus, EventField, Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import { Grant } from 'aws-cdk-lib/aws-iam';
import { FilterPattern, MetricFilter } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { COMPARISON_DUE, SWEEP_DUE } from '../core/contracts/comparison.ts';
import { WORK_PREFIX } from '../core/contracts/storage-layout.ts';
import type { DatabaseAccess } from './database-access.ts';
import type { Deployment } from './deployment.ts';
import type { InboundFlow } from './inbound-flow.ts';
import type { Operations } from './operations.ts';
import type { Storage } from './storage.ts';
import { SyncFunction, type SyncFunctionProps } from './sync-function.ts';
import { SyncMachine } from './sync-machine.ts';

export interface SweepProps {
  readonly deployment: Deployment;
  readonly storage: Storage;
  readonly database: DatabaseAccess;
  readonly salesforceSecret: ISecret;
  readonly readSalesforce: SyncFunction;
  /** Of salesforce-to-postgres: what the sweep has found is applied like any other fresh read. */
  readonly applyRecords: SyncFunction;
  /** Inbound flows by object: their runs show what may still come by itself. */
  readonly flows: ReadonlyMap<string, InboundFlow>;
  /** Where ticks of the schedules go that did not start a sweep. */
  readonly undelivered: IQueue;
  readonly operations: Operations;
}

/** What polling misses is found by comparing ids and stamps: schedules, the machine and its Lambdas. */
export class Sweep extends Construct {
  readonly machine: SyncMachine;

  constructor(scope: Construct, id: string, props: SweepProps) {
    super(scope, id);
    const { operations } = props;
    const { configuration } = props.deployment;
    const closeSweep = this.#databaseTask(props, 'CloseSweep', {
      entry: 'sweep/close-sweep',
      description: 'Remembers how far a sweep came, and logs its metrics',
    });
    this.machine = this.#machine(props, closeSweep);
    // A sweep that failed needs no redrive, and so no dead-letter queue: the next one begins where it did.
    operations.watch(this.machine);
    this.#measure(props, closeSweep);
    this.#startWhenDue(props);
    const { sweepEveryMinutes, fullSweepEveryHours } = configuration.settings;
    for (const { object } of configuration.objects) {
      this.#schedule(props, `Window${object}`, Duration.minutes(sweepEveryMinutes), { object, full: false });
      if (fullSweepEveryHours === 0) continue;
      this.#schedule(props, `Full${object}`, Duration.hours(fullSweepEveryHours), { object, full: true });
    }
  }

  #machine(props: SweepProps, closeSweep: SyncFunction): SyncMachine {
    const { deployment, storage, readSalesforce, applyRecords, operations, flows } = props;
    const openSweep = this.#databaseTask(props, 'OpenSweep', {
      entry: 'sweep/open-sweep',
      description: 'Says from when on a sweep lists records',
      timeout: Duration.minutes(1),
      memorySize: 512,
    });
    const compareRows = this.#databaseTask(props, 'CompareRows', {
      entry: 'sweep/compare-rows',
      description: 'Compares links with rows where something may have been skipped',
    });
    const compareLinks = this.#databaseTask(props, 'CompareLinks', {
      entry: 'sweep/compare-links',
      description: 'Compares a list of records with the links',
      environment: { BUCKET_NAME: storage.bucket.bucketName },
    });
    const listRecords = this.#listRecords(props);
    storage.grantRead(compareLinks, WORK_PREFIX);
    storage.grantWrite(compareLinks, WORK_PREFIX);

    const machine = new SyncMachine(this, 'Machine', {
      deployment,
      pipeline: 'sweep',
      substitutions: {
        CompareRowsFunctionArn: compareRows.functionArn,
        OpenSweepFunctionArn: openSweep.functionArn,
        ListRecordsFunctionArn: listRecords.functionArn,
        CompareLinksFunctionArn: compareLinks.functionArn,
        CloseSweepFunctionArn: closeSweep.functionArn,
        ReadSalesforceFunctionArn: readSalesforce.functionArn,
        ApplyRecordsFunctionArn: applyRecords.functionArn,
        NotifyFunctionArn: operations.notify.functionArn,
        // A JSONata object: double quotes would end the string that it is substituted into.
        InboundFlowNames: `{${[...flows].map(([object, { flowName }]) => `'${object}': '${flowName}'`).join(', ')}}`,
      },
    });
    const own = [compareRows, openSweep, listRecords, compareLinks, closeSweep];
    for (const called of [...own, readSalesforce, applyRecords, operations.notify]) called.grantInvoke(machine);
    Grant.addToPrincipal({
      grantee: machine,
      actions: ['appflow:DescribeFlowExecutionRecords'],
      resourceArns: [...flows.values()].map(({ flowArn }) => flowArn),
    });
    EventBus.fromEventBusName(this, 'DefaultBus', 'default').grantPutEventsTo(machine);
    return machine;
  }

  #databaseTask(
    { deployment, database }: SweepProps,
    id: string,
    task: Pick<SyncFunctionProps, 'entry' | 'description' | 'environment'> &
      Partial<Pick<SyncFunctionProps, 'timeout' | 'memorySize'>>,
  ): SyncFunction {
    return new SyncFunction(this, id, {
      deployment,
      database,
      timeout: Duration.minutes(5),
      memorySize: 1024,
      ...task,
    });
  }

  #listRecords({ deployment, storage, salesforceSecret }: SweepProps): SyncFunction {
    const listRecords = new SyncFunction(this, 'ListRecords', {
      deployment,
      entry: 'sweep/list-records',
      description: 'Lists ids and stamps of the records in Salesforce, and its delete log',
      timeout: Duration.minutes(5),
      memorySize: 1024,
      environment: { BUCKET_NAME: storage.bucket.bucketName, SALESFORCE_SECRET_ARN: salesforceSecret.secretArn },
    });
    storage.grantWrite(listRecords, WORK_PREFIX);
    salesforceSecret.grantRead(listRecords);
    return listRecords;
  }

  /** What was found is a number to look at over weeks; sweeps that stop are an alarm. */
  #measure({ deployment, operations }: SweepProps, closeSweep: SyncFunction): void {
    const measured = (id: string, name: string, field: string) =>
      new MetricFilter(this, id, {
        logGroup: closeSweep.logGroup,
        filterPattern: FilterPattern.exists(`$.${field}`),
        metricNamespace: deployment.name,
        metricName: name,
        metricValue: `$.${field}`,
        dimensions: { Object: '$.object' },
      });
    measured('Found', 'SweepFoundRecords', 'sweepFound');
    measured('Completed', 'SweepsCompleted', 'sweepsCompleted');
    const { objects, settings } = deployment.configuration;
    for (const { object } of objects) {
      operations.alarm(this, `${object}Alarm`, {
        metric: new Metric({
          namespace: deployment.name,
          metricName: 'SweepsCompleted',
          dimensionsMap: { Object: object },
          statistic: Stats.SUM,
          period: Duration.minutes(Math.max(5, settings.sweepEveryMinutes)),
        }),
        threshold: 1,
        comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
        missing: TreatMissingData.BREACHING,
        periods: 3,
        meaning: `No sweep of ${object} has come to its end for a while: what polling misses is not found.`,
        heading: 'A sweep does not come to its end',
      });
    }
  }

  /** What is due is done at once; the schedule makes up for an event that is lost. */
  #startWhenDue({ deployment, undelivered }: SweepProps): void {
    const object = EventField.fromPath('$.detail.object');
    const start = (id: string, description: string, detailType: string, input: object) =>
      new Rule(this, id, {
        description,
        eventPattern: { source: [deployment.name], detailType: [detailType] },
        targets: [
          new SfnStateMachine(this.machine, {
            input: RuleTargetInput.fromObject(input),
            deadLetterQueue: undelivered,
            maxEventAge: Duration.hours(24),
            retryAttempts: 185,
          }),
        ],
      });
    const skipped = 'Something of an object may not have come through the replication slot';
    start('ComparisonDue', skipped, COMPARISON_DUE, { object, comparison: true });
    start('SweepDue', 'The streamer was away for a while, or the database was restored', SWEEP_DUE, {
      object,
      full: false,
    });
  }

  #schedule({ undelivered }: SweepProps, id: string, every: Duration, input: { object: string; full: boolean }): void {
    const what = input.full ? `Compares all records of ${input.object} with all links` : `Sweeps ${input.object}`;
    new Rule(this, id, {
      description: what,
      schedule: Schedule.rate(every),
      targets: [
        new SfnStateMachine(this.machine, {
          input: RuleTargetInput.fromObject(input),
          deadLetterQueue: undelivered,
          maxEventAge: Duration.hours(24),
          retryAttempts: 185,
        }),
      ],
    });
  }
}
