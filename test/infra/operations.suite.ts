import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import configuration from '../../examples/lender/sync.config.ts';
import { type Assembly, PROJECT } from './assembly.ts';

interface Target {
  readonly Arn: unknown;
  readonly Input?: string;
  readonly InputTransformer?: { readonly InputPathsMap: Record<string, string>; readonly InputTemplate: string };
  readonly DeadLetterConfig?: object;
  readonly RetryPolicy?: object;
}

/** Rules, alarms, parameters and outputs: what operators and other programs hold on to. */
export function describeOperations({ template, resources, resource }: Assembly): void {
  const rules = resources('AWS::Events::Rule');
  const targetsOf = (idPrefix: string) =>
    resource('AWS::Events::Rule', idPrefix)[1].Properties.Targets as readonly Target[];
  /** The input as it would be made, with paths in place of what an event holds. */
  const inputOf = ({ Input, InputTransformer: transformer }: Target) => {
    if (transformer === undefined) return JSON.parse(Input ?? '');
    return JSON.parse(
      transformer.InputTemplate.replaceAll(/<([^>]+)>/g, (_, name) => `"${transformer.InputPathsMap[name]}"`),
    );
  };

  test.each(rules)('every target of %s is tried for a day, then kept', (_, { Properties }) => {
    for (const target of Properties.Targets as readonly Target[]) {
      expect(target.DeadLetterConfig).toBeDefined();
      expect(target.RetryPolicy).toEqual({ MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 });
    }
  });

  test('a file under salesforce/ starts salesforce-to-postgres with just what it needs', () => {
    const [, rule] = resource('AWS::Events::Rule', 'SalesforceToPostgresFileCreated');
    expect(rule.Properties.EventPattern).toMatchObject({
      source: ['aws.s3'],
      'detail-type': ['Object Created'],
      detail: { object: { key: [{ prefix: 'salesforce/' }] } },
    });
    expect(targetsOf('SalesforceToPostgresFileCreated').map(inputOf)).toEqual([
      {
        bucket: '$.detail.bucket.name',
        key: '$.detail.object.key',
        size: '$.detail.object.size',
        putAt: '$.time',
      },
    ]);
  });

  test('Changes available starts postgres-to-salesforce for its object', () => {
    const [, rule] = resource('AWS::Events::Rule', 'PostgresToSalesforceChangesAvailable');
    expect(rule.Properties.EventPattern).toEqual({ source: ['sfsync'], 'detail-type': ['Changes available'] });
    expect(targetsOf('PostgresToSalesforceChangesAvailable').map(inputOf)).toEqual([
      { object: '$.detail.object', trigger: 'changes' },
    ]);
  });

  test.each(configuration.objects)('a schedule looks after $object', ({ object }) => {
    const id = `PostgresToSalesforceSafetyNet${object}`;
    expect(resource('AWS::Events::Rule', id)[1].Properties.ScheduleExpression).toBe('rate(5 minutes)');
    expect(targetsOf(id).map(inputOf)).toEqual([{ object, trigger: 'schedule' }]);
  });

  test.each(configuration.objects)(
    'sweeps of $object, every hour a window and every week all records',
    ({ object }) => {
      for (const [id, full, rate] of [
        [`SweepWindow${object}`, false, 'rate(1 hour)'],
        [`SweepFull${object}`, true, 'rate(7 days)'],
      ] as const) {
        expect(resource('AWS::Events::Rule', id)[1].Properties.ScheduleExpression).toBe(rate);
        expect(targetsOf(id).map(inputOf)).toEqual([{ object, full }]);
      }
    },
  );

  test('a failed sweep is notified, and left to the next one', () => {
    const [notify, ...others] = targetsOf('SweepExecutionFailed');
    expect(notify?.Arn).toEqual({ 'Fn::GetAtt': [resource('AWS::Lambda::Function', 'OperationsNotify')[0], 'Arn'] });
    expect(others).toEqual([]);
  });

  test('what sweeps find is a metric of each object, out of the log of Close sweep', () => {
    const group = { Ref: resource('AWS::Logs::LogGroup', 'SweepCloseSweepLogs')[0] };
    for (const [id, MetricName, MetricValue] of [
      ['SweepFound', 'SweepFoundRecords', '$.sweepFound'],
      ['SweepCompleted', 'SweepsCompleted', '$.sweepsCompleted'],
    ] as const) {
      expect(resource('AWS::Logs::MetricFilter', id)[1].Properties).toMatchObject({
        LogGroupName: group,
        MetricTransformations: [
          { MetricName, MetricValue, MetricNamespace: 'sfsync', Dimensions: [{ Key: 'Object', Value: '$.object' }] },
        ],
      });
    }
  });

  test('the API calls of the day are a metric, out of the log of Read Salesforce', () => {
    const [[id, { Properties }] = ['', { Properties: {} }]] = resources('AWS::Logs::MetricFilter').filter(([name]) =>
      name.startsWith('PostgresToSalesforceApiCalls'),
    );
    expect(id).not.toBe('');
    expect(Properties).toMatchObject({
      LogGroupName: { Ref: resource('AWS::Logs::LogGroup', 'ReadSalesforceLogs')[0] },
      MetricTransformations: [{ MetricName: 'ApiCallsUsed', MetricValue: '$.apiCallsUsed', MetricNamespace: 'sfsync' }],
    });
  });

  test.each(['SalesforceToPostgres', 'PostgresToSalesforce'])(
    'a failed execution of %s is a dead letter, and notified',
    (pipeline) => {
      const [machineId] = resource('AWS::StepFunctions::StateMachine', `${pipeline}Machine`);
      const [, rule] = resource('AWS::Events::Rule', `${pipeline}ExecutionFailed`);
      expect(rule.Properties.EventPattern).toEqual({
        source: ['aws.states'],
        'detail-type': ['Step Functions Execution Status Change'],
        detail: { stateMachineArn: [{ Ref: machineId }], status: ['FAILED', 'TIMED_OUT', 'ABORTED'] },
      });
      const [queue, notify] = targetsOf(`${pipeline}ExecutionFailed`);
      const facts = {
        execution: '$.detail.executionArn',
        stateMachine: '$.detail.stateMachineArn',
        status: '$.detail.status',
      };
      expect(queue?.Arn).toEqual({ 'Fn::GetAtt': [resource('AWS::SQS::Queue', `${pipeline}DeadLetters`)[0], 'Arn'] });
      expect(queue && inputOf(queue)).toEqual(facts);
      expect(notify?.Arn).toEqual({ 'Fn::GetAtt': [resource('AWS::Lambda::Function', 'OperationsNotify')[0], 'Arn'] });
      expect(notify && inputOf(notify)).toEqual({
        about: 'failed execution',
        ...facts,
        input: '$.detail.input',
        error: '$.detail.error',
        cause: '$.detail.cause',
      });
    },
  );

  test('a notice that cannot be delivered is kept', () => {
    const [, notify] = resource('AWS::Lambda::Function', 'OperationsNotify');
    expect(notify.Properties.DeadLetterConfig).toMatchObject({
      TargetArn: { 'Fn::GetAtt': [expect.stringMatching(/^OperationsUndeliveredNotices/), 'Arn'] },
    });
  });

  describe('alarms', () => {
    const alarms = resources('AWS::CloudWatch::Alarm');
    const headings = readFileSync(join(PROJECT, 'docs/runbook.md'), 'utf8')
      .split('\n')
      .flatMap((line) => /^## (.+)$/.exec(line)?.[1] ?? [])
      .map((heading) =>
        heading
          .toLowerCase()
          .replace(/[^\w\- ]/g, '')
          .replaceAll(' ', '-'),
      );
    const linked = alarms.map(
      ([, { Properties }]) => /docs\/runbook\.md#(\S+)$/.exec(String(Properties.AlarmDescription))?.[1],
    );

    test.each(alarms)('%s notifies the topic when it goes off and when it is over', (_, { Properties }) => {
      const topic = [{ Ref: resource('AWS::SNS::Topic', 'Operations')[0] }];
      expect(Properties).toMatchObject({ AlarmActions: topic, OKActions: topic });
    });

    test('every alarm has its page in the runbook, and every page an alarm', () => {
      expect([...new Set(linked)].sort()).toEqual([...headings].sort());
    });

    test('watch over each queue: dead letters everywhere, age of the change queues', () => {
      const watched = (metric: string) =>
        alarms
          .filter(([, { Properties }]) => Properties.MetricName === metric)
          .map(([, { Properties }]) => Object(Properties.Dimensions)[0].Value['Fn::GetAtt'][0]);
      const queues = resources('AWS::SQS::Queue').map(([id]) => id);
      const changes = queues.filter((id) => /Queue\w+Changes/.test(id));
      expect(watched('ApproximateNumberOfMessagesVisible').sort()).toEqual(
        queues.filter((id) => !changes.includes(id)).sort(),
      );
      expect(watched('ApproximateAgeOfOldestMessage').sort()).toEqual(changes.sort());
    });

    test.each(['RetainedWalBytes', 'RunningTaskCount', 'FlowExecutionsSucceeded', 'SweepsCompleted'])(
      'missing data sets off %s',
      (MetricName) => {
        const of = alarms.filter(([, { Properties }]) => Properties.MetricName === MetricName);
        expect(of.length).toBeGreaterThan(0);
        for (const [, { Properties }] of of) expect(Properties.TreatMissingData).toBe('breaching');
      },
    );
  });

  test('parameters', () => {
    expect(Object.keys(template.toJSON().Parameters)).toEqual([
      'VpcId',
      'PrivateSubnetIds',
      'DatabaseSecurityGroupId',
      'SalesforceConnectionName',
      'DatabaseSecretArn',
      'StreamerSecretArn',
      'SalesforceSecretArn',
      'BootstrapVersion',
    ]);
  });

  test('outputs', () => {
    const perObject = ['ChangeQueueUrl', 'ChangeDeadLetterQueueUrl', 'InboundFlowName', 'OutboundFlowName'];
    expect(Object.keys(template.toJSON().Outputs).sort()).toEqual(
      [
        'BucketName',
        'TopicArn',
        'SalesforceToPostgresStateMachineArn',
        'PostgresToSalesforceStateMachineArn',
        'SweepStateMachineArn',
        'SalesforceToPostgresDeadLetterQueueUrl',
        'PostgresToSalesforceDeadLetterQueueUrl',
        'SalesforceToPostgresUndeliveredEventsQueueUrl',
        'PostgresToSalesforceUndeliveredEventsQueueUrl',
        'UndeliveredNoticesQueueUrl',
        ...configuration.objects.flatMap(({ object }) => perObject.map((name) => `${name}${object}`)),
      ].sort(),
    );
  });
}
