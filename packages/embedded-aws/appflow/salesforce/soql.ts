import type { FlowTask, InboundFlow } from '../flows/flow-definition.ts';
import type { PullWindow } from '../runs/pull-window.ts';

const COMPARISON = {
  EQUAL_TO: '=',
  NOT_EQUAL_TO: '!=',
  GREATER_THAN: '>',
  GREATER_THAN_OR_EQUAL_TO: '>=',
  LESS_THAN: '<',
  LESS_THAN_OR_EQUAL_TO: '<=',
} as const;

/** Types whose literals stand bare in SOQL. */
const BARE = /^(int|integer|long|double|decimal|number|currency|percent|boolean|date|datetime)$/i;

/** The query of one run: the fields, the flow's filters and the window. */
export function buildQuery(flow: InboundFlow, fields: readonly string[], window: PullWindow | undefined): string {
  const conditions = flow.tasks
    .filter((task) => task.type === 'Filter' && task.operator !== 'PROJECTION')
    .map(toCondition);
  if (window && flow.incrementalField !== undefined) {
    conditions.push(`${flow.incrementalField} >= ${toDateTime(window.fromSeconds)}`);
    conditions.push(`${flow.incrementalField} < ${toDateTime(window.toSeconds)}`);
  }
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
  return `SELECT ${fields.join(', ')} FROM ${flow.object}${where}`;
}

function toCondition(task: FlowTask): string {
  const field = task.sourceFields[0];
  const property = (name: string) => literal(task.properties.get(name) ?? '', task.properties.get('DATA_TYPE') ?? '');
  if (task.operator === 'BETWEEN') {
    return `${field} >= ${property('LOWER_BOUND')} AND ${field} <= ${property('UPPER_BOUND')}`;
  }
  if (task.operator === 'CONTAINS') {
    const text = quoted(task.properties.get('VALUE') ?? '').replace(/[%_]/g, '\\$&');
    return `${field} LIKE '%${text}%'`;
  }
  const values = task.properties.get('VALUES');
  if (values !== undefined) {
    const type = task.properties.get('DATA_TYPE') ?? '';
    const list = values.split(',').map((value) => literal(value.trim(), type));
    return `${field} ${task.operator === 'NOT_EQUAL_TO' ? 'NOT IN' : 'IN'} (${list.join(', ')})`;
  }
  return `${field} ${COMPARISON[task.operator as keyof typeof COMPARISON]} ${property('VALUE')}`;
}

/** Dates and times of a filter come in epoch milliseconds (API model, task properties) or as SOQL spells them. */
function literal(value: string, dataType: string): string {
  if (!BARE.test(dataType)) return `'${quoted(value)}'`;
  if (/^date(time)?$/i.test(dataType) && /^\d{9,}$/.test(value)) {
    const iso = toDateTime(Math.floor(Number(value) / 1000));
    return dataType.toLowerCase() === 'date' ? iso.slice(0, 10) : iso;
  }
  return value;
}

const quoted = (text: string) => text.replace(/[\\']/g, '\\$&');

/** `2026-01-31T12:00:00Z`. */
export function toDateTime(epochSeconds: number): string {
  return new Date(epochSeconds * 1000).toISOString().replace('.000Z', 'Z');
}
