import { pattern } from './wildcard.ts';

/** What is known of a request, by condition key in lower case. An absent key has no value. */
export type RequestContext = ReadonlyMap<string, string>;

export type Condition = (context: RequestContext) => boolean;

interface Operator {
  readonly matches: (value: string, wanted: string) => boolean;
  readonly negated: boolean;
}

const equal = (value: string, wanted: string): boolean => value === wanted;
const equalIgnoringCase = (value: string, wanted: string): boolean => value.toLowerCase() === wanted.toLowerCase();
const like = (value: string, wanted: string): boolean => pattern(wanted).matches(value);

const OPERATORS: ReadonlyMap<string, Operator> = new Map([
  ['StringEquals', { matches: equal, negated: false }],
  ['StringNotEquals', { matches: equal, negated: true }],
  ['StringEqualsIgnoreCase', { matches: equalIgnoringCase, negated: false }],
  ['StringNotEqualsIgnoreCase', { matches: equalIgnoringCase, negated: true }],
  ['StringLike', { matches: like, negated: false }],
  ['StringNotLike', { matches: like, negated: true }],
  // ArnEquals and ArnLike behave the same (IAM User Guide, ARN condition operators).
  ['ArnEquals', { matches: arnLike, negated: false }],
  ['ArnLike', { matches: arnLike, negated: false }],
  ['ArnNotEquals', { matches: arnLike, negated: true }],
  ['ArnNotLike', { matches: arnLike, negated: true }],
  ['Bool', { matches: equalIgnoringCase, negated: false }],
]);

/**
 * Compiles a statement's `Condition`: all operators and keys have to hold, one of the values of each. A key that the
 * request does not have fails, except for negated operators and those with `IfExists`. Throws for an unknown operator.
 */
export function compileConditions(block: Readonly<Record<string, Readonly<Record<string, unknown>>>>): Condition[] {
  return Object.entries(block).flatMap(([name, keys]) =>
    Object.entries(keys).map(([key, values]) => compileCondition(name, key, [values].flat().map(String))),
  );
}

function compileCondition(name: string, key: string, wanted: readonly string[]): Condition {
  const contextKey = key.toLowerCase();
  if (name === 'Null') return (context) => wanted.includes(String(!context.has(contextKey)));
  const ifExists = name.endsWith('IfExists');
  const operator = OPERATORS.get(ifExists ? name.slice(0, -'IfExists'.length) : name);
  if (operator === undefined) {
    throw new Error(`condition operator ${name} is not known; known are ${[...OPERATORS.keys(), 'Null'].join(', ')}`);
  }
  const { matches, negated } = operator;
  return (context) => {
    const value = context.get(contextKey);
    if (value === undefined) return ifExists || negated;
    return wanted.some((each) => matches(value, each)) !== negated;
  };
}

/** ARNs are compared part by part: a wildcard does not reach over a colon, except in the last part. */
function arnLike(value: string, wanted: string): boolean {
  const parts = arnParts(value);
  const patterns = arnParts(wanted);
  return parts.length === patterns.length && patterns.every((part, index) => pattern(part).matches(parts[index] ?? ''));
}

function arnParts(arn: string): readonly string[] {
  const parts = arn.split(':');
  return [...parts.slice(0, 5), parts.slice(5).join(':')];
}
