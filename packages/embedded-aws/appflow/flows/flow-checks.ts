import type { DestinationProperties, SourceProperties, TaskProperties, TriggerProperties } from './flow-properties.ts';
import { parseScheduleExpression } from './schedule.ts';

/**
 * What AppFlow asks of a flow beyond the shape of its properties. Each check adds its findings to `faults`, so that
 * all of them are reported at once.
 */

const COMPARISONS = [
  'BETWEEN',
  'EQUAL_TO',
  'NOT_EQUAL_TO',
  'GREATER_THAN',
  'GREATER_THAN_OR_EQUAL_TO',
  'LESS_THAN',
  'LESS_THAN_OR_EQUAL_TO',
  'CONTAINS',
];
const VALIDATIONS = ['VALIDATE_NON_NULL', 'VALIDATE_NON_ZERO', 'VALIDATE_NON_NEGATIVE', 'VALIDATE_NUMERIC'];

/** Operators of each task type that is executed here (enum SalesforceConnectorOperator of the API model). */
const OPERATORS: Readonly<Record<string, readonly string[]>> = {
  Filter: ['PROJECTION', ...COMPARISONS],
  Map: ['NO_OP'],
  Map_all: ['NO_OP'],
  Mask: ['MASK_ALL', 'MASK_FIRST_N', 'MASK_LAST_N'],
  Truncate: ['NO_OP'],
  Validate: VALIDATIONS,
};

/** AppFlow User Guide, Creating flows: at most ten filters. */
const MAX_FILTERS = 10;

export function checkTrigger(trigger: TriggerProperties, source: SourceProperties | undefined, faults: string[]): void {
  const at = 'TriggerConfig';
  const { TriggerType: type, TriggerProperties: properties } = trigger;
  if (type === 'Event') faults.push(`${at}.TriggerType: event-triggered flows are not executed here`);
  if (type === 'OnDemand' && properties) faults.push(`${at}.TriggerProperties: only a Scheduled trigger has them`);
  if (type !== 'Scheduled') return;
  if (source?.ConnectorType === 'S3') {
    faults.push(`${at}.TriggerType: a flow from S3 is executed here on demand only`);
  }
  if (!properties) {
    faults.push(`${at}.TriggerProperties: required for a Scheduled trigger`);
    return;
  }
  try {
    parseScheduleExpression(properties.ScheduleExpression);
  } catch (error) {
    faults.push(`${at}.TriggerProperties.ScheduleExpression: ${error instanceof Error ? error.message : error}`);
  }
  const incrementalField =
    source?.ConnectorType === 'Salesforce' && source.IncrementalPullConfig?.DatetimeTypeFieldName;
  if (properties.DataPullMode === 'Incremental' && incrementalField === undefined) {
    faults.push(
      'SourceFlowConfig.IncrementalPullConfig.DatetimeTypeFieldName: required for DataPullMode Incremental (use SystemModstamp; AWS documents no default)',
    );
  }
}

