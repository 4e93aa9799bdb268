import { readTaskResource } from '../integrations/task-resource.ts';
import { isExpression } from '../states/expression.ts';
import type { ChoiceRule, MapState, State, StateList, WaitState } from './definition.ts';
import { type Fields, parseTimestamp } from './definition-fields.ts';
import { readAssign, readGuards } from './definition-guards.ts';

const JSONPATH_FIELDS = ['InputPath', 'OutputPath', 'ResultPath', 'ResultSelector', 'Parameters', 'Result'];

/** Reads `StartAt` and `States` of a machine, a branch or an item processor. */
export function readStateList(fields: Fields, queryLanguage: string): StateList {
  const startAt = fields.required('StartAt');
  if (!fields.has('States')) fields.fault("The field 'States' is required but was missing");
  const states = new Map<string, State>();
  for (const [name, state] of fields.entries('States')) {
    const read = readState(name, state, queryLanguage);
    if (read !== undefined) states.set(name, read);
  }
  return { startAt, states };
}

function readState(name: string, fields: Fields, machineLanguage: string): State | undefined {
  if (name.length > 80) fields.fault('The name of a state must not be longer than 80 characters');
  const language = fields.text('QueryLanguage') ?? machineLanguage;
  if (language !== 'JSONata') {
    fields.unsupported(
      `State '${name}' is written in ${language}: only JSONata is offered, set QueryLanguage to JSONata`,
    );
    return undefined;
  }
  for (const field of JSONPATH_FIELDS) {
    if (fields.has(field) && fields.value(field) !== undefined) {
      fields.fault(`The QueryLanguage 'JSONata' does not support the field '${field}'`);
    }
  }
  fields.text('Comment');
  const state = readByType(name, fields, language);
  fields.refuseOthers();
  return state;
}

function readByType(name: string, fields: Fields, language: string): State | undefined {
  const type = fields.required('Type');
  switch (type) {
    case 'Pass':
      return { type, name, ...readLeaving(fields) };
    case 'Wait':
      return { type, name, ...readLeaving(fields), until: readUntil(fields) };
    case 'Choice':
      return {
        type,
        name,
        rules: readRules(fields),
        output: fields.template('Output'),
        assign: readAssign(fields),
        default: fields.text('Default'),
      };
    case 'Succeed':
      return { type, name, output: fields.template('Output') };
    case 'Fail':
      return { type, name, error: readFailText(fields, 'Error'), cause: readFailText(fields, 'Cause') };
    case 'Task': {
      const leaving = { ...readLeaving(fields), ...readGuards(fields) };
      const task = readTask(fields);
      return task === undefined ? undefined : { type, name, ...leaving, ...task };
    }
    case 'Parallel': {
      const branches = fields.objects('Branches').map((branch) => readStateList(branch, language));
      if (branches.length === 0) fields.fault("The field 'Branches' is required and must hold at least one branch");
      return {
        type,
        name,
        ...readLeaving(fields),
        ...readGuards(fields),
        arguments: fields.template('Arguments'),
        branches,
      };
    }
    case 'Map':
      return { type, name, ...readLeaving(fields), ...readGuards(fields), ...readMap(fields, language) };
    default:
      fields.fault(`Value '${type}' is not one of the state types`, undefined, '/Type');
      return undefined;
  }
}

function readLeaving(fields: Fields) {
  const next = fields.text('Next');
  const end = fields.value('End');
  if ((next === undefined) === (end !== true)) fields.fault("Exactly one of 'Next' and 'End' must be given");
  return { output: fields.template('Output'), assign: readAssign(fields), next };
}

function readUntil(fields: Fields): WaitState['until'] {
  if (fields.has('Seconds') === fields.has('Timestamp'))
    fields.fault("Exactly one of 'Seconds' and 'Timestamp' must be given");
  if (!fields.has('Timestamp')) return { seconds: fields.numberTemplate('Seconds', 0, true) ?? 0 };
  const timestamp = fields.template('Timestamp') ?? '';
  const text = typeof timestamp === 'string' ? timestamp : '';
  if (!isExpression(text) && parseTimestamp(text) === undefined) {
    fields.fault('String does not match RFC3339 timestamp', undefined, '/Timestamp');
  }
  return { timestamp };
}

