import { describe, expect, test } from 'vitest';
import type { Assembly } from './assembly.ts';

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: object;
}

/** Actions that AWS knows for all resources only. */
const WITHOUT_RESOURCE =
  /^(logs:(\w+LogDelivery|ListLogDeliveries|\w+ResourcePolic\w+|DescribeLogGroups)|xray:\w+|ecr:GetAuthorizationToken)$/;

/** Who may do what. Every role's statements are summed up as `action prefix`, sorted. */
export function describePermissions({ resources, resource }: Assembly): void {
  const statementsOf = (id: string): readonly Statement[] =>
    Object(resource('AWS::IAM::Policy', id)[1].Properties.PolicyDocument).Statement;
  const actionsOf = (statement: Statement) => [statement.Action].flat();
  /** `s3:GetObject work/*`, or the bare action for what is no object. */
  const allowed = (id: string, service: string): string[] =>
    statementsOf(id)
      .flatMap((statement) => {
        const paths = JSON.stringify(statement.Resource).match(/[a-z-]+\/\*/g) ?? [''];
        return actionsOf(statement).flatMap((action) => paths.map((path) => `${action} ${path}`.trim()));
      })
      .filter((each) => each.startsWith(`${service}:`))
      .sort();

  test('no statement allows all actions, and none all resources unless AWS forces it', () => {
    for (const [id, { Properties }] of resources('AWS::IAM::Policy')) {
      for (const statement of Object(Properties.PolicyDocument).Statement as readonly Statement[]) {
        expect(statement.Effect, id).toBe('Allow');
        for (const action of actionsOf(statement)) {
          expect(action, id).not.toMatch(/\*/);
          if ([statement.Resource].flat().includes('*')) expect(action, id).toMatch(WITHOUT_RESOURCE);
        }
      }
    }
  });

  const write = (path: string) => [`s3:AbortMultipartUpload ${path}`, `s3:PutObject ${path}`];
  test.each([
    ['SalesforceToPostgresValidateFile', ['s3:GetObject salesforce/*', ...write('work/*')]],
    ['SalesforceToPostgresMapRecords', ['s3:GetObject salesforce/*', ...write('work/*')]],
    ['SalesforceToPostgresApplyRecords', ['s3:GetObject work/*', ...write('work/*')]],
    [
      'PostgresToSalesforceCollectChanges',
      [
        ...write('work/*'),
        ...write('archive/*'),
        's3:GetObject outbound/*',
        's3:DeleteObject outbound/*',
        's3:ListBucket',
      ],
    ],
    ['PostgresToSalesforceDecideChanges', ['s3:GetObject work/*', ...write('work/*'), ...write('outbound/*')]],
    [
      'PostgresToSalesforceSettleBatch',
      [
        's3:GetObject work/*',
        's3:GetObject outbound/*',
        's3:DeleteObject outbound/*',
        's3:ListBucket',
        ...write('work/*'),
        ...write('archive/*'),
      ],
    ],
    ['PostgresToSalesforcePushRecords', ['s3:GetObject work/*', 's3:DeleteObject work/*', ...write('work/*')]],
    ['PostgresToSalesforceDeleteRecords', ['s3:GetObject work/*', 's3:DeleteObject work/*', ...write('work/*')]],
    ['PostgresToSalesforceOpenCircuit', []],
    ['SweepCompareRows', []],
    ['SweepOpenSweep', []],
    ['SweepListRecords', write('work/*')],
    ['SweepCompareLinks', ['s3:GetObject work/*', ...write('work/*')]],
    ['SweepCloseSweep', []],
    ['ReadSalesforce', ['s3:GetObject work/*', 's3:ListBucket', ...write('work/*')]],
    ['OperationsNotify', ['s3:GetObject notices/*', 's3:ListBucket', ...write('notices/*')]],
  ])('%s touches in the bucket what it works on', (id, expected) => {
    expect(allowed(id, 's3')).toEqual([...expected].sort());
  });

  test('listing the bucket is limited to the batches, the marks of their pushes and what was notified', () => {
    const lists = resources('AWS::IAM::Policy').flatMap(([, { Properties }]) =>
      (Object(Properties.PolicyDocument).Statement as readonly Statement[]).filter((each) =>
        actionsOf(each).includes('s3:ListBucket'),
      ),
    );
    const prefixes = lists.map(({ Condition }) => JSON.stringify(Condition));
    const listed = (prefix: string) => JSON.stringify({ StringLike: { 's3:prefix': prefix } });
    expect(prefixes.sort()).toEqual([
      listed('outbound/*'),
      listed('outbound/*'),
      listed('work/*'),
      listed('work/notices/*'),
    ]);
  });

  describe('secrets', () => {
    const functions = resources('AWS::Lambda::Function');
    const outbound = ['CollectChanges', 'DecideChanges', 'SettleBatch', 'OpenCircuit'];
    const database = ['ApplyRecords', ...outbound, 'CompareRows', 'OpenSweep', 'CompareLinks', 'CloseSweep'];
    const salesforce = ['ReadSalesforce', 'PushRecords', 'DeleteRecords', 'ListRecords'];
    const named = (names: readonly string[], id: string) => names.some((name) => id.includes(name));

    test.each(functions.map(([id]) => id))('%s has the way to its own side only', (id) => {
      const { Environment, VpcConfig } = Object(functions.find(([each]) => each === id)?.[1].Properties);
      const touchesDatabase = named(database, id);
      expect(VpcConfig !== undefined).toBe(touchesDatabase);
      expect('DATABASE_SECRET_ARN' in Environment.Variables).toBe(touchesDatabase);
      expect('SALESFORCE_SECRET_ARN' in Environment.Variables).toBe(named(salesforce, id));
      const secrets = resources('AWS::IAM::Policy')
        .filter(([, { Properties }]) =>
          JSON.stringify(Properties.PolicyName).startsWith(`"${id.replace(/[0-9A-F]{8}$/, '')}`),
        )
        .flatMap(
          ([, { Properties }]) => JSON.stringify(Properties).match(/"(Database|Salesforce|Streamer)SecretArn"/g) ?? [],
        );
      const expected = touchesDatabase
        ? ['"DatabaseSecretArn"']
        : named(salesforce, id)
          ? ['"SalesforceSecretArn"']
          : [];
      expect(secrets).toEqual(expected);
    });
  });

  test('the outbound machine starts and watches its own flows, and calls what its definition calls', () => {
    const flows = statementsOf('PostgresToSalesforceMachineRole').filter((each) =>
      actionsOf(each).some((action) => action.startsWith('appflow:')),
    );
    expect(flows).toMatchObject([{ Action: ['appflow:DescribeFlowExecutionRecords', 'appflow:StartFlow'] }]);
    expect(JSON.stringify(flows).match(/flow\/sfsync-postgres-to-salesforce-\w+/g)).toHaveLength(3);
    expect(allowed('PostgresToSalesforceMachineRole', 'events')).toEqual(['events:PutEvents']);
    expect(allowed('SalesforceToPostgresMachineRole', 'appflow')).toEqual([]);
  });

  test('the sweep looks at the runs of the inbound flows, and starts none', () => {
    const flows = statementsOf('SweepMachineRole').filter((each) =>
      actionsOf(each).some((action) => action.startsWith('appflow:')),
    );
    expect(flows).toMatchObject([{ Action: 'appflow:DescribeFlowExecutionRecords' }]);
    expect(JSON.stringify(flows).match(/flow\/sfsync-salesforce-to-postgres-\w+/g)).toHaveLength(3);
    expect(allowed('SweepMachineRole', 'events')).toEqual(['events:PutEvents']);
  });

  test.each(['PostgresToSalesforce', 'SalesforceToPostgres', 'Sweep'])(
    'the machine of %s may invoke every function of its definition',
    (pipeline) => {
      const [, machine] = resource('AWS::StepFunctions::StateMachine', `${pipeline}Machine`);
      const called = Object.values(Object(machine.Properties.DefinitionSubstitutions)).flatMap((value) =>
        typeof value === 'string' ? [] : [JSON.stringify(value)],
      );
      const mayInvoke = statementsOf(`${pipeline}MachineRole`)
        .filter((each) => actionsOf(each).includes('lambda:InvokeFunction'))
        .map(({ Resource }) => JSON.stringify(Resource))
        .join();
      expect(called.length).toBeGreaterThan(4);
      for (const arn of called) expect(mayInvoke).toContain(arn);
    },
  );

  test('Collect changes looks at executions of its own machine, and works on the change queues', () => {
    expect(JSON.stringify(statementsOf('PostgresToSalesforceCollectChanges'))).toContain(
      ':execution:sfsync-postgres-to-salesforce:*',
    );
    expect(allowed('PostgresToSalesforceCollectChanges', 'sqs')).toEqual(
      expect.arrayContaining(['sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage', 'sqs:SendMessage']),
    );
  });

  test('the streamer sends to the queues and the bus, and does nothing else', () => {
    const actions = statementsOf('WalStreamerTaskTaskRole').flatMap(actionsOf);
    expect([...new Set(actions)].sort()).toEqual([
      'events:PutEvents',
      'sqs:GetQueueAttributes',
      'sqs:GetQueueUrl',
      'sqs:SendMessage',
    ]);
  });
}
