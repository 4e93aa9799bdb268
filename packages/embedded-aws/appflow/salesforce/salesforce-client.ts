import { z } from 'zod';
import type { SalesforceConnection } from './salesforce-connection.ts';
import { SalesforceError } from './salesforce-error.ts';

export interface SalesforceRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** From the host's root, or relative to `/services/data/vXX.0/`. */
  readonly path: string;
  readonly body?: string | Buffer;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface SalesforceAnswer {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

export type SalesforceRecord = Readonly<Record<string, unknown>>;

export interface QueryPage {
  readonly records: readonly SalesforceRecord[];
  readonly totalSize: number;
  /** Size of the answer in bytes. */
  readonly bytes: number;
}

const QueryAnswer = z.object({
  totalSize: z.number(),
  done: z.boolean(),
  nextRecordsUrl: z.string().optional(),
  records: z.array(z.custom<SalesforceRecord>((value) => typeof value === 'object' && value !== null)),
});
const DescribeAnswer = z.object({ fields: z.array(z.object({ name: z.string(), type: z.string() })) });

/** A single answer of the org may take this long before the run fails. */
const REQUEST_TIMEOUT_MS = 120_000;

/**
 * The org's REST API, as one run of a flow uses it. A refused token is replaced once per call; nothing else is
 * repeated: a run that fails leaves its watermark where it was, and the next run repeats the window.
 */
export class SalesforceClient {
  readonly apiVersion: string;
  readonly #connection: SalesforceConnection;
  readonly #clientName: string;
  readonly #signal: AbortSignal;

  constructor(connection: SalesforceConnection, apiVersion: string, clientName: string, signal: AbortSignal) {
    this.apiVersion = apiVersion;
    this.#connection = connection;
    this.#clientName = clientName;
    this.#signal = signal;
  }

  /** Throws SalesforceError unless the status is 2xx; throws the signal's reason when the run is cancelled. */
  async request(request: SalesforceRequest): Promise<SalesforceAnswer> {
    const token = await this.#connection.accessToken();
    const answer = await this.#send(request, token);
    if (answer.status !== 401) return accept(answer);
    return accept(await this.#send(request, await this.#connection.accessToken(token)));
  }

  /** The pages of a query, as many records to a page as the org likes to give. */
  async *query(soql: string, includeDeleted: boolean): AsyncGenerator<QueryPage> {
    const resource = includeDeleted ? 'queryAll' : 'query';
    let path: string | undefined = `${resource}?q=${encodeURIComponent(soql)}`;
    while (path !== undefined) {
      const { text } = await this.request({ method: 'GET', path });
      const answer = QueryAnswer.parse(JSON.parse(text));
      yield { records: answer.records, totalSize: answer.totalSize, bytes: Buffer.byteLength(text) };
      path = answer.done ? undefined : answer.nextRecordsUrl;
    }
  }

  /** The fields that the connected user sees, compound ones left out. */
  async fieldNames(object: string): Promise<readonly string[]> {
    const { text } = await this.request({ method: 'GET', path: `sobjects/${encodeURIComponent(object)}/describe` });
    const { fields } = DescribeAnswer.parse(JSON.parse(text));
    return fields.filter(({ type }) => type !== 'address' && type !== 'location').map(({ name }) => name);
  }

  async #send(request: SalesforceRequest, token: string): Promise<SalesforceAnswer> {
    const base = this.#connection.instanceUrl.replace(/\/+$/, '');
    const path = request.path.startsWith('/') ? request.path : `/services/data/v${this.apiVersion}/${request.path}`;
    const headers = new Headers(request.headers);
    headers.set('authorization', `Bearer ${token}`);
    headers.set('accept', 'application/json, text/csv');
    headers.set('sforce-call-options', `client=${this.#clientName}`);
    if (request.body !== undefined) headers.set('content-type', request.contentType ?? 'application/json');
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]);
    try {
      const response = await fetch(base + path, {
        method: request.method,
        headers,
        signal,
        ...(request.body === undefined ? {} : { body: request.body }),
      });
      return { status: response.status, text: await response.text(), headers: response.headers };
    } catch (error) {
      this.#signal.throwIfAborted();
      throw SalesforceError.unreachable(base, error);
    }
  }
}

function accept(answer: SalesforceAnswer): SalesforceAnswer {
  if (answer.status < 200 || answer.status > 299) throw SalesforceError.fromAnswer(answer.status, answer.text);
  return answer;
}
