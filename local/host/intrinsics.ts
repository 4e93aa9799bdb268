import { type Template, TemplateFault } from './template.ts';

/** A resource that has been made: what `Ref` and `Fn::GetAtt` answer for it. */
export interface MadeResource {
  readonly ref: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** What a template's functions look things up in. */
export interface Scope {
  readonly mappings: Template['mappings'];
  readonly conditions: Template['conditions'];
  /** Parameters and pseudo parameters (`AWS::Region`); a list parameter is an array. */
  readonly parameters: ReadonlyMap<string, string | readonly string[]>;
  readonly resources: ReadonlyMap<string, MadeResource>;
  /** Availability zones of the region, for `Fn::GetAZs`. */
  readonly zones: readonly string[];
}

/** `AWS::NoValue`: the property is left out. */
const NO_VALUE = Symbol('AWS::NoValue');

type IntrinsicFunction = (argument: unknown, scope: Scope, at: string) => unknown;

/** What each supported function answers. Those that are not here are refused by name. */
const FUNCTIONS: Readonly<Record<string, IntrinsicFunction>> = {
  Ref: (name, scope, at) => referenceOf(text(name, at), scope, at),
  'Fn::GetAtt': (argument, scope, at) => {
    const [logicalId = '', ...attribute] = Array.isArray(argument)
      ? argument.map((part) => text(value(part, scope, at), at))
      : text(argument, at).split('.');
    return attributeOf(logicalId, attribute.join('.'), scope, at);
  },
  'Fn::Join': (argument, scope, at) => {
    const [separator, parts] = pair(argument, at);
    return list(value(parts, scope, at), at).join(text(separator, at));
  },
  'Fn::Sub': substitute,
  'Fn::Select': (argument, scope, at) => {
    const [index, from] = pair(argument, at);
    const parts = list(value(from, scope, at), at);
    const part = parts[Number(value(index, scope, at))];
    if (part === undefined) throw new TemplateFault(`${at}: a list of ${parts.length} has no element ${String(index)}`);
    return part;
  },
  'Fn::Split': (argument, scope, at) => {
    const [separator, from] = pair(argument, at);
    return text(value(from, scope, at), at).split(text(separator, at));
  },
  'Fn::If': (argument, scope, at) => {
    const [name, yes, no] = list(argument, at);
    return value(isTrue({ Condition: name }, scope, at) ? yes : no, scope, at);
  },
  'Fn::FindInMap': (argument, scope, at) => {
    const [map = '', first = '', second = ''] = list(argument, at).map((part) => text(value(part, scope, at), at));
    const found = scope.mappings[map]?.[first]?.[second];
    if (found === undefined) throw new TemplateFault(`${at}: the mapping ${map} has no ${first}, ${second}`);
    return found;
  },
  'Fn::GetAZs': (_argument, scope) => scope.zones,
  'Fn::Base64': (argument, scope, at) => Buffer.from(text(value(argument, scope, at), at)).toString('base64'),
};

/** The functions that answer true or false: in `Conditions`, and inside each other. */
const CONDITION_FUNCTIONS: Readonly<Record<string, (argument: unknown, scope: Scope, at: string) => boolean>> = {
  'Fn::Equals': (argument, scope, at) => {
    const [left, right] = pair(argument, at);
    return JSON.stringify(value(left, scope, at)) === JSON.stringify(value(right, scope, at));
  },
  'Fn::And': (argument, scope, at) => list(argument, at).every((part) => isTrue(part, scope, at)),
  'Fn::Or': (argument, scope, at) => list(argument, at).some((part) => isTrue(part, scope, at)),
  'Fn::Not': (argument, scope, at) => !isTrue(list(argument, at)[0], scope, at),
  Condition: (argument, scope, at) => conditionHolds(text(argument, at), scope, at),
};

/**
 * The value with every intrinsic function answered. `at` is its place in the template, for the fault's text.
 * Throws TemplateFault for a function that is not supported and for a name that does not exist.
 */
export function resolve(content: unknown, scope: Scope, at: string): unknown {
  const resolved = value(content, scope, at);
  return resolved === NO_VALUE ? undefined : resolved;
}

/** Whether the named condition of the template holds. Throws TemplateFault when there is none. */
export function conditionHolds(name: string, scope: Scope, at: string): boolean {
  const condition = scope.conditions[name];
  if (condition === undefined) throw new TemplateFault(`${at}: the template has no condition ${name}`);
  return isTrue(condition, scope, `Conditions.${name}`);
}

/** The single key and argument of `{ "Fn::Name": argument }`; undefined: a plain value. */
export function intrinsicOf(content: unknown): readonly [name: string, argument: unknown] | undefined {
  if (typeof content !== 'object' || content === null || Array.isArray(content)) return undefined;
  const [entry, ...others] = Object.entries(content);
  if (entry === undefined || others.length > 0) return undefined;
  return entry[0] === 'Ref' || entry[0].startsWith('Fn::') ? entry : undefined;
}

/** The names in `${...}` of a text for `Fn::Sub`; `${!Literal}` is not one. */
export function namesIn(template: string): string[] {
  return [...template.matchAll(/\$\{([^!}][^}]*)\}/g)].map(([, name = '']) => name.trim());
}