export function checkSource(source: SourceProperties, faults: string[]): void {
  if (source.ConnectorType === 'S3' && /^\/*$/.test(source.SourceConnectorProperties.S3.BucketPrefix)) {
    faults.push('SourceFlowConfig.SourceConnectorProperties.S3.BucketPrefix: the files must lie in a folder');
  }
}

export function checkDestination(destination: DestinationProperties, faults: string[]): void {
  const at = `DestinationFlowConfigList.0.DestinationConnectorProperties.${destination.ConnectorType}`;
  if (destination.ConnectorType === 'S3') {
    const format = destination.DestinationConnectorProperties.S3.S3OutputFormatConfig;
    if (format?.FileType === 'PARQUET') {
      faults.push(`${at}.S3OutputFormatConfig.FileType: PARQUET is not written here; use JSON or CSV`);
    }
    return;
  }
  const { WriteOperationType: operation, IdFieldNames: ids } = destination.DestinationConnectorProperties.Salesforce;
  if (operation === 'UPSERT') {
    if (ids?.length !== 1) faults.push(`${at}.IdFieldNames: UPSERT needs exactly one external id field`);
    if (ids?.[0] === 'Id') {
      faults.push(`${at}.IdFieldNames: UPSERT matches by an external id field; Id is for UPDATE and DELETE`);
    }
  }
  if ((operation === 'UPDATE' || operation === 'DELETE') && ids?.some((id) => id !== 'Id')) {
    faults.push(`${at}.IdFieldNames: ${operation} matches by the record Id only`);
  }
}

export function checkTasks(
  tasks: readonly TaskProperties[],
  source: SourceProperties,
  destination: DestinationProperties | undefined,
  faults: string[],
): void {
  tasks.forEach((task, index) => {
    checkTask(task, `Tasks.${index}`, source.ConnectorType, faults);
  });
  checkProjection(tasks, faults);
  const filters = tasks.filter((task) => task.TaskType === 'Filter' && operatorOf(task) !== 'PROJECTION');
  if (filters.length > MAX_FILTERS) faults.push(`Tasks: ${filters.length} filters, at most ${MAX_FILTERS} are allowed`);
  const mapAll = tasks.some((task) => task.TaskType === 'Map_all');
  const mapped = tasks.filter((task) => task.TaskType === 'Map').map((task) => task.DestinationField);
  if (!mapAll && mapped.length === 0) faults.push('Tasks: no Map and no Map_all task, nothing would be transferred');
  for (const field of new Set(mapped.filter((name, index) => name !== undefined && mapped.indexOf(name) !== index))) {
    faults.push(`Tasks: destination field ${field} is mapped more than once`);
  }
  if (destination?.ConnectorType === 'Salesforce' && !mapAll) {
    const { WriteOperationType: operation, IdFieldNames: ids } = destination.DestinationConnectorProperties.Salesforce;
    const key =
      operation === 'UPSERT' ? ids?.[0] : operation === undefined || operation === 'INSERT' ? undefined : 'Id';
    if (key !== undefined && !mapped.includes(key)) {
      faults.push(`Tasks: ${operation} needs a Map task with destination field ${key}`);
    }
  }
}

function checkTask(task: TaskProperties, at: string, connector: 'Salesforce' | 'S3', faults: string[]): void {
  const type = task.TaskType;
  const allowed = OPERATORS[type];
  if (!allowed) {
    faults.push(`${at}.TaskType: ${type} is not executed here; ${Object.keys(OPERATORS).join(', ')} are`);
    return;
  }
  const operators = Object.entries(task.ConnectorOperator ?? {});
  const [key, operator] = operators[0] ?? [];
  if (operators.length !== 1 || key !== connector) {
    const seen = operators.length === 0 ? 'nothing' : operators.map(([name]) => name).join(', ');
    faults.push(`${at}.ConnectorOperator: must be keyed by the source connector, ${connector}; seen: ${seen}`);
  } else if (operator === undefined || !allowed.includes(operator)) {
    faults.push(`${at}.ConnectorOperator.${connector}: ${type} takes ${allowed.join(', ')}; seen: ${operator}`);
  } else if (connector === 'S3' && COMPARISONS.includes(operator)) {
    faults.push(`${at}.ConnectorOperator.S3: filters on a flow from S3 are not executed here`);
  }
  const properties = new Map((task.TaskProperties ?? []).map(({ Key, Value }) => [Key, Value]));
  const need = (...names: (TaskProperties['TaskProperties'] & {})[number]['Key'][]) => {
    for (const name of names) if (!properties.has(name)) faults.push(`${at}.TaskProperties: ${type} needs ${name}`);
  };
  if (type === 'Map') {
    if (task.SourceFields.length !== 1) faults.push(`${at}.SourceFields: Map takes exactly one field`);
    if (!task.DestinationField) faults.push(`${at}.DestinationField: required for Map`);
    need('SOURCE_DATA_TYPE', 'DESTINATION_DATA_TYPE');
  }
  if (type === 'Validate') {
    need('VALIDATION_ACTION');
    const action = properties.get('VALIDATION_ACTION');
    if (action !== undefined && action !== 'DropRecord' && action !== 'DropDataset') {
      faults.push(`${at}.TaskProperties: VALIDATION_ACTION is DropRecord or DropDataset; seen: ${action}`);
    }
  }
  if (type === 'Mask')
    need(...(operator === 'MASK_ALL' ? (['MASK_VALUE'] as const) : (['MASK_VALUE', 'MASK_LENGTH'] as const)));
  if (type === 'Truncate') need('TRUNCATE_LENGTH');
  for (const name of ['MASK_LENGTH', 'TRUNCATE_LENGTH'] as const) {
    const value = properties.get(name);
    if (value !== undefined && !/^\d+$/.test(value))
      faults.push(`${at}.TaskProperties: ${name} must be a whole number`);
  }
  if (type === 'Filter' && operator !== undefined && operator !== 'PROJECTION') {
    need('DATA_TYPE');
    if (operator === 'BETWEEN') need('LOWER_BOUND', 'UPPER_BOUND');
    else if (!properties.has('VALUES')) need('VALUE');
    if (task.SourceFields.length !== 1) faults.push(`${at}.SourceFields: a filter takes exactly one field`);
  }
}

function checkProjection(tasks: readonly TaskProperties[], faults: string[]): void {
  if (tasks.some((task) => task.TaskType === 'Map_all')) return;
  const first = tasks[0];
  if (first?.TaskType !== 'Filter' || operatorOf(first) !== 'PROJECTION') {
    faults.push('Tasks.0: the first task must be a Filter PROJECTION that lists every field read');
    return;
  }
  const projected = new Set(first.SourceFields);
  const read = new Set(tasks.slice(1).flatMap((task) => task.SourceFields));
  const missing = [...read].filter((field) => !projected.has(field));
  if (missing.length > 0) faults.push(`Tasks.0.SourceFields: fields read but not listed: ${missing.join(', ')}`);
}

const operatorOf = (task: TaskProperties) => Object.values(task.ConnectorOperator ?? {})[0];
