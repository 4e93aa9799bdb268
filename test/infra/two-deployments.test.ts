import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll, describe, expect, test } from 'vitest';
import configuration from '../../examples/lender/sync.config.ts';
import { SyncStack } from '../../infra/stack.ts';
import { compileEventPattern } from '../../packages/embedded-aws/events/event-pattern.ts';
import { PROJECT, type Resource } from './assembly.ts';

const directory = mkdtempSync(join(tmpdir(), 'sfsync-two-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** One begins with the other's name. */
const NAMES = ['sfsync', 'sfsync-billing'];
const app = new App({ outdir: directory, analyticsReporting: false });
const configurationFile = join(PROJECT, 'examples/lender/sync.config.ts');
const stacks = NAMES.map((name) => new SyncStack(app, name, { configuration, configurationFile, name }));
const deployments = stacks.map((stack) => {
  const resources = Object.values(Template.fromStack(stack).toJSON().Resources as Record<string, Resource>);
  return { name: stack.stackName, resources };
});

/** Properties by which a resource has a name of its own in the account. */
const NAMING = [
  'AlarmName',
  'BucketName',
  'ClusterName',
  'Family',
  'FlowName',
  'FunctionName',
  'LogGroupName',
  'QueueName',
  'RoleName',
  'ServiceName',
  'StateMachineName',
  'TopicName',
] as const;

function physicalNames(resources: readonly Resource[]): string[] {
  return resources.flatMap(({ Type, Properties = {} }) => {
    const named = NAMING.map((property) => Properties[property]).filter((name) => typeof name === 'string');
    const metrics = Type === 'AWS::Logs::MetricFilter' ? [Object(Properties.MetricTransformations)[0]] : [];
    return [
      ...named.map((name) => `${Type} ${name}`),
      ...metrics.map(({ MetricNamespace, MetricName }) => `metric ${MetricNamespace} ${MetricName}`),
    ];
  });
}

test('two of them share no physical name', () => {
  const [first = [], second = []] = deployments.map(({ resources }) => physicalNames(resources));
  // Three machines with a log group each, six flows, six metrics, the task's family.
  expect(first).toHaveLength(19);
  expect(second).toHaveLength(first.length);
  expect(second.filter((name) => first.includes(name))).toEqual([]);
  expect(first).toContain('AWS::StepFunctions::StateMachine sfsync-postgres-to-salesforce');
  expect(second).toContain('AWS::StepFunctions::StateMachine sfsync-billing-postgres-to-salesforce');
});

test.each(deployments)('$name: its Lambdas and its streamer know the name', ({ name, resources }) => {
  const functions = resources.filter(({ Type }) => Type === 'AWS::Lambda::Function');
  for (const { Properties } of functions) {
    expect(Object(Properties.Environment).Variables).toMatchObject({ SFSYNC_NAME: name });
  }
  const [task] = resources.filter(({ Type }) => Type === 'AWS::ECS::TaskDefinition');
  const [container] = Object(task?.Properties.ContainerDefinitions);
  expect(container.Environment).toContainEqual({ Name: 'SFSYNC_NAME', Value: name });
});

/** A reference stands for what is there once the stack is deployed: another one in each stack. */
function resolved(value: unknown, stack: string): unknown {
  if (Array.isArray(value)) return value.map((each) => resolved(each, stack));
  if (typeof value !== 'object' || value === null) return value;
  if ('Ref' in value) return `${value.Ref} of ${stack}`;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, resolved(each, stack)]));
}

describe('events of one start nothing of the other', () => {
  const rules = deployments.flatMap(({ name, resources }) =>
    resources
      .filter(({ Type, Properties }) => Type === 'AWS::Events::Rule' && Properties.EventPattern !== undefined)
      .map(({ Properties }) => {
        const pattern = resolved(Properties.EventPattern, name) as Pattern;
        return { stack: name, pattern, compiled: compileEventPattern(JSON.stringify(pattern)) };
      }),
  );

  interface Pattern {
    readonly source: readonly string[];
    readonly 'detail-type': readonly string[];
    readonly detail?: {
      readonly bucket?: { readonly name: readonly string[] };
      readonly stateMachineArn?: readonly string[];
    };
  }

  /** What the rule is there for. */
  function eventFor({ source, 'detail-type': type, detail }: Pattern): object {
    return {
      source: source[0],
      'detail-type': type[0],
      detail: {
        object: detail?.bucket === undefined ? 'Contact' : { key: 'salesforce/Contact/flow/run/file' },
        bucket: { name: detail?.bucket?.name[0] },
        stateMachineArn: detail?.stateMachineArn?.[0],
        status: 'FAILED',
      },
    };
  }

  test('there are rules for files, changes, comparisons, sweeps, and failed executions of three machines', () => {
    expect(rules.map(({ stack }) => stack)).toEqual(NAMES.flatMap((name) => Array(7).fill(name)));
  });

  test.each(rules)('$stack: $pattern', ({ stack, pattern }) => {
    const event = eventFor(pattern);
    const matching = rules.filter(({ compiled }) => compiled.matches(event));
    expect(matching.map((rule) => [rule.stack, rule.pattern])).toEqual([[stack, pattern]]);
  });
});
