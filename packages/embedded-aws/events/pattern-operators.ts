import { cidrTest, ipAddress } from './ip-range.ts';
import { PatternFault, type PatternNode } from './pattern-text.ts';

/** A value of an event that a pattern can look at: arrays and objects are taken apart before. */
export type Leaf = string | number | boolean | null;

/** What one entry of a pattern's list asks of a field: a test of a value there, or that there is none. */
export type Matcher = { readonly kind: 'test'; readonly test: (leaf: Leaf) => boolean } | { readonly kind: 'absent' };

const test = (of: (leaf: Leaf) => boolean): Matcher => ({ kind: 'test', test: of });
const textTest = (of: (text: string) => boolean): Matcher => test((leaf) => typeof leaf === 'string' && of(leaf));

/** Compiles one entry of a field's list. Throws PatternFault with the service's reason. */
export function compileMatcher(node: PatternNode): Matcher {
  switch (node.kind) {
    case 'object':
      return matchExpression(node.members);
    case 'array':
      throw new PatternFault('Match value must be String, number, true, false, or null');
    case 'string': {
      const address = ipAddress(node.value);
      // One address has several spellings: 2001:DB8::1 is 2001:db8:0::1.
      if (address === undefined) return test((leaf) => leaf === node.value);
      return textTest((text) => {
        const found = ipAddress(text);
        return found?.bits === address.bits && found.value === address.value;
      });
    }
    case 'number':
    case 'literal':
      return test((leaf) => leaf === node.value);
    default:
      throw node satisfies never;
  }
}

function matchExpression(members: readonly (readonly [string, PatternNode])[]): Matcher {
  const [first] = members;
  if (first === undefined) throw new PatternFault('Match expression name not found');
  const [operator, operand] = first;
  const matcher = operatorMatcher(operator, operand);
  if (members.length > 1) {
    const numeric = operator === 'numeric' || operator === 'anything-but';
    throw new PatternFault(
      numeric ? 'Too many elements in numeric expression' : 'Only one key allowed in match expression',
    );
  }
  return matcher;
}

function operatorMatcher(operator: string, operand: PatternNode): Matcher {
  switch (operator) {
    case 'exactly':
      return equals(text(operand, 'exact'));
    case 'prefix':
      if (operand.kind === 'object') return ignoringCase('Prefix', operand.members);
      return startsWith(text(operand, 'prefix'));
    case 'suffix':
      if (operand.kind === 'object') return ignoringCase('Suffix', operand.members);
      return endsWith(text(operand, 'suffix'));
    case 'equals-ignore-case':
      return equalsIgnoringCase(text(operand, 'equals-ignore-case'));
    case 'wildcard':
      return textTest(wildcardTest(text(operand, 'wildcard')));
    case 'cidr':
      return textTest(cidrTest(text(operand, 'prefix')));
    case 'exists':
      if (operand.kind !== 'literal' || operand.value === null) {
        throw new PatternFault('exists match pattern must be either true or false.');
      }
      return operand.value ? test(() => true) : { kind: 'absent' };
    case 'numeric':
      return numericMatcher(operand);
    case 'anything-but':
      return anythingBut(operand);
    default:
      throw new PatternFault(`Unrecognized match type ${operator}`);
  }
}

function text(operand: PatternNode, operator: string): string {
  if (operand.kind !== 'string') throw new PatternFault(`${operator} match pattern must be a string`);
  return operand.value;
}

const equals = (value: string): Matcher => test((leaf) => leaf === value);
const startsWith = (prefix: string): Matcher => textTest((leaf) => leaf.startsWith(prefix));
const endsWith = (suffix: string): Matcher => textTest((leaf) => leaf.endsWith(suffix));

function equalsIgnoringCase(value: string): Matcher {
  const lower = value.toLowerCase();
  return textTest((leaf) => leaf.toLowerCase() === lower);
}

/** `{"prefix": {"equals-ignore-case": "x"}}`, and the same with suffix. */
function ignoringCase(side: 'Prefix' | 'Suffix', members: readonly (readonly [string, PatternNode])[]): Matcher {
  const [first] = members;
  if (first === undefined) throw new PatternFault(`${side} expression name not found`);
  if (first[0] !== 'equals-ignore-case') {
    throw new PatternFault(`Unsupported ${side.toLowerCase()} pattern: ${first[0]}`);
  }
  const lower = text(first[1], 'equals-ignore-case').toLowerCase();
  if (members.length > 1) throw new PatternFault('Only one key allowed in match expression');
  return textTest((leaf) =>
    side === 'Prefix' ? leaf.toLowerCase().startsWith(lower) : leaf.toLowerCase().endsWith(lower),
  );
}

/** `*` stands for any text; `\*` and `\\` for themselves. Positions in faults count bytes from the opening quote. */
function wildcardTest(pattern: string): (text: string) => boolean {
  const pieces = [''];
  const characters = [...pattern];
  for (let index = 0, position = 1; index < characters.length; index += 1) {
    let character = characters[index] ?? '';
    position += Buffer.byteLength(character);
    const next = characters[index + 1];
    if (character === '*') {
      if (next === '*') throw new PatternFault(`Consecutive wildcard characters at pos ${position - 1}`);
      pieces.push('');
      continue;
    }
    if (character === '\\') {
      if (next !== '*' && next !== '\\') throw new PatternFault(`Invalid escape character at pos ${position - 1}`);
      character = next;
      index += 1;
      position += 1;
    }
    pieces.push(`${pieces.pop()}${character}`);
  }
  return (text) => holdsPieces(text, pieces);
}

