import type { IncomingHttpHeaders } from 'node:http';
import type { Org, Writer } from './org.ts';
import { SalesforceError } from './salesforce-error.ts';

/** One request to the org, its path already matched. */
export interface Call {
  readonly method: string;
  /** Path without query, slashes collapsed. */
  readonly path: string;
  /** Named parts of the path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** API version as in the URL, `66.0`. */
  readonly version: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly writer: Writer;
  /** Form fields of an OAuth request are read from the body; everything else finds its JSON here. */
  json(): unknown;
}

/** What is answered. Without `json` and `text` there is no body. */
export interface Answer {
  readonly status: number;
  readonly json?: unknown;
  readonly text?: string;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Handler = (org: Org, call: Call) => Answer;

/** One address of the API: `pattern` has `:name` for one segment and a final `*name` for all that is left. */
export interface Route {
  readonly pattern: string;
  /** How calls are counted, and distinguished by faults. */
  readonly kind: string;
  readonly methods: Readonly<Record<string, Handler>>;
  /** No access token needed, or found elsewhere than in the header. */
  readonly open?: boolean;
  /** How a refusal is worded. @default the array of the REST API */
  readonly refuse?: (error: SalesforceError) => Answer;
}

export const ok = (json: unknown): Answer => ({ status: 200, json });
export const noContent: Answer = { status: 204 };

/** A part of the path that the route's pattern names. */
export function param(call: Call, name: string): string {
  const value = call.params[name];
  if (value === undefined) throw new Error(`no part ":${name}" in the path of ${call.path}`);
  return value;
}

/** The body as a JSON object. Throws JSON_PARSER_ERROR. */
export function jsonObject(call: Call): Readonly<Record<string, unknown>> {
  const value = call.json();
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new SalesforceError(
    'JSON_PARSER_ERROR',
    'The HTTP entity body is required, but this request has no entity body.',
  );
}

/** Parses a body. Throws JSON_PARSER_ERROR with the parser's reason. */
export function parseJson(body: string): unknown {
  if (body.trim() === '') return undefined;
  try {
    return JSON.parse(body);
  } catch (error) {
    throw new SalesforceError(
      'JSON_PARSER_ERROR',
      `${error instanceof Error ? error.message : error} at [line:1, column:1]`,
    );
  }
}

/** Errors of a call that fails as a whole, in the shape of the REST API. */
export function errorAnswer(error: SalesforceError): Answer {
  const fields = error.fields.length > 0 ? { fields: error.fields } : {};
  return { status: error.status, json: [{ message: error.message, errorCode: error.code, ...fields }] };
}
