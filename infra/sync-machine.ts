import { fileURLToPath } from 'node:url';
import { ArnFormat, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { DefinitionBody, LogLevel, StateMachine, StateMachineType } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { Deployment } from './deployment.ts';

/** A file in state-machines/, without extension. */
export type PipelineName = 'salesforce-to-postgres' | 'postgres-to-salesforce' | 'sweep';

export interface SyncMachineProps {
  readonly deployment: Deployment;
  /** Names the definition and, after the deployment's name, the machine. */
  readonly pipeline: PipelineName;
  /** Values for the `${Name}` of the definition. */
  readonly substitutions: Readonly<Record<string, string>>;
}

/** A Standard state machine from its ASL file. Its definition grants nothing: the pipeline grants each call. */
export class SyncMachine extends StateMachine {
  constructor(scope: Construct, id: string, { deployment, pipeline, substitutions }: SyncMachineProps) {
    const stateMachineName = machineName(deployment, pipeline);
    super(scope, id, {
      stateMachineName,
      stateMachineType: StateMachineType.STANDARD,
      definitionBody: DefinitionBody.fromFile(
        fileURLToPath(new URL(`../state-machines/${pipeline}.asl.json`, import.meta.url)),
      ),
      definitionSubstitutions: { ...substitutions, EventSource: deployment.name },
      tracingEnabled: true,
      logs: {
        level: LogLevel.ALL,
        includeExecutionData: false,
        destination: new LogGroup(scope, `${id}Logs`, {
          // Groups under this prefix do not count against the length of the account's log resource policy.
          logGroupName: `/aws/vendedlogs/states/${stateMachineName}`,
          retention: deployment.logRetention,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
      },
    });
  }

  /** ARN of the executions of a pipeline's machine, known before the machine: its functions may have to look at them. */
  static executionsArn(scope: Construct, deployment: Deployment, pipeline: PipelineName): string {
    return Stack.of(scope).formatArn({
      service: 'states',
      resource: `execution:${machineName(deployment, pipeline)}`,
      resourceName: '*',
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
  }
}

function machineName({ name }: Deployment, pipeline: PipelineName): string {
  return `${name}-${pipeline}`;
}