function readRules(fields: Fields): ChoiceRule[] {
  const rules = fields.objects('Choices').map((rule): ChoiceRule => {
    const condition = rule.template('Condition');
    if (condition === undefined) rule.fault("The field 'Condition' is required but was missing");
    else if (typeof condition !== 'boolean' && !(typeof condition === 'string' && isExpression(condition))) {
      rule.fault('Expected a JSONata expression or a Boolean', undefined, '/Condition');
    }
    const read = {
      condition: condition ?? false,
      output: rule.template('Output'),
      assign: readAssign(rule),
      next: rule.required('Next'),
    };
    rule.text('Comment');
    rule.refuseOthers();
    return read;
  });
  if (rules.length === 0) fields.fault("The field 'Choices' is required and must hold at least one rule");
  return rules;
}

function readFailText(fields: Fields, name: string) {
  const text = fields.template(name);
  if (text !== undefined && typeof text !== 'string')
    fields.fault('Expected value of type String', undefined, `/${name}`);
  return text;
}

function readTask(fields: Fields) {
  const resource = fields.required('Resource');
  const task = readTaskResource(resource);
  const timeoutSeconds = fields.numberTemplate('TimeoutSeconds', 1, true);
  const heartbeatSeconds = fields.numberTemplate('HeartbeatSeconds', 1, true);
  if (
    typeof timeoutSeconds === 'number' &&
    typeof heartbeatSeconds === 'number' &&
    heartbeatSeconds >= timeoutSeconds
  ) {
    fields.fault("'HeartbeatSeconds' must be smaller than 'TimeoutSeconds'");
  }
  const credentials = fields.object('Credentials');
  credentials?.required('RoleArn');
  const roleArn = credentials?.template('RoleArn');
  const read = { resource, arguments: fields.template('Arguments'), timeoutSeconds, heartbeatSeconds, roleArn };
  if (task.kind === 'unsupported') {
    fields.unsupported(`Resource '${resource}' needs ${task.why}, which is not offered`, '/Resource');
    return undefined;
  }
  if (task.kind === 'invalid') {
    fields.fault(`Value is not a valid resource ARN: '${resource}'`, undefined, '/Resource');
    return undefined;
  }
  return { ...read, task };
}

function readMap(fields: Fields, language: string): Pick<MapState, MapField> {
  for (const field of ['ItemReader', 'ItemBatcher', 'ResultWriter', 'Label']) {
    if (fields.has(field) && fields.value(field) !== undefined) {
      fields.unsupported(`The field '${field}' belongs to a distributed Map state, which is not offered`);
    }
  }
  const processor = fields.object('ItemProcessor');
  if (processor === undefined) fields.fault("The field 'ItemProcessor' is required but was missing");
  const mode = processor?.object('ProcessorConfig')?.text('Mode') ?? 'INLINE';
  if (mode !== 'INLINE')
    fields.unsupported(`A Map state in mode ${mode} is not offered, only INLINE`, '/ItemProcessor');
  const items = fields.template('Items');
  if (items !== undefined && !Array.isArray(items) && !(typeof items === 'string' && isExpression(items))) {
    fields.fault('Expected value of type Array or a JSONata expression', undefined, '/Items');
  }
  return {
    items,
    itemSelector: fields.template('ItemSelector'),
    maxConcurrency: fields.numberTemplate('MaxConcurrency', 0, true),
    toleratedFailureCount: fields.numberTemplate('ToleratedFailureCount', 0, true),
    toleratedFailurePercentage: fields.numberTemplate('ToleratedFailurePercentage', 0, false),
    processor: processor === undefined ? { startAt: '', states: new Map() } : readStateList(processor, language),
  };
}

type MapField =
  | 'items'
  | 'itemSelector'
  | 'maxConcurrency'
  | 'toleratedFailureCount'
  | 'toleratedFailurePercentage'
  | 'processor';
