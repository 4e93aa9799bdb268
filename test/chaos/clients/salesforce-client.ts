/**
 * A user of the org: carries an operation out as one call, whose client name is the operation's number. The calls are made by
 * hand, for a library repeats by itself what was not answered.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { stringify } from 'csv-stringify/sync';
import type { Endpoints } from '../../../local/endpoints.ts';
import { objectCalled } from '../plan/objects.ts';
import type { Act, PlannedOperation, PlannedValue, PlannedWrite } from '../plan/plan.ts';
import type { Cast } from './cast.ts';
import { codeOf, done, type Outcome, refused, unknown } from './outcome.ts';

const VERSION = '66.0';
const CALL_TIMEOUT_MS = 30_000;
const JOB_PATIENCE_MS = 60_000;

class NoRecord extends Error {
  readonly code = 'NO_RECORD';
}

/** Salesforce said no, before or instead of doing it. */
class Refusal extends Error {
  readonly code: string;
  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** Nobody knows whether it was done. */
class NoAnswer extends Error {
  readonly code: string;
  constructor(code: string, cause?: unknown) {
    super(code, { cause });
    this.code = code;
  }
}

interface RowAnswer {
  readonly id?: string;
  readonly success: boolean;
  readonly errors?: readonly { readonly statusCode?: string; readonly errorCode?: string }[];
}

export class SalesforceClient {
  readonly #endpoints: () => Endpoints['salesforce'];
  readonly #cast: Cast;

  constructor(endpoints: () => Endpoints['salesforce'], cast: Cast) {
    this.#endpoints = endpoints;
    this.#cast = cast;
  }

