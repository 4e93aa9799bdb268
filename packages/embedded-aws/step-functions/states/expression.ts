import jsonata from 'jsonata';
import type { Json } from './json.ts';
import { addStepFunctionsFunctions } from './jsonata-functions.ts';

/** What an expression can see: `$states`, and the workflow variables by name. */
export interface Bindings {
  readonly states: Readonly<Record<string, Json>>;
  readonly variables: Readonly<Record<string, Json>>;
}

/** Types a field may ask of its expression's result. */
export type ResultType = 'array' | 'boolean' | 'number' | 'object' | 'string';

/** An expression that could not be evaluated; `location` is the field, as `Arguments/FunctionName`. */
export class EvaluationError extends Error {
  override readonly name = 'EvaluationError' as const;
  readonly location: string | undefined;

  constructor(message: string, location: string | undefined) {
    super(message);
    this.location = location;
  }
}

/** Thirty seconds, and a depth of a thousand calls: more than any real expression takes, less than a host that hangs. */
const LIMITS = { timeout: 30_000, stack: 1_000 };
const CACHED_EXPRESSIONS = 5_000;
const compiled = new Map<string, jsonata.Expression>();

/** Whether a string is an expression; blanks outside of the braces make it a literal. */
export function isExpression(text: string): boolean {
  return text.length >= 4 && text.startsWith('{%') && text.endsWith('%}');
}

function expressionText(text: string): string {
  return text.slice(2, -2).trim();
}

/** Compiles an expression once. Throws what JSONata throws when it is not one. */
export function compile(text: string): jsonata.Expression {
  const known = compiled.get(text);
  if (known !== undefined) return known;
  const expression = jsonata(expressionText(text), LIMITS);
  addStepFunctionsFunctions(expression);
  if (compiled.size >= CACHED_EXPRESSIONS) compiled.clear();
  compiled.set(text, expression);
  return expression;
}

class UnsupportedResult extends Error {}

/** A result as plain JSON: functions and what is not finite have no place in it, absent members are left out. */
function toJson(value: unknown): Json | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'undefined':
      return value;
    case 'number':
      if (Number.isFinite(value)) return value;
      break;
    case 'object': {
      if (value === null) return null;
      if (Array.isArray(value)) return value.map((element) => toJson(element) ?? null);
      if ('_jsonata_lambda' in value || '_jsonata_function' in value) break;
      const plain: Record<string, Json> = {};
      for (const [key, member] of Object.entries(value)) {
        const json = toJson(member);
        if (json !== undefined) plain[key] = json;
      }
      return plain;
    }
    default:
      break;
  }
  throw new UnsupportedResult();
}

/** How JSONata reports a fault: a thrown object with code and text, not always an Error. */
function faultText(thrown: unknown): string {
  if (typeof thrown !== 'object' || thrown === null) return String(thrown);
  const message = 'message' in thrown ? String(thrown.message) : 'no message';
  return 'code' in thrown && thrown.code !== undefined ? `${String(thrown.code)}: ${message}` : message;
}

/** Evaluates one expression. Throws EvaluationError, also when the result is nothing at all. */
async function evaluate(text: string, location: string, bindings: Bindings): Promise<Json> {
  const described = `The JSONata expression '${expressionText(text)}' specified for the field '${location}'`;
  let result: unknown;
  try {
    result = await compile(text).evaluate(undefined, { ...bindings.variables, states: bindings.states });
  } catch (thrown) {
    throw new EvaluationError(`${described} threw an error during evaluation. ${faultText(thrown)}`, location);
  }
  if (result === undefined) throw new EvaluationError(`${described} returned nothing (undefined).`, location);
  try {
    const json = toJson(result);
    if (json !== undefined) return json;
  } catch (thrown) {
    if (!(thrown instanceof UnsupportedResult)) throw thrown;
  }
  throw new EvaluationError(`${described} returned an unsupported result type.`, location);
}

/** Fills in a field: strings that are expressions are evaluated wherever they stand, everything else stays. */
export async function evaluateTemplate(template: Json, location: string, bindings: Bindings): Promise<Json> {
  if (typeof template === 'string') return isExpression(template) ? evaluate(template, location, bindings) : template;
  if (typeof template !== 'object' || template === null) return template;
  if (Array.isArray(template)) {
    const elements: Json[] = [];
    for (const [index, element] of template.entries()) {
      elements.push(await evaluateTemplate(element, `${location}[${index}]`, bindings));
    }
    return elements;
  }
  const members: Record<string, Json> = {};
  for (const [key, member] of Object.entries(template)) {
    members[key] = await evaluateTemplate(member, `${location}/${key}`, bindings);
  }
  return members;
}

function typeOf(value: Json): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

/** Evaluates a field whose result must be of one type. Throws EvaluationError when it is of another. */
export async function evaluateTyped(
  template: Json,
  location: string,
  bindings: Bindings,
  expected: ResultType,
): Promise<Json> {
  const value = await evaluateTemplate(template, location, bindings);
  const actual = typeOf(value);
  if (actual === expected) return value;
  const field =
    typeof template === 'string' && isExpression(template)
      ? `The JSONata expression '${expressionText(template)}' specified for the field '${location}' returned`
      : `The value specified for the field '${location}' has`;
  throw new EvaluationError(
    `${field} an unexpected result type. Expected '${expected}', but was '${actual}' for value: ${JSON.stringify(value)}`,
    location,
  );
}
