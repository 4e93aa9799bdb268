import { AwsError } from '../../service.ts';
import { checkDestination, checkSource, checkTasks, checkTrigger } from './flow-checks.ts';
import {
  type DestinationProperties,
  type FlowProperties,
  readFlowProperties,
  type SourceProperties,
  type TaskProperties,
  type TriggerProperties,
} from './flow-properties.ts';
import { type FlowSchedule, parseScheduleExpression } from './schedule.ts';

/** One task of a flow. `operator` is that of the source connector. */
export interface FlowTask {
  readonly type: TaskProperties['TaskType'];
  readonly sourceFields: readonly string[];
  readonly operator: string;
  readonly destinationField: string | undefined;
  readonly properties: ReadonlyMap<string, string>;
}

export type SalesforceApi = 'AUTOMATIC' | 'BULKV2' | 'REST_SYNC';

export interface ScheduledTrigger {
  readonly schedule: FlowSchedule;
  readonly incremental: boolean;
  /** Seconds by which both ends of a window lie behind the run. */
  readonly offsetSeconds: number;
  /** Milliseconds since 1970: where the first window starts. */
  readonly firstExecutionFrom: number | undefined;
  /** Consecutive failures after which the flow is suspended; undefined: never (AWS documents no default). */
  readonly deactivationThreshold: number | undefined;
}

interface FlowBase {
  readonly name: string;
  readonly profileName: string;
  readonly tasks: readonly FlowTask[];
  /** The properties as the template gave them. */
  readonly properties: FlowProperties;
}

/** Salesforce -> S3. */
export interface InboundFlow extends FlowBase {
  readonly direction: 'inbound';
  readonly trigger: ScheduledTrigger | undefined;
  readonly object: string;
  readonly api: SalesforceApi;
  readonly includeDeletedRecords: boolean;
  readonly dynamicFields: boolean;
  readonly incrementalField: string | undefined;
  readonly bucket: string;
  readonly prefix: string | undefined;
  readonly fileType: 'CSV' | 'JSON';
  readonly singleFile: boolean;
  /** Only a goal; undefined: one file, whatever its size. */
  readonly targetFileBytes: number | undefined;
  readonly prefixType: 'FILENAME' | 'PATH' | 'PATH_AND_FILENAME' | undefined;
  readonly prefixFormat: 'YEAR' | 'MONTH' | 'DAY' | 'HOUR' | 'MINUTE';
  readonly pathHierarchy: readonly ('EXECUTION_ID' | 'SCHEMA_VERSION')[];
}

/** S3 -> Salesforce, on demand. */
export interface OutboundFlow extends FlowBase {
  readonly direction: 'outbound';
  readonly trigger: undefined;
  readonly bucket: string;
  readonly prefix: string;
  readonly fileType: 'CSV' | 'JSON';
  readonly object: string;
  readonly api: SalesforceApi;
  readonly operation: 'INSERT' | 'UPDATE' | 'UPSERT' | 'DELETE';
  /** The external id field of an upsert. */
  readonly externalIdField: string | undefined;
  readonly failOnFirstError: boolean;
  readonly errorBucket: string | undefined;
  readonly errorPrefix: string | undefined;
}

export type FlowDefinition = InboundFlow | OutboundFlow;

/**
 * Reads the properties of an `AWS::AppFlow::Flow`. Throws a ValidationException that lists every fault, whether
 * CloudFormation, AppFlow or this stand-in (which runs Salesforce -> S3 and S3 -> Salesforce) would refuse it;
 * `alsoFaults` are those that the caller has found.
 */
export function parseFlow(input: unknown, alsoFaults: readonly string[] = []): FlowDefinition {
  const faults = [...alsoFaults];
  const read = readFlowProperties(input, faults);
  const source = read.SourceFlowConfig;
  const destination = read.DestinationFlowConfigList?.[0];
  if (source && destination && source.ConnectorType === destination.ConnectorType) {
    faults.push(
      `DestinationFlowConfigList.0.ConnectorType: a flow from ${source.ConnectorType} to ${destination.ConnectorType} is not executed here; Salesforce to S3 and S3 to Salesforce are`,
    );
  }
  if (read.TriggerConfig) checkTrigger(read.TriggerConfig, source, faults);
  if (source) checkSource(source, faults);
  if (destination) checkDestination(destination, faults);
  if (read.Tasks && source) checkTasks(read.Tasks, source, destination, faults);
  if (faults.length > 0) throw invalidFlow(read.FlowName, faults);
  return toDefinition(read as FlowProperties);
}

/** The connector profiles that the properties name, right or wrong otherwise. */
export function profileNames(input: unknown): readonly string[] {
  const { SourceFlowConfig: source, DestinationFlowConfigList: destinations } = readFlowProperties(input, []);
  return [source, ...(destinations ?? [])].flatMap((connector) =>
    connector?.ConnectorType === 'Salesforce' ? [connector.ConnectorProfileName] : [],
  );
}

function invalidFlow(name: string | undefined, faults: readonly string[]): AwsError {
  const list = faults.map((fault) => `\n  - ${fault}`).join('');
  const named = name === undefined ? 'A flow' : `Flow ${name}`;
  return new AwsError('ValidationException', `${named} cannot be created:${list}`, 400, { faults });
}

