/** A JSON value. Whatever flows between states is one: values are never changed in place, so they may be shared. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: Json;
}

/** The most a state, a task or an execution may take or return: 256 KiB of UTF-8 (Step Functions service quotas). */
export const DATA_LIMIT_BYTES = 262_144;

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return isObject(value);
}

/** Parses JSON text. Throws SyntaxError as `JSON.parse` does. */
export function parseJson(text: string): Json {
  const value: Json = JSON.parse(text);
  return value;
}

/** Whether the JSON text of a value is larger than {@link DATA_LIMIT_BYTES}. */
export function exceedsDataLimit(value: Json): boolean {
  const text = JSON.stringify(value);
  // A UTF-16 unit takes one to three bytes of UTF-8, so most values need no counting.
  if (text.length > DATA_LIMIT_BYTES) return true;
  return text.length * 3 > DATA_LIMIT_BYTES && Buffer.byteLength(text) > DATA_LIMIT_BYTES;
}
