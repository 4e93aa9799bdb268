import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';

type Fields = Record<string, unknown>;
interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}
interface Job {
  readonly operation: string;
  readonly externalIdFieldName?: string;
  readonly query?: string;
  upload: string;
  polls: number;
  failed: Fields[];
}
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** As much of a Salesforce org as AppFlow asks of it, over real HTTP, with memory. One object's records. */
export class FakeOrg {
  readonly records = new Map<string, Fields>();
  readonly requests: SeenRequest[] = [];
  /** Fields that queries may name; undefined: any. */
  fieldNames: readonly string[] | undefined;
  pageSize = 2000;
  /** Rows with these ids are refused. */
  readonly refusals = new Map<string, { statusCode: string; message: string }>();
  /** Answers given instead of the real ones, in this order. */
  readonly nextAnswers: Answer[] = [];
  /** Runs before a request is answered. */
  beforeAnswer: (request: SeenRequest) => Promise<void> | void = () => {};
  tokensGiven = 0;
  readonly #jobs = new Map<string, Job>();
  readonly #cursors = new Map<string, Fields[]>();
  #server: Server | undefined;
  instanceUrl = '';

  async listen(): Promise<this> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', async () => {
        const body = Buffer.concat(chunks).toString();
        const seen = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
        this.requests.push(seen);
        await this.beforeAnswer(seen);
        const answer = this.nextAnswers.shift() ?? this.#answer(seen);
        const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
        response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
        response.end(answer.body === undefined ? undefined : text);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#server = server;
    this.instanceUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  /** Puts a record, stamped at this time (milliseconds). */
  put(id: string, stamp: number, fields: Fields = {}): void {
    const SystemModstamp = new Date(stamp).toISOString().replace(/\.\d+Z$/, '.000+0000');
    this.records.set(id, { Id: id, IsDeleted: false, ...this.records.get(id), ...fields, SystemModstamp });
  }

  /** The SOQL of the queries so far. */
  queries(): readonly string[] {
    return this.requests.flatMap(({ url }) => new URL(url, this.instanceUrl).searchParams.get('q') ?? []);
  }

  #answer({ method, url, headers, body }: SeenRequest): Answer {
    const { pathname, searchParams } = new URL(url, this.instanceUrl);
    if (pathname === '/services/oauth2/token') {
      this.tokensGiven += 1;
      const access_token = `00D!${new URLSearchParams(body).get('grant_type')}.${this.tokensGiven}`;
      return { status: 200, body: { access_token, instance_url: this.instanceUrl } };
    }
    if (!headers.authorization?.startsWith('Bearer ')) return error(401, 'INVALID_SESSION_ID', 'Session expired');
    const path = pathname.replace(/^\/services\/data\/v[\d.]+\//, '');
    if (path === 'query' || path === 'queryAll') return this.#query(searchParams.get('q') ?? '', path === 'queryAll');
    if (path.startsWith('query/')) return this.#page(path.slice(6), 0);
    if (path.endsWith('/describe')) {
      const fields = (this.fieldNames ?? []).map((name) => ({
        name,
        type: name.endsWith('Address') ? 'address' : 'string',
      }));
      return { status: 200, body: { fields } };
    }
    if (path.startsWith('composite/sobjects')) return this.#collection(method, path, searchParams, body);
    if (path.startsWith('jobs/')) return this.#job(method, path.split('/').slice(1), searchParams, body);
    return error(404, 'NOT_FOUND', 'The requested resource does not exist');
  }