function toDefinition(properties: FlowProperties): FlowDefinition {
  const source = properties.SourceFlowConfig;
  const destination = properties.DestinationFlowConfigList[0];
  const base = { name: properties.FlowName, tasks: properties.Tasks.map(toTask), properties };
  if (source.ConnectorType === 'Salesforce' && destination?.ConnectorType === 'S3') {
    const trigger = toTrigger(properties.TriggerConfig);
    return { ...base, direction: 'inbound', trigger, ...fromSalesforce(source), ...toS3(destination) };
  }
  if (source.ConnectorType === 'S3' && destination?.ConnectorType === 'Salesforce') {
    return { ...base, direction: 'outbound', trigger: undefined, ...fromS3(source), ...toSalesforce(destination) };
  }
  throw invalidFlow(properties.FlowName, ['the pair of connectors is not executed here']);
}

function toTask(task: TaskProperties): FlowTask {
  return {
    type: task.TaskType,
    sourceFields: task.SourceFields,
    operator: Object.values(task.ConnectorOperator ?? {})[0] ?? 'NO_OP',
    destinationField: task.DestinationField,
    properties: new Map((task.TaskProperties ?? []).map(({ Key, Value }) => [Key, Value])),
  };
}

function toTrigger({ TriggerProperties: trigger }: TriggerProperties): ScheduledTrigger | undefined {
  if (!trigger) return undefined;
  return {
    schedule: {
      expression: parseScheduleExpression(trigger.ScheduleExpression),
      startTime: milliseconds(trigger.ScheduleStartTime),
      endTime: milliseconds(trigger.ScheduleEndTime),
    },
    incremental: trigger.DataPullMode === 'Incremental',
    offsetSeconds: trigger.ScheduleOffset ?? 0,
    firstExecutionFrom: milliseconds(trigger.FirstExecutionFrom),
    deactivationThreshold: trigger.FlowErrorDeactivationThreshold,
  };
}

/** CloudFormation gives times in epoch seconds. */
const milliseconds = (seconds: number | undefined) => (seconds === undefined ? undefined : seconds * 1000);

function fromSalesforce(source: Extract<SourceProperties, { ConnectorType: 'Salesforce' }>) {
  const salesforce = source.SourceConnectorProperties.Salesforce;
  return {
    profileName: source.ConnectorProfileName,
    object: salesforce.Object,
    api: salesforce.DataTransferApi ?? 'AUTOMATIC',
    includeDeletedRecords: salesforce.IncludeDeletedRecords ?? false,
    dynamicFields: salesforce.EnableDynamicFieldUpdate ?? false,
    incrementalField: source.IncrementalPullConfig?.DatetimeTypeFieldName,
  };
}

function toS3(destination: Extract<DestinationProperties, { ConnectorType: 'S3' }>) {
  const s3 = destination.DestinationConnectorProperties.S3;
  const format = s3.S3OutputFormatConfig;
  const targetMegabytes = format?.AggregationConfig?.TargetFileSize;
  return {
    bucket: s3.BucketName,
    prefix: s3.BucketPrefix === undefined ? undefined : trimSlashes(s3.BucketPrefix),
    fileType: format?.FileType === 'CSV' ? ('CSV' as const) : ('JSON' as const),
    singleFile: format?.AggregationConfig?.AggregationType === 'SingleFile',
    targetFileBytes: targetMegabytes === undefined ? undefined : targetMegabytes * 1024 * 1024,
    prefixType: format?.PrefixConfig?.PrefixType,
    prefixFormat: format?.PrefixConfig?.PrefixFormat ?? ('DAY' as const),
    pathHierarchy: format?.PrefixConfig?.PathPrefixHierarchy ?? [],
  };
}

function fromS3(source: Extract<SourceProperties, { ConnectorType: 'S3' }>) {
  const s3 = source.SourceConnectorProperties.S3;
  return {
    bucket: s3.BucketName,
    prefix: trimSlashes(s3.BucketPrefix),
    fileType: s3.S3InputFormatConfig?.S3InputFileType ?? ('CSV' as const),
  };
}

function toSalesforce(destination: Extract<DestinationProperties, { ConnectorType: 'Salesforce' }>) {
  const salesforce = destination.DestinationConnectorProperties.Salesforce;
  const errors = salesforce.ErrorHandlingConfig;
  const operation = salesforce.WriteOperationType ?? 'INSERT';
  return {
    profileName: destination.ConnectorProfileName,
    object: salesforce.Object,
    api: salesforce.DataTransferApi ?? 'AUTOMATIC',
    operation,
    externalIdField: operation === 'UPSERT' ? salesforce.IdFieldNames?.[0] : undefined,
    failOnFirstError: errors?.FailOnFirstError ?? false,
    errorBucket: errors?.BucketName,
    errorPrefix: errors?.BucketPrefix === undefined ? undefined : trimSlashes(errors.BucketPrefix),
  };
}

const trimSlashes = (prefix: string) => prefix.replace(/^\/+|\/+$/g, '');
