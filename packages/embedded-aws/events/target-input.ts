import { type JsonPath, jsonPath } from './json-path.ts';
import type { BusEvent, InputTransformer, Rule, Target } from './rule.ts';

/**
 * The text that a target receives for an event: the event itself, or what `Input`, `InputPath` or `InputTransformer`
 * make of it.
 *
 * A template's placeholder `<name>` outside quotes becomes the value as JSON; inside a JSON string it becomes the value's
 * text, escaped; a list or object there loses its quotation marks, for the string around it must stay one. In a template
 * that is not JSON at all, strings stand without quotes. A variable whose path finds nothing is the empty string.
 */
export function targetInput(
  target: Target,
  event: BusEvent,
  rule: Pick<Rule, 'Name' | 'Arn'>,
  acceptedAt: Date,
): string {
  if (target.Input !== undefined) return target.Input;
  if (target.InputPath !== undefined) {
    return JSON.stringify(requirePath(target.InputPath).valueIn(event) ?? null);
  }
  if (target.InputTransformer === undefined) return JSON.stringify(event);
  const { InputTemplate: template } = target.InputTransformer;
  return fill(template, variables(target.InputTransformer, event, rule, acceptedAt));
}

/** What is wrong with a target's ways to make its input, in a sentence; undefined when nothing is. */
export function targetInputFault(target: Target): string | undefined {
  const given = [target.Input, target.InputPath, target.InputTransformer].filter((value) => value !== undefined);
  if (given.length > 1) {
    return `Only one of Input, InputPath, or InputTransformer must be provided for target ${target.Id}.`;
  }
  if (target.Input !== undefined && !isJson(target.Input)) return `JSON syntax error in input for target ${target.Id}`;
  if (target.InputPath !== undefined && jsonPath(target.InputPath) === undefined) {
    return `Invalid InputPath for target ${target.Id}.`;
  }
  if (target.InputTransformer === undefined) return undefined;
  const paths = target.InputTransformer.InputPathsMap ?? {};
  for (const [name, path] of Object.entries(paths)) {
    if (/^AWS\./i.test(name)) return `InputPathsMap key ${name} starts with the reserved text "AWS.".`;
    if (jsonPath(path) === undefined) return `InputPathsMap value ${path} of ${name} is not a JSON path.`;
  }
  const known = new Set([...Object.keys(paths), ...PREDEFINED]);
  for (const [, name = ''] of target.InputTransformer.InputTemplate.matchAll(PLACEHOLDER)) {
    if (!known.has(name)) return `Invalid InputTemplate for target ${target.Id} : [Unknown variable <${name}>].`;
  }
  return undefined;
}

const PLACEHOLDER = /<([A-Za-z0-9_.-]+)>/g;
const PREDEFINED = [
  'aws.events.rule-arn',
  'aws.events.rule-name',
  'aws.events.event',
  'aws.events.event.json',
  'aws.events.event.ingestion-time',
] as const;

function variables(
  transformer: InputTransformer,
  event: BusEvent,
  rule: Pick<Rule, 'Name' | 'Arn'>,
  acceptedAt: Date,
): ReadonlyMap<string, unknown> {
  const { detail, ...envelope } = event;
  const values = new Map<string, unknown>([
    ['aws.events.rule-arn', rule.Arn],
    ['aws.events.rule-name', rule.Name],
    ['aws.events.event', envelope],
    ['aws.events.event.json', { ...envelope, detail }],
    ['aws.events.event.ingestion-time', acceptedAt.toISOString().replace(/\.\d{3}Z$/, 'Z')],
  ]);
  for (const [name, path] of Object.entries(transformer.InputPathsMap ?? {})) {
    values.set(name, requirePath(path).valueIn(event));
  }
  return values;
}

function requirePath(path: string): JsonPath {
  const compiled = jsonPath(path);
  if (compiled === undefined) throw new Error(`${path} is not a JSON path; PutTargets should have refused it`);
  return compiled;
}

function fill(template: string, values: ReadonlyMap<string, unknown>): string {
  const start = template.trimStart();
  const json = /^["{[]/.test(start) || /^<[^>]+>\s*$/.test(start);
  let quoted = false;
  // A quoted stretch toggles with every quotation mark that is not escaped.
  return template.replace(/\\.|"|<([A-Za-z0-9_.-]+)>/gs, (token, name: string | undefined) => {
    if (token === '"') quoted = !quoted;
    if (name === undefined) return token;
    const value = values.get(name) ?? '';
    if (quoted) return insideString(value);
    return json || typeof value !== 'string' ? JSON.stringify(value) : value;
  });
}

function insideString(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value).slice(1, -1);
  return JSON.stringify(value).replaceAll('"', '');
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
