import type { ExecutionRecord } from '../runs/execution-records.ts';
import { CREATED_BY, flowArn } from '../runs/run-reports.ts';
import type { FlowDefinition } from './flow-definition.ts';
import type { FlowState } from './flow-store.ts';

/**
 * Flows and runs as the AppFlow API answers them: camelCase, times in epoch seconds, and five differences from
 * CloudFormation: trigger properties nested under `Scheduled`, `timezone`, task properties as a map,
 * `failOnFirstDestinationError`, and the status.
 */
export function describeFlow(
  flow: FlowDefinition,
  state: FlowState,
  lastRun: ExecutionRecord | undefined,
  region: string,
): Record<string, unknown> {
  const { properties } = flow;
  const { TriggerType, TriggerProperties } = properties.TriggerConfig;
  return defined({
    flowArn: flowArn(region, flow.name),
    flowName: flow.name,
    description: properties.Description,
    kmsArn: properties.KMSArn,
    flowStatus: state.status,
    flowStatusMessage: state.statusMessage,
    sourceFlowConfig: toApiNames(properties.SourceFlowConfig),
    destinationFlowConfigList: properties.DestinationFlowConfigList.map(toApiNames),
    triggerConfig: defined({
      triggerType: TriggerType,
      triggerProperties: TriggerProperties && { Scheduled: toApiNames(TriggerProperties) },
    }),
    tasks: properties.Tasks.map((task) =>
      defined({
        taskType: task.TaskType,
        sourceFields: task.SourceFields,
        connectorOperator: task.ConnectorOperator,
        destinationField: task.DestinationField,
        taskProperties:
          task.TaskProperties && Object.fromEntries(task.TaskProperties.map(({ Key, Value }) => [Key, Value])),
      }),
    ),
    tags: Object.fromEntries((properties.Tags ?? []).map(({ Key, Value }) => [Key, Value])),
    createdAt: seconds(state.createdAt),
    lastUpdatedAt: seconds(state.updatedAt),
    createdBy: CREATED_BY,
    lastUpdatedBy: CREATED_BY,
    schemaVersion: state.schemaVersion,
    lastRunExecutionDetails: lastRun && describeLastRun(lastRun),
  });
}

/** One entry of ListFlows. */
export function summarizeFlow(
  flow: FlowDefinition,
  state: FlowState,
  lastRun: ExecutionRecord | undefined,
  region: string,
): Record<string, unknown> {
  const { properties } = flow;
  return defined({
    flowArn: flowArn(region, flow.name),
    flowName: flow.name,
    description: properties.Description,
    flowStatus: state.status,
    sourceConnectorType: properties.SourceFlowConfig.ConnectorType,
    destinationConnectorType: properties.DestinationFlowConfigList[0]?.ConnectorType,
    triggerType: properties.TriggerConfig.TriggerType,
    createdAt: seconds(state.createdAt),
    lastUpdatedAt: seconds(state.updatedAt),
    createdBy: CREATED_BY,
    lastUpdatedBy: CREATED_BY,
    tags: Object.fromEntries((properties.Tags ?? []).map(({ Key, Value }) => [Key, Value])),
    lastRunExecutionDetails: lastRun && describeLastRun(lastRun),
  });
}

/** One entry of DescribeFlowExecutionRecords. */
export function describeRun(run: ExecutionRecord): Record<string, unknown> {
  const { totals } = run;
  const failed = run.message !== undefined || totals.putFailures > 0;
  return defined({
    executionId: run.executionId,
    executionStatus: run.status,
    executionResult: defined({
      errorInfo: failed ? defined({ putFailuresCount: totals.putFailures, executionMessage: run.message }) : undefined,
      bytesProcessed: totals.bytesProcessed,
      bytesWritten: totals.bytesWritten,
      recordsProcessed: totals.recordsProcessed,
    }),
    startedAt: seconds(run.startedAt),
    lastUpdatedAt: seconds(run.updatedAt),
    dataPullStartTime: run.window?.fromSeconds,
    dataPullEndTime: run.window?.toSeconds,
  });
}

function describeLastRun(run: ExecutionRecord): Record<string, unknown> {
  return defined({
    mostRecentExecutionMessage: run.message,
    mostRecentExecutionTime: seconds(run.startedAt),
    mostRecentExecutionStatus: run.status,
  });
}

const seconds = (at: number) => at / 1000;

/** CloudFormation's names that the API spells in another way than with a small first letter. */
const API_NAMES: Readonly<Record<string, string>> = {
  Salesforce: 'Salesforce',
  S3: 'S3',
  TimeZone: 'timezone',
  FailOnFirstError: 'failOnFirstDestinationError',
};

function toApiNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toApiNames);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      API_NAMES[name] ?? name.charAt(0).toLowerCase() + name.slice(1),
      toApiNames(inner),
    ]),
  );
}

/** JSON has no undefined: an absent member is left out. */
function defined(members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
