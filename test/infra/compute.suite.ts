import { existsSync, globSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { FAILPOINTS } from '../../core/failpoint.ts';
import configuration from '../../examples/lender/sync.config.ts';
import { PIPELINES, placeholders, readDefinition, statesOf } from '../state-machines/definition.ts';
import type { Assembly } from './assembly.ts';

/** Packages ask for these where they are installed, and do without them where they are not. */
const OPTIONAL: readonly string[] = ['pg-native', 'encoding', '@aws-sdk/signature-v4-crt'];

/** Lambdas, state machines, the streamer. */
export function describeCompute(assembly: Assembly): void {
  const { template, resources, resource } = assembly;
  const functions = new Map(resources('AWS::Lambda::Function'));

  describe.each([...functions])('%s', (_, { Properties }) => {
    test('runs on Node 24 and ARM, with a log group that forgets', () => {
      expect(Properties).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'], Handler: 'index.handler' });
      const group = Object(Properties.LoggingConfig).LogGroup.Ref;
      expect(Object.fromEntries(resources('AWS::Logs::LogGroup'))[group]?.Properties.RetentionInDays).toBe(90);
    });

    test('is one CommonJS file with everything in it, and a source map', () => {
      const directory = assembly.asset(Object(Properties.Code).S3Key);
      const code = readFileSync(join(directory, 'index.js'), 'utf8');
      const external = new Set([...code.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name = '']) => name));
      const builtin = createRequire(import.meta.url)('node:module').builtinModules as readonly string[];
      const missing = [...external].filter((name) => !name.startsWith('node:') && !builtin.includes(name));
      expect(missing.filter((name) => !OPTIONAL.includes(name))).toEqual([]);
      expect(code).toMatch(/module\.exports = __toCommonJS/);
      expect(existsSync(join(directory, 'index.js.map'))).toBe(true);
    });

    test('knows who it is, and how much to log', () => {
      expect(Object(Properties.Environment).Variables).toMatchObject({
        POWERTOOLS_SERVICE_NAME: 'sfsync',
        POWERTOOLS_LOG_LEVEL: 'INFO',
        NODE_OPTIONS: '--enable-source-maps',
      });
    });
  });

  test('the assembly says that its bundles are CommonJS', () => {
    expect(readFileSync(join(assembly.directory, 'package.json'), 'utf8')).toContain('"commonjs"');
  });

  test('nothing that is deployed has a failpoint', () => {
    const bundles = globSync('asset.*/**/index.js', { cwd: assembly.directory });
    expect(bundles.length).toBe(functions.size + 1);
    for (const bundle of bundles) {
      const code = readFileSync(join(assembly.directory, bundle), 'utf8');
      expect(code).not.toContain('failpoint');
      expect(FAILPOINTS.filter((name) => code.includes(name))).toEqual([]);
    }
  });

  test('Apply records never needs more origins than there are', () => {
    const { origins } = configuration.settings;
    const [, apply] = resource('AWS::Lambda::Function', 'SalesforceToPostgresApplyRecords');
    expect(apply.Properties.ReservedConcurrentExecutions).toBe(origins);
    const [, machine] = resource('AWS::StepFunctions::StateMachine', 'SalesforceToPostgres');
    expect(machine.Properties.DefinitionSubstitutions).toMatchObject({ ApplyRecordsConcurrency: String(origins) });
  });

  test('Collect changes has a queue for every object', () => {
    const [, collect] = resource('AWS::Lambda::Function', 'PostgresToSalesforceCollectChanges');
    const urls = JSON.stringify(Object(collect.Properties.Environment).Variables.CHANGE_QUEUE_URLS);
    for (const { object } of configuration.objects) expect(urls).toContain(`\\"${object}\\":`);
  });

  describe.each(PIPELINES)('the machine %s', (pipeline) => {
    const [, machine] = resources('AWS::StepFunctions::StateMachine').find(
      ([, { Properties }]) => Properties.StateMachineName === `sfsync-${pipeline}`,
    ) ?? ['', undefined];
    const substitutions = Object(machine?.Properties.DefinitionSubstitutions) as Record<string, unknown>;

    test('is a traced Standard machine that logs everything but data', () => {
      expect(machine?.Properties).toMatchObject({
        StateMachineType: 'STANDARD',
        TracingConfiguration: { Enabled: true },
        LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: false },
      });
      template.hasResourceProperties('AWS::Logs::LogGroup', {
        LogGroupName: `/aws/vendedlogs/states/sfsync-${pipeline}`,
        RetentionInDays: 90,
      });
    });

    test('has a substitution for every placeholder, and a placeholder for every substitution', () => {
      expect(Object.keys(substitutions).sort()).toEqual(
        [...placeholders(JSON.stringify(readDefinition(pipeline)))].sort(),
      );
    });

    test('waits for each Lambda a little longer than its timeout', () => {
      for (const [name, { Type, Arguments, TimeoutSeconds }] of statesOf(readDefinition(pipeline))) {
        const placeholder = /\$\{(\w+)\}/.exec(Arguments?.FunctionName ?? '')?.[1];
        if (Type !== 'Task' || placeholder === undefined) continue;
        const id = Object(substitutions[placeholder])['Fn::GetAtt'][0];
        expect(TimeoutSeconds, name).toBe(Number(functions.get(id)?.Properties.Timeout) + 30);
      }
    });
  });

  describe('the WAL streamer', () => {
    test('is a singleton: the old one stops before the new one starts', () => {
      template.hasResourceProperties('AWS::ECS::Service', {
        DesiredCount: 1,
        AvailabilityZoneRebalancing: 'DISABLED',
        DeploymentConfiguration: {
          MinimumHealthyPercent: 0,
          MaximumPercent: 100,
          DeploymentCircuitBreaker: { Enable: true, Rollback: true },
        },
        LaunchType: 'FARGATE',
        NetworkConfiguration: {
          AwsvpcConfiguration: { AssignPublicIp: 'DISABLED', Subnets: { Ref: 'PrivateSubnetIds' } },
        },
      });
    });

    test('has two minutes to stop, a heartbeat, and logs that cannot hold it up', () => {
      template.hasResourceProperties('AWS::ECS::TaskDefinition', {
        ContainerDefinitions: [
          Match.objectLike({
            StopTimeout: 120,
            HealthCheck: Match.objectLike({ Command: Match.arrayWith(['CMD', 'node']) }),
            LogConfiguration: {
              LogDriver: 'awslogs',
              Options: Match.objectLike({ mode: 'non-blocking', 'max-buffer-size': '26214400b' }),
            },
            Environment: Match.arrayWith([{ Name: 'HEARTBEAT_FILE', Value: '/tmp/sfsync-heartbeat' }]),
          }),
        ],
      });
    });

    test('gets its connection from the streamer secret, and nothing of it in plain', () => {
      const [, task] = resource('AWS::ECS::TaskDefinition', 'WalStreamer');
      const [container] = Object(task.Properties).ContainerDefinitions;
      const secrets = container.Secrets.map(({ Name, ValueFrom }: { Name: string; ValueFrom: unknown }) => {
        const [, [arn, suffix]] = Object(ValueFrom)['Fn::Join'];
        return [Name, arn.Ref, suffix];
      });
      expect(secrets).toEqual([
        ['PGHOST', 'StreamerSecretArn', ':host::'],
        ['PGPORT', 'StreamerSecretArn', ':port::'],
        ['PGDATABASE', 'StreamerSecretArn', ':dbname::'],
        ['PGUSER', 'StreamerSecretArn', ':username::'],
        ['PGPASSWORD', 'StreamerSecretArn', ':password::'],
      ]);
    });
  });

  test('only we may go from our Lambdas and streamer to the database, and only there and to AWS', () => {
    template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
      GroupId: { Ref: 'DatabaseSecurityGroupId' },
      FromPort: 5432,
      ToPort: 5432,
    });
    template.hasResourceProperties('AWS::EC2::SecurityGroup', {
      SecurityGroupEgress: [Match.objectLike({ CidrIp: '0.0.0.0/0', FromPort: 443, ToPort: 443 })],
    });
    template.hasResourceProperties('AWS::EC2::SecurityGroupEgress', {
      DestinationSecurityGroupId: { Ref: 'DatabaseSecurityGroupId' },
      FromPort: 5432,
    });
  });
}