/** Do the pieces stand in the text in this order, the first at its start and the last at its end? */
function holdsPieces(text: string, pieces: readonly string[]): boolean {
  const first = pieces[0] ?? '';
  const last = pieces.at(-1) ?? '';
  if (pieces.length === 1) return text === first;
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return at <= text.length - last.length;
}

function numericMatcher(operand: PatternNode): Matcher {
  if (operand.kind !== 'array') throw new PatternFault('Value of numeric must be an array.');
  const [operator, bound, upperOperator, upperBound, ...rest] = operand.items;
  if (operator?.kind !== 'string') throw new PatternFault(`Invalid member in numeric match: ${spelled(operator)}`);
  const compare = COMPARISONS.get(operator.value);
  if (compare === undefined) throw new PatternFault(`Unrecognized numeric range operator: ${operator.value}`);
  const name = operator.value === '=' ? 'equals' : operator.value;
  if (bound?.kind !== 'number') throw new PatternFault(`Value of ${name} must be numeric`);
  const low = bound.value;
  if (upperOperator === undefined) return test((leaf) => typeof leaf === 'number' && compare(leaf, low));
  if (!operator.value.startsWith('>')) throw new PatternFault('Too many elements in numeric expression');
  if (upperOperator.kind !== 'string') {
    throw new PatternFault(`Bad value in numeric range: ${spelled(upperOperator)}`);
  }
  const upper = upperOperator.value.startsWith('<') ? COMPARISONS.get(upperOperator.value) : undefined;
  if (upper === undefined) throw new PatternFault(`Bad numeric range operator: ${upperOperator.value}`);
  if (upperBound?.kind !== 'number') throw new PatternFault(`Value of ${upperOperator.value} must be numeric`);
  if (rest.length > 0) throw new PatternFault('Too many terms in numeric range expression');
  const high = upperBound.value;
  if (low >= high) throw new PatternFault('Bottom must be less than top');
  return test((leaf) => typeof leaf === 'number' && compare(leaf, low) && upper(leaf, high));
}

const COMPARISONS: ReadonlyMap<string, (value: number, bound: number) => boolean> = new Map([
  ['=', (value, bound) => value === bound],
  ['<', (value, bound) => value < bound],
  ['<=', (value, bound) => value <= bound],
  ['>', (value, bound) => value > bound],
  ['>=', (value, bound) => value >= bound],
]);

function spelled(node: PatternNode | undefined): string {
  switch (node?.kind) {
    case undefined:
      return ']';
    case 'object':
      return '{';
    case 'array':
      return '[';
    default:
      return String(node?.value);
  }
}

/** `anything-but` lets null and other types pass, but never a missing field: there is no value to look at. */
function anythingBut(operand: PatternNode): Matcher {
  if (operand.kind === 'object') return anythingButOperator(operand.members);
  if (operand.kind === 'string' || operand.kind === 'number') return test((leaf) => leaf !== operand.value);
  if (operand.kind === 'literal') {
    throw new PatternFault('Value of anything-but must be an array or single string/number value.');
  }
  const values = operand.items.map((item) => {
    if (item.kind === 'string' || item.kind === 'number') return item.value;
    throw new PatternFault('Inside anything but list, start|null|boolean is not supported.');
  });
  if (new Set(values.map((value) => typeof value)).size !== 1) {
    throw new PatternFault(
      'Inside anything but list, either all values are number or string, mixed type is not supported',
    );
  }
  const excluded = new Set<Leaf>(values);
  return test((leaf) => !excluded.has(leaf));
}

function anythingButOperator(members: readonly (readonly [string, PatternNode])[]): Matcher {
  const [first] = members;
  if (first === undefined) throw new PatternFault('Anything-But expression name not found');
  const [operator, operand] = first;
  const known = EXCLUSIONS.get(operator);
  if (known === undefined) throw new PatternFault(`Unsupported anything-but pattern: ${operator}`);
  if (operand.kind === 'object' || operand.kind === 'literal') {
    throw new PatternFault('Value of anything-but must be an array or single string/number value.');
  }
  const tests = (operand.kind === 'array' ? operand.items : [operand]).map((item) => {
    if (item.kind !== 'string') throw new PatternFault(known.notText);
    if (item.value === '' && known.nonEmpty) throw new PatternFault('Null prefix/suffix not allowed');
    return known.excludes(item.value);
  });
  if (members.length > 1) throw new PatternFault('Too many elements in numeric expression');
  return test((leaf) => !tests.some((matcher) => matcher.kind === 'test' && matcher.test(leaf)));
}

interface Exclusion {
  readonly excludes: (value: string) => Matcher;
  readonly notText: string;
  readonly nonEmpty: boolean;
}

const AFFIX = 'prefix/suffix match pattern must be a string';

const EXCLUSIONS: ReadonlyMap<string, Exclusion> = new Map([
  ['prefix', { excludes: startsWith, notText: AFFIX, nonEmpty: true }],
  ['suffix', { excludes: endsWith, notText: AFFIX, nonEmpty: true }],
  [
    'wildcard',
    {
      excludes: (value: string) => textTest(wildcardTest(value)),
      notText: 'wildcard match pattern must be a string',
      nonEmpty: false,
    },
  ],
  [
    'equals-ignore-case',
    {
      excludes: equalsIgnoringCase,
      notText: 'Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.',
      nonEmpty: false,
    },
  ],
]);
