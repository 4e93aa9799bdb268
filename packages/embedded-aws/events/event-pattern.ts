import { AwsError } from '../service.ts';
import { compileMatcher, type Leaf, type Matcher } from './pattern-operators.ts';
import { PatternFault, type PatternNode, readPatternText } from './pattern-text.ts';

/**
 * Event patterns, compiled and matched as EventBridge does: an event is flattened to (path, value) pairs, a dotted name
 * equals nesting, a list in a pattern is an "or", fields are an "and", and fields that lie inside one array of the
 * event must be met by the same element of it.
 */
export interface EventPattern {
  matches(event: object): boolean;
}

/** Fields by their dotted path; one such map for each way through the pattern's `$or`s. */
type Alternative = ReadonlyMap<string, readonly Matcher[]>;

/** EventBridge's bound on the combinations that `$or` may make. */
const MAX_ALTERNATIVES = 1000;

/** Throws AwsError `InvalidEventPatternException` with the service's reason. */
export function compileEventPattern(text: string): EventPattern {
  const alternatives = alternativesOf(text);
  return {
    matches(event) {
      const leaves = flatten(event);
      return alternatives.some((alternative) => matchesAll([...alternative], leaves, new Map()));
    },
  };
}

function alternativesOf(text: string): readonly Alternative[] {
  try {
    const pattern = readPatternText(text);
    if (pattern.kind !== 'object') throw new PatternFault('Filter is not an object');
    return addFields([new Map()], '', pattern.members, false);
  } catch (error) {
    if (!(error instanceof PatternFault)) throw error;
    throw new AwsError('InvalidEventPatternException', `Event pattern is not valid. Reason: ${error.message}`);
  }
}

type Members = Extract<PatternNode, { kind: 'object' }>['members'];

function addFields(
  to: readonly Alternative[],
  parent: string,
  members: Members,
  insideOr: boolean,
): readonly Alternative[] {
  if (members.length === 0) throw new PatternFault('Empty objects are not allowed');
  let alternatives = to;
  for (const [name, node] of members) {
    if (name === '$or') {
      alternatives = addChoices(alternatives, parent, node);
      continue;
    }
    if (insideOr && RESERVED_INSIDE_OR.has(name)) {
      throw new PatternFault(`${name} is Ruler reserved fieldName which cannot be used inside $or.`);
    }
    const path = parent === '' ? name : `${parent}.${name}`;
    switch (node.kind) {
      case 'object':
        alternatives = addFields(alternatives, path, node.members, insideOr);
        break;
      case 'array': {
        const matchers = node.items.map(compileMatcher);
        if (matchers.length === 0) throw new PatternFault('Empty arrays are not allowed');
        // A path that is named twice: the later list counts.
        alternatives = alternatives.map((alternative) => new Map([...alternative, [path, matchers]]));
        break;
      }
      default:
        throw new PatternFault(`"${name}" must be an object or an array`);
    }
  }
  return alternatives;
}

function addChoices(to: readonly Alternative[], parent: string, node: PatternNode): readonly Alternative[] {
  if (node.kind !== 'array') throw new PatternFault('It must be an Array followed with $or.');
  const alternatives = node.items.flatMap((item) => {
    if (item.kind !== 'object') throw new PatternFault('Only JSON object is allowed in array of $or relationship.');
    return addFields(to, parent, item.members, true);
  });
  if (node.items.length < 2) throw new PatternFault('There must have at least 2 Objects in $or relationship.');
  if (alternatives.length > MAX_ALTERNATIVES) {
    throw new PatternFault(`The $or relationships make more than ${MAX_ALTERNATIVES} combinations.`);
  }
  return alternatives;
}

const RESERVED_INSIDE_OR: ReadonlySet<string> = new Set(
  'exactly equals-ignore-case prefix suffix anything-but exists wildcard numeric cidr = < <= > >= regex not-wildcard'
    .concat(' not-equals-ignore-case date-after date-on-or-after date-before date-on-or-before in-date-range')
    .concat(' ip-address-in-range ip-address-not-in-range')
    .split(' '),
);

/** For each array that a value lies in, the index of the element. */
type Membership = ReadonlyMap<object, number>;

interface Occurrence {
  readonly value: Leaf;
  readonly membership: Membership;
}

function flatten(event: object): ReadonlyMap<string, readonly Occurrence[]> {
  const leaves = new Map<string, Occurrence[]>();
  const visit = (path: string, value: unknown, membership: Membership): void => {
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) {
        // Plain values of one list are alternatives; only objects and lists inside it tie fields together.
        const within = typeof item === 'object' && item !== null;
        visit(path, item, within ? new Map([...membership, [value, index]]) : membership);
      }
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, member] of Object.entries(value)) {
        visit(path === '' ? name : `${path}.${name}`, member, membership);
      }
    } else {
      const occurrences = leaves.get(path) ?? [];
      occurrences.push({ value: value as Leaf, membership });
      leaves.set(path, occurrences);
    }
  };
  visit('', event, new Map());
  return leaves;
}

function matchesAll(
  fields: readonly (readonly [string, readonly Matcher[]])[],
  leaves: ReadonlyMap<string, readonly Occurrence[]>,
  chosen: Membership,
): boolean {
  const [field, ...rest] = fields;
  if (field === undefined) return true;
  const [path, matchers] = field;
  const occurrences = leaves.get(path) ?? [];
  return matchers.some((matcher) => {
    if (matcher.kind === 'absent') return occurrences.length === 0 && matchesAll(rest, leaves, chosen);
    return occurrences.some((occurrence) => {
      if (!matcher.test(occurrence.value)) return false;
      const joined = join(chosen, occurrence.membership);
      return joined !== undefined && matchesAll(rest, leaves, joined);
    });
  });
}

/** Both memberships together; undefined when they name different elements of one array. */
function join(one: Membership, other: Membership): Membership | undefined {
  if (other.size === 0) return one;
  for (const [array, index] of other) {
    if ((one.get(array) ?? index) !== index) return undefined;
  }
  return new Map([...one, ...other]);
}
