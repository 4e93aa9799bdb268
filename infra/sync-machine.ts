import { fileURLToPath } from 'node:url';
import { ArnFormat, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { DefinitionBody, LogLevel, StateMachine, StateMachineType } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';

export interface SyncMachineProps {
  /** Names the file in state-machines/, and with `sfsync-` before it the machine. */
  readonly pipeline: 'salesforce-to-postgres' | 'postgres-to-salesforce' | 'sweep';
  /** Values for the `${Name}` of the definition. */
  readonly substitutions: Readonly<Record<string, string>>;
}

/** A Standard state machine from its ASL file. Its definition grants nothing: whoever makes one grants each call. */
export class SyncMachine extends StateMachine {
  constructor(scope: Construct, id: string, { pipeline, substitutions }: SyncMachineProps) {
    const stateMachineName = `sfsync-${pipeline}`;
    super(scope, id, {
      stateMachineName,
      stateMachineType: StateMachineType.STANDARD,
      definitionBody: DefinitionBody.fromFile(
        fileURLToPath(new URL(`../state-machines/${pipeline}.asl.json`, import.meta.url)),
      ),
      definitionSubstitutions: { ...substitutions },
      tracingEnabled: true,
      logs: {
        level: LogLevel.ALL,
        includeExecutionData: false,
        destination: new LogGroup(scope, `${id}Logs`, {
          // Groups under this prefix do not count against the length of the account's log resource policy.
          logGroupName: `/aws/vendedlogs/states/${stateMachineName}`,
          retention: RetentionDays.THREE_MONTHS,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
      },
    });
  }

  /** ARN of the executions of a pipeline's machine, known before the machine: its functions may have to look at them. */
  static executionsArn(scope: Construct, pipeline: SyncMachineProps['pipeline']): string {
    return Stack.of(scope).formatArn({
      service: 'states',
      resource: `execution:sfsync-${pipeline}`,
      resourceName: '*',
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
  }
}