  #query(soql: string, all: boolean): Answer {
    const [, list = '', , where] = /^SELECT (.+) FROM (\w+)(?: WHERE (.+))?$/.exec(soql) ?? [];
    const names = list.split(', ');
    const unknown = names.find((name) => this.fieldNames && !this.fieldNames.includes(name));
    if (unknown !== undefined) return error(400, 'INVALID_FIELD', `No such column '${unknown}'`);
    const found = this.#matching(where, all).map((record) => ({
      attributes: { type: 'Contact', url: `/sobjects/Contact/${record.Id}` },
      ...Object.fromEntries(names.map((name) => [name, record[name] ?? null])),
    }));
    const cursor = `01g${this.#cursors.size}`;
    this.#cursors.set(cursor, found);
    return this.#page(`${cursor}-0`, found.length);
  }

  #matching(where: string | undefined, all: boolean): Fields[] {
    const conditions = (where?.split(' AND ') ?? []).map((text) => /^(\S+) (>=|<=|<|>|=|!=) (.+)$/.exec(text) ?? []);
    const comparable = (value: unknown) => {
      const text = String(value).replace(/^'|'$/g, '').replace('+0000', 'Z');
      return /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : text;
    };
    return [...this.records.values()].filter((record) => {
      if (record.IsDeleted && !all) return false;
      return conditions.every(([, field = '', operator, literal]) => {
        const [left, right] = [comparable(record[field]), comparable(literal)];
        if (operator === '>=') return left >= right;
        if (operator === '<') return left < right;
        if (operator === '<=') return left <= right;
        return operator === '=' ? left === right : left !== right;
      });
    });
  }

  #page(locator: string, _total: number): Answer {
    const [cursor = '', from = '0'] = locator.split('-');
    const found = this.#cursors.get(cursor) ?? [];
    const to = Number(from) + this.pageSize;
    const done = to >= found.length;
    const next = done ? {} : { nextRecordsUrl: `/services/data/v58.0/query/${cursor}-${to}` };
    return { status: 200, body: { totalSize: found.length, done, ...next, records: found.slice(Number(from), to) } };
  }

  #collection(method: string, path: string, search: URLSearchParams, body: string): Answer {
    if (method === 'DELETE') {
      return {
        status: 200,
        body: (search.get('ids') ?? '').split(',').map((id) => this.#write('delete', { Id: id }, 'Id')),
      };
    }
    const key = path.split('/')[3] ?? 'Id';
    const { records } = JSON.parse(body) as { records: Fields[] };
    const operation = method === 'POST' ? 'insert' : key === 'Id' ? 'update' : 'upsert';
    const results = records.map(({ attributes: _, id, ...fields }) =>
      this.#write(operation, id === undefined ? fields : { Id: id, ...fields }, key),
    );
    return { status: 200, body: results };
  }

  #write(operation: string, fields: Fields, key: string): Fields {
    const refusal = this.refusals.get(String(fields[key]));
    if (refusal) return { success: false, errors: [{ ...refusal, fields: [] }] };
    const existing = [...this.records.values()].find((record) => record[key] === fields[key]);
    if (operation === 'insert' || (operation === 'upsert' && !existing)) {
      const Id = `003NEW${this.records.size}`;
      this.records.set(Id, { Id, IsDeleted: false, ...fields });
      return { id: Id, success: true, created: true, errors: [] };
    }
    if (!existing) {
      return {
        success: false,
        errors: [{ statusCode: 'INVALID_CROSS_REFERENCE_KEY', message: 'invalid cross reference id', fields: [] }],
      };
    }
    Object.assign(existing, operation === 'delete' ? { IsDeleted: true } : fields);
    return { id: existing.Id, success: true, errors: [] };
  }

  #job(method: string, [kind = '', id = '', part]: readonly string[], search: URLSearchParams, body: string): Answer {
    if (id === '') {
      const created = `750${this.#jobs.size}`;
      this.#jobs.set(created, { ...(JSON.parse(body) as Job), upload: '', polls: 0, failed: [] });
      return { status: 200, body: { id: created, state: 'Open' } };
    }
    const job = this.#jobs.get(id);
    if (!job) return error(404, 'NOT_FOUND', 'no such job');
    if (part === 'batches') {
      job.upload = body;
      return { status: 201 };
    }
    if (method === 'PATCH') {
      this.#ingest(job);
      return { status: 200, body: { id, state: 'UploadComplete' } };
    }
    if (part === undefined) {
      job.polls += 1;
      return { status: 200, body: { id, state: job.polls > 1 ? 'JobComplete' : 'InProgress' } };
    }
    if (part === 'failedResults') return csv(stringify(job.failed, { header: true }));
    if (part === 'results' && kind === 'query') return this.#results(job, search.get('locator'));
    return csv('"sf__Id","sf__Error","Id"\n');
  }

  #ingest(job: Job): void {
    const key = job.externalIdFieldName ?? 'Id';
    for (const row of parse(job.upload, { columns: true }) as Fields[]) {
      const filled = Object.entries(row).filter(([, cell]) => cell !== '');
      const fields = Object.fromEntries(filled.map(([name, cell]) => [name, cell === '#N/A' ? null : cell]));
      const { success, errors } = this.#write(job.operation, fields, key) as { success: boolean; errors: Fields[] };
      const first = errors[0];
      if (!success) job.failed.push({ sf__Id: '', sf__Error: `${first?.statusCode}:${first?.message}:--`, ...row });
    }
  }

  #results(job: Job, locator: string | null): Answer {
    const [, list = '', , where] = /^SELECT (.+) FROM (\w+)(?: WHERE (.+))?$/.exec(job.query ?? '') ?? [];
    const found = this.#matching(where, job.operation === 'queryAll');
    const from = Number(locator ?? 0);
    const rows = found.slice(from, from + this.pageSize);
    const next = from + this.pageSize < found.length ? String(from + this.pageSize) : 'null';
    const columns = list.split(', ');
    const text = stringify(rows.map((record) => columns.map((name) => bulkCell(record[name]))));
    return csv(stringify([columns]) + text, { 'sforce-locator': next });
  }
}

/** A value as Bulk API 2.0 spells it. */
function bulkCell(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? `${value}.0` : String(value);
  return String(value ?? '').replace('+0000', 'Z');
}

const csv = (body: string, headers: Record<string, string> = {}): Answer => ({
  status: 200,
  body,
  headers: { 'content-type': 'text/csv', ...headers },
});

const error = (status: number, errorCode: string, message: string): Answer => ({
  status,
  body: [{ errorCode, message }],
});
