import validate from 'asl-validator';
import type { Json } from '../states/json.ts';
import { isJsonObject, parseJson } from '../states/json.ts';
import type { Diagnostic, Machine, State, StateList } from './definition.ts';
import { Fields } from './definition-fields.ts';
import { readStateList } from './definition-reader.ts';

/** The largest definition: 1 MB (Step Functions service quotas). */
const LARGEST_DEFINITION_BYTES = 1_048_576;

export type CheckedDefinition =
  | { readonly kind: 'good'; readonly machine: Machine }
  | { readonly kind: 'faulty'; readonly diagnostics: readonly Diagnostic[] };

/** Reads a definition and finds all its faults; a good one can be run without any further check. */
export function checkDefinition(text: string): CheckedDefinition {
  const diagnostics: Diagnostic[] = [];
  const json = readJson(text, diagnostics);
  if (json === undefined) return { kind: 'faulty', diagnostics };
  const machine = readMachine(json, diagnostics);
  if (diagnostics.length === 0) checkTransitions(machine, '', diagnostics);
  // A second pair of eyes for what is no matter of single fields: duplicate names, unreachable states, no way to an end.
  if (diagnostics.length === 0) diagnostics.push(...validateStructure(json));
  return diagnostics.length === 0 ? { kind: 'good', machine } : { kind: 'faulty', diagnostics };
}

/** Reads a definition that was found good before, for example when it was stored. Throws when it is not. */
export function readDefinition(text: string): Machine {
  const diagnostics: Diagnostic[] = [];
  const json = readJson(text, diagnostics);
  const machine = json === undefined ? undefined : readMachine(json, diagnostics);
  if (machine !== undefined && diagnostics.length === 0) return machine;
  throw new Error(`a stored definition cannot be read: ${JSON.stringify(diagnostics)}`);
}

function readJson(text: string, diagnostics: Diagnostic[]): Readonly<Record<string, Json>> | undefined {
  const fault = (message: string) => {
    diagnostics.push({ severity: 'ERROR', code: 'INVALID_JSON_DESCRIPTION', message, location: '' });
  };
  if (Buffer.byteLength(text) > LARGEST_DEFINITION_BYTES) {
    fault('The definition must not be larger than 1 MB');
    return undefined;
  }
  try {
    const json = parseJson(text);
    if (isJsonObject(json)) return json;
    fault('The definition must be a JSON object');
  } catch (error) {
    fault((error as SyntaxError).message);
  }
  return undefined;
}

function readMachine(json: Readonly<Record<string, Json>>, diagnostics: Diagnostic[]): Machine {
  const fields = new Fields(json, '', diagnostics);
  fields.text('Comment');
  const version = fields.text('Version');
  if (version !== undefined && version !== '1.0') fields.fault("The only Version is '1.0'", undefined, '/Version');
  const timeoutSeconds = fields.number('TimeoutSeconds', 1, true);
  const machine = { ...readStateList(fields, fields.text('QueryLanguage') ?? 'JSONPath'), timeoutSeconds };
  fields.refuseOthers();
  return machine;
}

function targets(state: State): string[] {
  const next = 'next' in state && state.next !== undefined ? [state.next] : [];
  const caught = 'catch' in state ? state.catch.map((catcher) => catcher.next) : [];
  if (state.type !== 'Choice') return [...next, ...caught];
  return [...state.rules.map((rule) => rule.next), ...(state.default === undefined ? [] : [state.default])];
}

function checkTransitions(list: StateList, location: string, diagnostics: Diagnostic[]): void {
  const missing = (target: string, at: string) => {
    const message = `Missing 'Next' target: ${target}`;
    diagnostics.push({ severity: 'ERROR', code: 'MISSING_TRANSITION_TARGET', message, location: at });
  };
  if (!list.states.has(list.startAt)) missing(list.startAt, `${location}/StartAt`);
  for (const state of list.states.values()) {
    const at = `${location}/States/${state.name}`;
    for (const target of targets(state)) if (!list.states.has(target)) missing(target, at);
    if (state.type === 'Map') checkTransitions(state.processor, `${at}/ItemProcessor`, diagnostics);
    if (state.type === 'Parallel') {
      state.branches.forEach((branch, index) => {
        checkTransitions(branch, `${at}/Branches[${index}]`, diagnostics);
      });
    }
  }
}

const KNOWN_STRUCTURES = 1_000;
const verdicts = new Map<string, readonly Diagnostic[]>();

/** What the validator says of a structure. It takes 50 ms for each, so that it is asked once. */
function validateStructure(definition: Readonly<Record<string, Json>>): readonly Diagnostic[] {
  const structure = skeleton(definition);
  const key = JSON.stringify(structure);
  const known = verdicts.get(key);
  if (known !== undefined) return known;
  // `checkPaths` is about JSONPath; the resources were read before, and are the same in each skeleton.
  const found = validate(structure, { checkPaths: false, checkArn: false }).errors.map(
    (error): Diagnostic => ({
      severity: 'ERROR',
      code: error['Error code'],
      message: error.Message,
      location: error.schemaError?.instancePath ?? '',
    }),
  );
  if (verdicts.size >= KNOWN_STRUCTURES) verdicts.clear();
  verdicts.set(key, found);
  return found;
}

/** Fields that hold data. Any JSON value is legal in most of them, which the validator does not know. */
const DATA_FIELDS = ['Output', 'Arguments', 'Assign', 'Items', 'ItemSelector', 'Error', 'Cause'];

/** A copy of a list of states with nothing but its structure. */
function skeleton(list: Readonly<Record<string, Json>>): Record<string, Json> {
  const states = list.States;
  if (!isJsonObject(states)) return { ...list };
  const copied = Object.entries(states).map(([name, state]): [string, Json] => [name, stateSkeleton(state)]);
  return { ...list, States: Object.fromEntries(copied) };
}

function stateSkeleton(json: Json): Json {
  if (!isJsonObject(json)) return json;
  const copy: Record<string, Json> = { ...json };
  for (const name of DATA_FIELDS) delete copy[name];
  if ('Condition' in copy) copy.Condition = '{% true %}';
  if ('Resource' in copy) copy.Resource = 'arn:aws:states:::lambda:invoke';
  for (const name of ['Catch', 'Choices']) {
    const rules = copy[name];
    if (Array.isArray(rules)) copy[name] = rules.map(stateSkeleton);
  }
  if (isJsonObject(copy.ItemProcessor)) copy.ItemProcessor = skeleton(copy.ItemProcessor);
  if (Array.isArray(copy.Branches)) {
    copy.Branches = copy.Branches.map((branch: Json) => (isJsonObject(branch) ? skeleton(branch) : branch));
  }
  return copy;
}
