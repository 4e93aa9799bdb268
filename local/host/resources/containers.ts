import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { commandOf } from '../dockerfile.ts';
import type { HealthCheckSettings } from '../health-check.ts';
import { type MakeContext, type ResourceMakers, readProperties } from '../resource-maker.ts';
import { TemplateFault } from '../template.ts';

/** A container of a service, as the task definition describes it. */
export interface ContainerDefinition {
  readonly name: string;
  /** What the image holds: there the command runs. */
  readonly directory: string;
  /** Entry point and arguments. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Variable -> `<secret ARN>:<JSON key>::`, read with the execution role at each start. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly stopTimeoutMs: number;
  /** Left out: it is well as long as it runs. */
  readonly healthCheck: HealthCheckSettings | undefined;
  /** What the container's own calls are made with. */
  readonly taskRoleArn: string;
  readonly executionRoleArn: string;
  /** Where its log lines are measured. */
  readonly logGroup: string | undefined;
}

/** A service as its metrics name it. */
export interface ServiceNames {
  readonly cluster: string;
  readonly service: string;
}

/** Runs the containers of services; a service that is given again gets the new definition at its next start. */
export interface ContainerHost {
  /** `service` is the logical id. */
  run(service: string, container: ContainerDefinition, names: ServiceNames): void;
  remove(service: string): Promise<void>;
}

const namedValue = z.object({ Name: z.string(), Value: z.string() });
const taskSchema = z.object({
  Family: z.string().optional(),
  TaskRoleArn: z.string(),
  ExecutionRoleArn: z.string(),
  ContainerDefinitions: z
    .array(
      z.object({
        Name: z.string(),
        Image: z.string(),
        EntryPoint: z.array(z.string()).optional(),
        Command: z.array(z.string()).optional(),
        Environment: z.array(namedValue).default([]),
        Secrets: z.array(z.object({ Name: z.string(), ValueFrom: z.string() })).default([]),
        LogConfiguration: z.object({ Options: z.record(z.string(), z.string()).default({}) }).optional(),
        StopTimeout: z.number().default(30),
        HealthCheck: z
          .object({
            Command: z.array(z.string()).min(2),
            Interval: z.number().default(30),
            Timeout: z.number().default(5),
            Retries: z.number().default(3),
            StartPeriod: z.number().default(0),
          })
          .optional(),
      }),
    )
    .length(1, 'the local host runs tasks of one container'),
});
const serviceSchema = z.object({
  TaskDefinition: z.string(),
  Cluster: z.string().default('default'),
  DesiredCount: z.literal(1, 'the local host runs services of one task').default(1),
});

/** `AWS::ECS::*`: a service is a process on this machine, run in the directory that its image is built from. */
export function containerMakers(host: ContainerHost): ResourceMakers {
  const definitions = new Map<string, ContainerDefinition>();
  return {
    'AWS::ECS::Cluster': {
      make: (_properties, { name, region, account }) => {
        const cluster = name(255);
        return { ref: cluster, attributes: { Arn: `arn:aws:ecs:${region}:${account}:cluster/${cluster}` } };
      },
    },
    'AWS::ECS::ClusterCapacityProviderAssociations': {
      make: (_properties, { name }) => ({ ref: name(255), attributes: {} }),
    },
    'AWS::ECS::TaskDefinition': {
      make(properties, context) {
        const task = readProperties(taskSchema, properties, context);
        const family = task.Family ?? context.name(255);
        const ref = `arn:aws:ecs:${context.region}:${context.account}:task-definition/${family}:1`;
        definitions.set(ref, containerOf(task, context));
        return { ref, attributes: { TaskDefinitionArn: ref } };
      },
    },
    'AWS::ECS::Service': {
      make(properties, context) {
        const { TaskDefinition, Cluster: cluster } = readProperties(serviceSchema, properties, context);
        const definition = definitions.get(TaskDefinition);
        if (definition === undefined) {
          throw new TemplateFault(
            `Resource ${context.logicalId}: the task definition ${TaskDefinition} is not of this stack`,
          );
        }
        const name = context.name(255);
        host.run(context.logicalId, definition, { cluster, service: name });
        const ref = `arn:aws:ecs:${context.region}:${context.account}:service/${name}`;
        return { ref, attributes: { Name: name, ServiceArn: ref } };
      },
    },
  };
}

function containerOf(task: z.output<typeof taskSchema>, { assembly, logicalId }: MakeContext): ContainerDefinition {
  const [container] = task.ContainerDefinitions;
  if (container === undefined) throw new TemplateFault(`Resource ${logicalId} has no container`);
  const own = [...(container.EntryPoint ?? []), ...(container.Command ?? [])];
  const { directory, dockerFile } = assembly.imageAsset(container.Image);
  return {
    name: container.Name,
    directory,
    command: own.length > 0 ? own : commandOf(readFileSync(join(directory, dockerFile), 'utf8')),
    environment: Object.fromEntries(container.Environment.map(({ Name, Value }) => [Name, Value])),
    secrets: Object.fromEntries(container.Secrets.map(({ Name, ValueFrom }) => [Name, ValueFrom])),
    stopTimeoutMs: container.StopTimeout * 1000,
    healthCheck: container.HealthCheck && healthCheckOf(container.HealthCheck, logicalId),
    taskRoleArn: task.TaskRoleArn,
    executionRoleArn: task.ExecutionRoleArn,
    logGroup: container.LogConfiguration?.Options['awslogs-group'],
  };
}

function healthCheckOf(
  given: {
    readonly Command: readonly string[];
    readonly Interval: number;
    readonly Timeout: number;
    readonly Retries: number;
    readonly StartPeriod: number;
  },
  logicalId: string,
): HealthCheckSettings {
  const [kind, ...command] = given.Command;
  if (kind !== 'CMD') throw new TemplateFault(`Resource ${logicalId}: write its health check as CMD, not as ${kind}`);
  return {
    command,
    intervalMs: given.Interval * 1000,
    timeoutMs: given.Timeout * 1000,
    retries: given.Retries,
    startPeriodMs: given.StartPeriod * 1000,
  };
}