  async carryOut({ number, act, object }: PlannedOperation): Promise<Outcome> {
    const targets: string[] = [];
    try {
      return done(await this.#act(`chaos-${number}`, object, act, targets));
    } catch (error) {
      if (error instanceof NoAnswer) return unknown(error.code, targets);
      if (error instanceof Refusal || error instanceof NoRecord) return refused(error.code);
      throw error;
    }
  }

  async #act(client: string, object: string, act: Act, targets: string[]): Promise<readonly string[]> {
    switch (act.does) {
      case 'create':
        return this.#create(client, act.writes);
      case 'update':
        return this.#update(client, act.writes, targets);
      case 'bulk create':
      case 'bulk update':
        return this.#bulk(client, object, act, targets);
      case 'delete':
        return this.#delete(client, act.names, targets);
      case 'bring back': {
        targets.push(...(await this.#ids(act.names)));
        const answer = await this.#soap(
          client,
          `<undelete>${targets.map((id) => `<ids>${id}</ids>`).join('')}</undelete>`,
        );
        return this.#soapRows(answer, targets);
      }
      case 'merge':
        return this.#merge(client, object, act, targets);
      case 'migrate':
      case 'truncate':
      case 'free and delete':
        throw new Error(`No user of an org does this: ${act.does}`);
      default:
        throw act satisfies never;
    }
  }

  /** A family goes as one composite call whose parts name each other. */
  async #create(client: string, writes: readonly PlannedWrite[]): Promise<readonly string[]> {
    const beside = new Map(writes.map(({ name }, i) => [name, `@{r${i}.id}`]));
    const parts: object[] = [];
    for (const [i, { object, values }] of writes.entries()) {
      const url = `/services/data/v${VERSION}/sobjects/${object}`;
      parts.push({ method: 'POST', url, referenceId: `r${i}`, body: await this.#fields(object, values, beside) });
    }
    const body = { allOrNone: true, compositeRequest: parts };
    type Answer = { compositeResponse: { httpStatusCode: number; body: { id?: string } | { errorCode?: string }[] }[] };
    const { compositeResponse } = (await this.#rest(client, 'POST', '/composite', body)) as Answer;
    for (const { httpStatusCode, body: part } of compositeResponse) {
      const code = Array.isArray(part) ? part[0]?.errorCode : undefined;
      if (httpStatusCode >= 400 && code !== 'PROCESSING_HALTED') throw new Refusal(code ?? String(httpStatusCode));
    }
    return compositeResponse.map(({ body: part }, i) => {
      const id = Array.isArray(part) ? undefined : (part as { id?: string }).id;
      if (id === undefined) throw new Refusal('PROCESSING_HALTED');
      this.#cast.isRecord(writes[i]?.name ?? '', id);
      return id;
    });
  }

  async #update(client: string, writes: readonly PlannedWrite[], targets: string[]): Promise<readonly string[]> {
    const records: Record<string, unknown>[] = [];
    for (const { name, object, values } of writes) {
      const id = await this.#id(name);
      targets.push(id);
      records.push({ attributes: { type: object }, id, ...(await this.#fields(object, values)) });
    }
    const [only] = records;
    if (records.length === 1 && only !== undefined) {
      const { attributes: _, id, ...fields } = only;
      await this.#rest(client, 'PATCH', `/sobjects/${writes[0]?.object}/${id}`, fields);
      return targets;
    }
    return allOf(await this.#rest(client, 'PATCH', '/composite/sobjects', { allOrNone: true, records }));
  }

  async #delete(client: string, names: readonly string[], targets: string[]): Promise<readonly string[]> {
    targets.push(...(await this.#ids(names)));
    const path = `/composite/sobjects?ids=${targets.join()}&allOrNone=true`;
    return allOf(await this.#rest(client, 'DELETE', path));
  }

  async #merge(
    client: string,
    object: string,
    { winner, losers, values }: Extract<Act, { does: 'merge' }>,
    targets: string[],
  ): Promise<readonly string[]> {
    const id = await this.#id(winner);
    const ids = await this.#ids(losers);
    targets.push(id, ...ids);
    const fields = Object.entries(await this.#fields(object, values));
    const given = fields.map(([name, value]) => (value === null ? '' : `<${name}>${escaped(String(value))}</${name}>`));
    const cleared = fields.map(([name, value]) => (value === null ? `<fieldsToNull>${name}</fieldsToNull>` : ''));
    const record = `<masterRecord><type>${object}</type><Id>${id}</Id>${given.join('')}${cleared.join('')}</masterRecord>`;
    const others = ids.map((each) => `<recordToMergeIds>${each}</recordToMergeIds>`).join('');
    const answer = await this.#soap(client, `<merge><mergeRequests>${record}${others}</mergeRequests></merge>`);
    this.#soapRows(answer, [id]);
    return targets;
  }

  /** A job of the Bulk API 2.0. What became of its rows is asked for at the end. */
  async #bulk(
    client: string,
    object: string,
    act: Extract<Act, { does: 'bulk create' | 'bulk update' }>,
    targets: string[],
  ): Promise<readonly string[]> {
    const isUpdate = act.does === 'bulk update';
    const rows: Record<string, unknown>[] = [];
    const names: string[] = [];
    // All at once: each that is not there is waited for, and they may be hundreds.
    const ids = isUpdate ? await Promise.all(act.writes.map(({ name }) => this.#cast.idOf(name))) : [];
    for (const [i, { name, values }] of act.writes.entries()) {
      const id = ids[i];
      if (isUpdate && id === undefined) continue;
      names.push(name);
      if (id !== undefined) targets.push(id);
      rows.push({ ...(id === undefined ? {} : { Id: id }), ...(await this.#fields(object, values)) });
    }
    if (rows.length === 0) throw new NoRecord();
    // In a file of the Bulk API an empty cell says nothing, and this text clears.
    const csv = stringify(rows, { header: true, cast: { object: () => '#N/A', boolean: (value) => String(value) } });
    const job = { object, operation: isUpdate ? 'update' : 'insert', contentType: 'CSV', lineEnding: 'LF' };
    const { id } = (await this.#rest(client, 'POST', '/jobs/ingest', job)) as { id: string };
    await this.#rest(client, 'PUT', `/jobs/ingest/${id}/batches`, csv);
    await this.#rest(client, 'PATCH', `/jobs/ingest/${id}`, { state: 'UploadComplete' });
    const written = await this.#jobResults(client, id);
    if (!isUpdate && written.length === names.length)
      written.forEach((each, i) => {
        this.#cast.isRecord(names[i] ?? '', each);
      });
    return written;
  }

  /** From here on the rows may be written, whatever is answered. */
  async #jobResults(client: string, job: string): Promise<string[]> {
    const deadline = Date.now() + JOB_PATIENCE_MS;
    for (;;) {
      try {
        const { state } = (await this.#rest(client, 'GET', `/jobs/ingest/${job}`)) as { state: string };
        if (state === 'Failed' || state === 'Aborted') throw new NoAnswer(`BULK_${state}`);
        if (state === 'JobComplete') {
          const text = (await this.#rest(client, 'GET', `/jobs/ingest/${job}/successfulResults`)) as string;
          return [...text.matchAll(/^"?([a-zA-Z0-9]{18})"?,/gm)].map((match) => match[1] ?? '');
        }
      } catch (error) {
        if (Date.now() > deadline) throw new NoAnswer(codeOf(error));
      }
      if (Date.now() > deadline) throw new NoAnswer('BULK_TIMEOUT');
      await pause(200);
    }
  }

  async #ids(names: readonly string[]): Promise<string[]> {
    const ids: string[] = [];
    for (const name of names) ids.push(await this.#id(name));
    return ids;
  }

  async #id(name: string): Promise<string> {
    const id = await this.#cast.idOf(name);
    if (id === undefined) throw new NoRecord();
    return id;
  }

  async #fields(
    object: string,
    values: Readonly<Record<string, PlannedValue>>,
    beside: ReadonlyMap<string, string> = new Map(),
  ): Promise<Record<string, unknown>> {
    const fields: Record<string, unknown> = {};
    for (const [field, value] of Object.entries(values)) {
      if (Array.isArray(value)) fields[field] = value.join(';');
      else if (typeof value === 'object' && value !== null && 'record' in value)
        fields[field] = beside.get(value.record) ?? (await this.#id(value.record));
      else fields[field] = spelled(object, field, value as string | boolean | null);
    }
    return fields;
  }

  async #rest(client: string, method: string, path: string, body?: object | string): Promise<unknown> {
    const { status, text } = await this.#call(client, method, `/services/data/v${VERSION}${path}`, body);
    if (status >= 500) throw new NoAnswer(`HTTP_${status}`);
    const parsed = text.startsWith('{') || text.startsWith('[') ? (JSON.parse(text) as unknown) : text;
    if (status >= 400) throw new Refusal((parsed as { errorCode?: string }[])[0]?.errorCode ?? `HTTP_${status}`);
    return parsed;
  }

  async #soap(client: string, operation: string): Promise<string> {
    const { accessToken } = this.#endpoints();
    const header = `<SessionHeader><sessionId>${accessToken}</sessionId></SessionHeader>`;
    const envelope = `<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Header>${header}</Header><Body>${operation}</Body></Envelope>`;
    const { status, text } = await this.#call(client, 'POST', `/services/Soap/u/${VERSION}`, envelope, 'text/xml');
    const fault = /<faultcode>sf:(\w+)/.exec(text)?.[1];
    if (fault !== undefined) throw new Refusal(fault);
    if (status >= 500) throw new NoAnswer(`HTTP_${status}`);
    if (status >= 400) throw new Refusal(/"errorCode":"(\w+)"/.exec(text)?.[1] ?? `HTTP_${status}`);
    return text;
  }

  /** The ids of the rows that were taken; the first refusal where none was. */
  #soapRows(text: string, ids: readonly string[]): readonly string[] {
    const results = [...text.matchAll(/<result>.*?<\/result>/gs)].map(([result]) => result);
    const taken = ids.filter((_, i) => results[i]?.includes('<success>true</success>'));
    if (taken.length > 0) return taken;
    throw new Refusal(/<statusCode>(\w+)</.exec(text)?.[1] ?? 'REFUSED');
  }

  async #call(client: string, method: string, path: string, body?: object | string, type?: string) {
    const { instanceUrl, accessToken } = this.#endpoints();
    try {
      const answer = await fetch(instanceUrl + path, {
        method,
        headers: {
          Authorization: `Bearer ${accessToken}`,
          'Sforce-Call-Options': `client=${client}`,
          'Content-Type': type ?? (typeof body === 'string' ? 'text/csv' : 'application/json'),
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
      });
      return { status: answer.status, text: await answer.text() };
    } catch (error) {
      const code = codeOf(error);
      // Nothing listened: nothing was done.
      if (code === 'ECONNREFUSED') throw new Refusal(code);
      throw new NoAnswer(code, error);
    }
  }
}

/** A collection goes whole or not at all. */
function allOf(answer: unknown): readonly string[] {
  const rows = answer as readonly RowAnswer[];
  const codes = rows.flatMap(({ errors = [] }) =>
    errors.map(({ statusCode, errorCode }) => statusCode ?? errorCode ?? ''),
  );
  const code = codes.find((each) => each !== 'ALL_OR_NONE_OPERATION_ROLLED_BACK') ?? codes[0];
  if (code !== undefined) throw new Refusal(code);
  return rows.map(({ id }) => id ?? '');
}

/** Numbers are planned as decimal text. */
function spelled(object: string, field: string, value: string | boolean | null): unknown {
  const type = objectCalled(object).fields.find((each) => each.field === field)?.type;
  return type === 'number' && value !== null ? Number(value) : value;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('\r', '&#13;');
}
