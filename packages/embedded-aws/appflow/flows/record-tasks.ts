import type { FlowTask } from './flow-definition.ts';

export type SourceRecord = Readonly<Record<string, unknown>>;
export type MappedRecord = Record<string, unknown>;

/** A Validate task with the action DropDataset met a record that it refuses: the run stops. */
export class DatasetDroppedError extends Error {
  override readonly name = 'DatasetDroppedError' as const;
}

/** What the tasks of a flow do to one record. */
export interface RecordTasks {
  /** Source fields to read; undefined with Map_all, which reads what there is, but for `excluded`. */
  readonly fields: readonly string[] | undefined;
  readonly excluded: ReadonlySet<string>;
  /** DESTINATION_DATA_TYPE by destination field, in lower case. Fields that Map_all brings have none. */
  readonly destinationTypes: ReadonlyMap<string, string>;
  /** The destination's record, or undefined when a Validate task drops it. Throws DatasetDroppedError. */
  transform(record: SourceRecord): MappedRecord | undefined;
}

/** Compiles the tasks once per run. */
export function compileTasks(tasks: readonly FlowTask[]): RecordTasks {
  const of = (type: FlowTask['type']) => tasks.filter((task) => task.type === type);
  const maps = of('Map').map((task) => ({
    source: task.sourceFields[0] ?? '',
    destination: task.destinationField ?? '',
    type: task.properties.get('DESTINATION_DATA_TYPE')?.toLowerCase() ?? 'string',
  }));
  const mapAll = of('Map_all')[0];
  const excluded = new Set(mapAll ? excludedFields(mapAll) : []);
  const validations = of('Validate');
  const editors = tasks.filter((task) => task.type === 'Mask' || task.type === 'Truncate');
  const projection = tasks.find((task) => task.type === 'Filter' && task.operator === 'PROJECTION');

  return {
    fields: mapAll ? undefined : (projection?.sourceFields ?? maps.map(({ source }) => source)),
    excluded,
    destinationTypes: new Map(maps.map(({ destination, type }) => [destination, type])),
    transform(record) {
      for (const task of validations) {
        for (const field of task.sourceFields) {
          if (isValid(valueAt(record, field), task.operator)) continue;
          if (task.properties.get('VALIDATION_ACTION') === 'DropRecord') return undefined;
          throw new DatasetDroppedError(`${task.operator} of ${field} refuses a record, and its action is DropDataset`);
        }
      }
      const edited = editors.length === 0 ? record : edit(record, editors);
      const mapped: MappedRecord = {};
      if (mapAll) {
        for (const [field, value] of Object.entries(edited)) {
          if (field !== 'attributes' && !excluded.has(field)) mapped[field] = value;
        }
      }
      for (const { source, destination } of maps) mapped[destination] = valueAt(edited, source);
      return mapped;
    },
  };
}

/** EXCLUDE_SOURCE_FIELDS_LIST is a JSON list (`[]`) or names with commas between. */
function excludedFields(task: FlowTask): readonly string[] {
  const text = task.properties.get('EXCLUDE_SOURCE_FIELDS_LIST') ?? '';
  return text
    .replace(/^\[|\]$/g, '')
    .split(',')
    .map((name) => name.trim().replace(/^"|"$/g, ''))
    .filter((name) => name !== '');
}

/** A field of the record; `Owner.Name` follows a relationship. */
export function valueAt(record: SourceRecord, field: string): unknown {
  if (field in record || !field.includes('.')) return record[field];
  let value: unknown = record;
  for (const step of field.split('.')) {
    value = typeof value === 'object' && value !== null ? (value as SourceRecord)[step] : undefined;
  }
  return value ?? null;
}

function isValid(value: unknown, operator: string): boolean {
  const blank = value === null || value === undefined || value === '';
  if (operator === 'VALIDATE_NON_NULL') return !blank;
  const number = blank ? Number.NaN : Number(value);
  switch (operator) {
    case 'VALIDATE_NUMERIC':
      return !Number.isNaN(number);
    case 'VALIDATE_NON_ZERO':
      return number !== 0;
    case 'VALIDATE_NON_NEGATIVE':
      return !(number < 0);
    default:
      throw new Error(`Validate operator ${operator} is unknown`);
  }
}

function edit(record: SourceRecord, editors: readonly FlowTask[]): SourceRecord {
  const edited: MappedRecord = { ...record };
  for (const task of editors) {
    for (const field of task.sourceFields) {
      const value = edited[field];
      if (value !== null && value !== undefined) edited[field] = editText(String(value), task);
    }
  }
  return edited;
}

function editText(text: string, task: FlowTask): string {
  if (task.type === 'Truncate') return text.slice(0, Number(task.properties.get('TRUNCATE_LENGTH')));
  const mask = task.properties.get('MASK_VALUE') ?? '*';
  const length = Math.min(Number(task.properties.get('MASK_LENGTH') ?? text.length), text.length);
  switch (task.operator) {
    case 'MASK_ALL':
      return mask.repeat(text.length);
    case 'MASK_FIRST_N':
      return mask.repeat(length) + text.slice(length);
    case 'MASK_LAST_N':
      return text.slice(0, text.length - length) + mask.repeat(length);
    default:
      throw new Error(`Mask operator ${task.operator} is unknown`);
  }
}
