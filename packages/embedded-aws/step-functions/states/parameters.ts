import { AwsError } from '../../service.ts';
import { isObject } from './json.ts';

/** The input of an operation, as it came over the wire. */
export type Input = Readonly<Record<string, unknown>>;

function invalid(name: string, constraint: string): AwsError {
  const why = `1 validation error detected: Value at '${name}' failed to satisfy constraint: ${constraint}`;
  return new AwsError('ValidationException', why);
}

/** A text that must be there. Throws ValidationException, as all of these do. */
export function requiredText(input: Input, name: string): string {
  const value = optionalText(input, name);
  if (value === undefined) throw invalid(name, 'Member must not be null');
  return value;
}

export function optionalText(input: Input, name: string): string | undefined {
  const value = input[name] ?? undefined;
  if (value === undefined || typeof value === 'string') return value;
  throw invalid(name, 'Member must be a string');
}

export function flag(input: Input, name: string, otherwise: boolean): boolean {
  const value = input[name] ?? otherwise;
  if (typeof value === 'boolean') return value;
  throw invalid(name, 'Member must be a boolean');
}

export function choice<T extends string>(input: Input, name: string, choices: readonly T[]): T | undefined {
  const value = optionalText(input, name);
  if (value === undefined) return undefined;
  const chosen = choices.find((candidate) => candidate === value);
  if (chosen === undefined) throw invalid(name, `Member must satisfy enum value set: [${choices.join(', ')}]`);
  return chosen;
}

/** How many results a page may hold: 1 to 1000; 0 and absent stand for 100 (API reference). */
export function pageSize(input: Input): number {
  const value = input.maxResults ?? 0;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 1_000) return value || 100;
  throw invalid('maxResults', 'Member must have value less than or equal to 1000');
}

/** A text of at most so many bytes. */
export function bounded(text: string, name: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  throw invalid(name, `Member must have length less than or equal to ${bytes}`);
}

/** Where the next page begins. Throws InvalidToken when the token is none of ours. */
export function readToken(input: Input): number | undefined {
  const token = optionalText(input, 'nextToken');
  if (token === undefined) return undefined;
  const at = Number(
    Buffer.from(token, 'base64url')
      .toString()
      .replace(/^page-/, ''),
  );
  if (Number.isInteger(at) && at >= 0 && token === writeToken(at)) return at;
  throw new AwsError('InvalidToken', `Invalid Token: '${token}'`);
}

export function writeToken(at: number): string {
  return Buffer.from(`page-${at}`).toString('base64url');
}

/** Tags as the API has them: a list of key and value. */
export function readTags(input: Input): Record<string, string> {
  const list = input.tags ?? [];
  if (!Array.isArray(list)) throw invalid('tags', 'Member must be a list');
  const tags: Record<string, string> = {};
  for (const tag of list) {
    if (!isObject(tag) || typeof tag.key !== 'string') throw invalid('tags', 'Member must have a key');
    tags[tag.key] = typeof tag.value === 'string' ? tag.value : '';
  }
  return tags;
}

/** Seconds since 1970, with fraction: how the JSON protocol writes a moment. */
export function seconds(at: number): number {
  return at / 1_000;
}