function value(content: unknown, scope: Scope, at: string): unknown {
  const intrinsic = intrinsicOf(content);
  if (intrinsic !== undefined) {
    const [name, argument] = intrinsic;
    const answer = FUNCTIONS[name] ?? CONDITION_FUNCTIONS[name];
    if (answer === undefined) throw new TemplateFault(`${at}: the local host does not support ${name}`);
    return answer(argument, scope, at);
  }
  if (Array.isArray(content)) {
    return content.map((part, i) => value(part, scope, `${at}[${i}]`)).filter((part) => part !== NO_VALUE);
  }
  if (typeof content === 'object' && content !== null) {
    return Object.fromEntries(
      Object.entries(content)
        .map(([name, part]) => [name, value(part, scope, `${at}.${name}`)] as const)
        .filter(([, part]) => part !== NO_VALUE),
    );
  }
  return content;
}

function referenceOf(name: string, scope: Scope, at: string): unknown {
  if (name === 'AWS::NoValue') return NO_VALUE;
  const found = scope.parameters.get(name) ?? scope.resources.get(name)?.ref;
  if (found === undefined) throw new TemplateFault(`${at}: there is no parameter or resource ${name} to refer to`);
  return found;
}

function attributeOf(logicalId: string, attribute: string, scope: Scope, at: string): string {
  const found = scope.resources.get(logicalId);
  if (found === undefined) throw new TemplateFault(`${at}: there is no resource ${logicalId}`);
  const answer = found.attributes[attribute];
  if (answer === undefined) {
    const known = Object.keys(found.attributes).join(', ') || 'none';
    throw new TemplateFault(`${at}: the local host knows no attribute ${attribute} of ${logicalId} (known: ${known})`);
  }
  return answer;
}

function substitute(argument: unknown, scope: Scope, at: string): string {
  const [template, own] = Array.isArray(argument) ? argument : [argument, {}];
  const names = new Map(Object.entries((own ?? {}) as Record<string, unknown>));
  return text(template, at).replaceAll(/\$\{([^}]*)\}/g, (_whole, written: string) => {
    if (written.startsWith('!')) return `\${${written.slice(1)}}`;
    const name = written.trim();
    if (names.has(name)) return text(value(names.get(name), scope, at), at);
    const [logicalId = '', ...attribute] = name.split('.');
    return text(
      attribute.length > 0 ? attributeOf(logicalId, attribute.join('.'), scope, at) : referenceOf(name, scope, at),
      at,
    );
  });
}

function isTrue(content: unknown, scope: Scope, at: string): boolean {
  const [name = '', argument] =
    typeof content === 'object' && content !== null ? (Object.entries(content)[0] ?? []) : [];
  const answer = CONDITION_FUNCTIONS[name];
  if (answer === undefined) throw new TemplateFault(`${at}: ${JSON.stringify(content)} is not a condition`);
  return answer(argument, scope, at);
}

function text(content: unknown, at: string): string {
  if (typeof content === 'string') return content;
  if (typeof content === 'number' || typeof content === 'boolean') return String(content);
  throw new TemplateFault(`${at}: a text is expected, not ${describe(content)}`);
}

function list(content: unknown, at: string): readonly unknown[] {
  if (Array.isArray(content)) return content;
  throw new TemplateFault(`${at}: a list is expected, not ${describe(content)}`);
}

function pair(content: unknown, at: string): readonly [unknown, unknown] {
  const parts = list(content, at);
  if (parts.length !== 2) throw new TemplateFault(`${at}: two arguments are expected, not ${parts.length}`);
  return [parts[0], parts[1]];
}

function describe(content: unknown): string {
  return typeof content === 'symbol' ? 'AWS::NoValue' : JSON.stringify(content);
}
