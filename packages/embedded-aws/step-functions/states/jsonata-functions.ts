import { createHash, randomUUID } from 'node:crypto';
import type { Expression } from 'jsonata';
import type { Json } from './json.ts';
import { parseJson } from './json.ts';

const HASH_ALGORITHMS: Readonly<Record<string, string>> = {
  MD5: 'md5',
  'SHA-1': 'sha1',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
};

/** As many as JSONata's own range operator makes before it gives up (its error D2014). */
const LONGEST_RANGE = 10_000_000;

/** An error of a function, in the form in which JSONata reports its own: code and text. */
function functionError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

function partition(list: readonly Json[] | undefined, size: number | undefined): Json[][] | undefined {
  if (list === undefined || size === undefined) return undefined;
  if (size < 1) throw functionError('D3000', 'The second argument of function "partition" must be a positive number');
  const step = Math.floor(size);
  const parts: Json[][] = [];
  for (let start = 0; start < list.length; start += step) parts.push(list.slice(start, start + step));
  return parts;
}

/** A JSONata sequence: of one element it becomes that element, which the real `$range` does and `$partition` does not. */
function sequence(values: Json[]): Json[] {
  return Object.assign(values, { sequence: true });
}

function range(first: number | undefined, last: number | undefined, step: number | undefined): Json[] | undefined {
  if (first === undefined || last === undefined || step === undefined) return undefined;
  if (step === 0) throw functionError('D3000', 'The third argument of function "range" must not be zero');
  if ((last - first) / step >= LONGEST_RANGE) {
    throw functionError(
      'D2014',
      `The size of the sequence allocated by function "range" must not exceed ${LONGEST_RANGE}`,
    );
  }
  const values: number[] = [];
  for (let value = first; step > 0 ? value <= last : value >= last; value += step) values.push(value);
  return sequence(values);
}

function hash(text: string | undefined, algorithm: string | undefined): string | undefined {
  if (text === undefined || algorithm === undefined) return undefined;
  const name = HASH_ALGORITHMS[algorithm];
  if (name === undefined) {
    throw functionError(
      'D3000',
      `The algorithm of function "hash" must be one of ${Object.keys(HASH_ALGORITHMS).join(', ')}`,
    );
  }
  return createHash(name).update(text).digest('hex');
}

const MULTIPLIER = 0x5deece66dn;
const MASK = (1n << 48n) - 1n;

/** The first double of java.util.Random with that seed: the same seed gives the same number, everywhere. */
function seededRandom(seed: number): number {
  let state = (BigInt(Math.trunc(seed)) ^ MULTIPLIER) & MASK;
  const next = (bits: bigint) => {
    state = (state * MULTIPLIER + 0xbn) & MASK;
    return state >> (48n - bits);
  };
  const high = next(26n);
  return Number((high << 27n) + next(27n)) / 2 ** 53;
}

function parse(text: string | undefined): Json | undefined {
  if (text === undefined) return undefined;
  try {
    return parseJson(text);
  } catch (error) {
    throw functionError('D3000', `The argument of function "parse" is not JSON text: ${(error as Error).message}`);
  }
}

/** Adds the functions that Step Functions has beyond JSONata, and takes away `$eval`, which it does not have. */
export function addStepFunctionsFunctions(expression: Expression): void {
  expression.registerFunction('partition', partition, '<a-n?:a>');
  expression.registerFunction('range', range, '<n?n?n?:a>');
  expression.registerFunction('hash', hash, '<s-s?:s>');
  expression.registerFunction(
    'random',
    (seed?: number) => (seed === undefined ? Math.random() : seededRandom(seed)),
    '<n?:n>',
  );
  expression.registerFunction('uuid', () => randomUUID(), '<:s>');
  expression.registerFunction('parse', parse, '<s-:x>');
  expression.assign('eval', undefined);
}
