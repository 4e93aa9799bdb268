/** Both sides of a running local system, as the people and the application on either side have them. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import jsforce from 'jsforce';
import pg from 'pg';
import { mappingOf } from '../../../core/mapping/configuration.ts';
import type { LocalSystem } from '../../../local/system.ts';
import type { JournalEntry } from '../../../packages/embedded-aws/service.ts';

const LOOK_EVERY_MS = 25;
const PATIENCE_MS = 60_000;

/** Asks until there is an answer. Throws when there is none within a minute; `instead` then says what was there. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  instead: () => unknown = () => undefined,
): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > deadline) {
      const found = instead() === undefined ? '' : `, but ${JSON.stringify(instead())}`;
      throw new Error(`Not seen within ${PATIENCE_MS / 1000} s: ${what}${found}`);
    }
    await pause(LOOK_EVERY_MS);
  }
}

/** One write that reached the org, as its simulator logs it. */
export interface OrgWrite {
  readonly object: string;
  readonly id: string;
  readonly kind: 'create' | 'update' | 'delete' | 'undelete' | 'hardDelete';
  readonly fields: readonly string[];
  /** It followed from another record's write. */
  readonly cascade?: true;
}

export interface Notification {
  readonly subject: string;
  readonly message: string;
}

export interface Execution {
  readonly executionArn: string;
  readonly name: string;
  readonly status: string;
}

export interface DescribedExecution extends Execution {
  readonly input: string;
  readonly output?: string;
  readonly error?: string;
  readonly cause?: string;
  /** Seconds since 1970. */
  readonly stopDate?: number;
}

export interface ExecutionEvent {
  readonly type: string;
  /** Seconds since 1970. */
  readonly timestamp: number;
  readonly stateEnteredEventDetails?: { readonly name: string };
  readonly mapIterationSucceededEventDetails?: { readonly index: number };
}

export type Machine = 'salesforceToPostgres' | 'postgresToSalesforce';
type Row = Readonly<Record<string, unknown>>;
export type SalesforceRecord = Readonly<Record<string, unknown>>;

/** Counts what is written to the mapped tables, statement by statement, of all writers. */
const ROW_COUNTER = `
  create schema watch;
  create table watch.row_write (id bigint generated always as identity, relation text, key text, kind text);
  create function watch.count() returns trigger language plpgsql security definer as $$
  begin
    insert into watch.row_write (relation, key, kind)
      values (tg_table_name, coalesce(new.id, old.id)::text, lower(tg_op));
    return null;
  end $$;
  create trigger watch after insert or update or delete on lenders for each row execute function watch.count();
  create trigger watch after insert or update or delete on borrowers for each row execute function watch.count();
  create trigger watch after insert or update or delete on loan_applications for each row execute function watch.count();
`;

/** A linked pair of the sample that no other test uses. */
export interface Pair {
  /** Of the record. */
  readonly id: string;
  /** Of the row. */
  readonly key: string;
}

export class BothSides {
  readonly system: LocalSystem;
  readonly salesforce: jsforce.Connection;
  readonly database: pg.Pool;
  /** Values of people that were written on either side: they belong nowhere else. */
  readonly personalValues: string[] = [];
  /** What the journal recorded so far. */
  readonly entries: JournalEntry[] = [];
  readonly #taken = new Map<string, number>();
  readonly #deadLetters = new Map<Machine, string[]>();

  constructor(system: LocalSystem) {
    this.system = system;
    this.database = new pg.Pool({ connectionString: system.endpoints.postgres.url, max: 8 });
    // An idle session that the server ends reports it here; the pool makes another one.
    this.database.on('error', () => undefined);
    system.journal.subscribe((entry) => this.entries.push(entry));
    const { instanceUrl, accessToken } = system.endpoints.salesforce;
    this.salesforce = new jsforce.Connection({ instanceUrl, accessToken, version: '66.0' });
  }

  detach(): Promise<void> {
    return this.database.end();
  }

  /** A value that occurs nowhere else, such as only a person has. */
  personal(kind: 'name' | 'phone' | 'email'): string {
    const n = 1000 + this.personalValues.length;
    const value = { name: `Zephyrine-${n}`, phone: `+44 20 7946 ${n}`, email: `zephyrine.${n}@mail.example` }[kind];
    this.personalValues.push(value);
    return value;
  }

  /** The next pairs of the object that no test has taken so far. */
  async pairs(object: string, count: number): Promise<Pair[]> {
    const { table } = mappingOf(this.system.configuration, object);
    const taken = this.#taken.get(object) ?? 0;
    this.#taken.set(object, taken + count);
    const sql = `select salesforce_id as id, id as key from ${table} where salesforce_id in (
      select salesforce_id from sfsync.link where object = $1 order by id offset $2 limit $3) order by 1`;
    const found = await this.rows<Pair & Row>(sql, [object, taken, count]);
    if (found.length < count) throw new Error(`The sample has no ${taken + count} records of ${object}`);
    return found;
  }

  async pair(object: string): Promise<Pair> {
    const [pair] = await this.pairs(object, 1);
    return pair as Pair;
  }

  // The application's side.

  async rows<T extends Row = Row>(sql: string, values: readonly unknown[] = []): Promise<T[]> {
    return (await this.database.query<T>(sql, [...values])).rows;
  }

  async row<T extends Row = Row>(sql: string, values: readonly unknown[] = []): Promise<T | undefined> {
    return (await this.rows<T>(sql, values))[0];
  }

  /** Begins to count what is written to rows; needs an idle system. */
  async countRowWrites(): Promise<void> {
    await this.database.query(ROW_COUNTER);
  }

  /** Kinds of the writes to a row so far, by its key, oldest first. */
  async writesToRow(key: string): Promise<string[]> {
    const found = await this.rows<{ kind: string }>('select kind from watch.row_write where key = $1 order by id', [
      key,
    ]);
    return found.map(({ kind }) => kind);
  }

  // Salesforce's side.

  /** The record, also from the recycle bin. */
  async record(object: string, id: string, fields: string): Promise<SalesforceRecord | undefined> {
    const soql = `SELECT Id, IsDeleted, ${fields} FROM ${object} WHERE Id = '${id}'`;
    return (await this.salesforce.query<SalesforceRecord>(soql, { scanAll: true })).records[0];
  }

  /** Everything that was written to the record so far, by whomever, oldest first. */
  async writesToRecord(id: string): Promise<OrgWrite[]> {
    const answer = await this.#simulator('GET', 'writes');
    return (answer as { writes: OrgWrite[] }).writes.filter((write) => write.id === id);
  }

  /** Switches faults of the org; `null` ends one. */
  async faults(switches: Readonly<Record<string, object | null>>): Promise<void> {
    await this.#simulator('POST', 'faults', switches);
  }

  async faultIsOn(name: string): Promise<boolean> {
    const { active } = (await this.#simulator('GET', 'faults')) as { active: Readonly<Record<string, unknown>> };
    return name in active;
  }

  async #simulator(method: string, path: string, body?: object): Promise<unknown> {
    const url = new URL(`/_simulator/${path}`, this.salesforce.instanceUrl);
    const answer = await fetch(url, { method, ...(body && { body: JSON.stringify(body) }) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  // In between.

  resource(name: string): string {
    const found = this.system.endpoints.resources[name];
    if (found === undefined) throw new Error(`There is no resource ${name}`);
    return found;
  }

  /** Puts a file where the inbound flow of the object would put one. A marker is called as its run. Answers the key. */
  async putInboundFile(object: string, content: string | Readable, name = 'records'): Promise<string> {
    const flow = this.system.endpoints.resources[`inboundFlow.${object}`] ?? `flow-of-${object}`;
    const run = `run-${crypto.randomUUID()}`;
    const key = `salesforce/${object}/${flow}/${run}/${name === 'marker' ? run : name}`;
    await this.system.call('s3', 'PutObject', { Bucket: this.resource('bucket'), Key: key, Body: content });
    return key;
  }

  /** Keys of all files that the inbound flows, or a test, have put so far. */
  async inboundFiles(prefix = 'salesforce/'): Promise<string[]> {
    const keys: string[] = [];
    let ContinuationToken: string | undefined;
    do {
      type Answer = { Contents?: { Key: string }[]; NextContinuationToken?: string };
      const answer: Answer = await this.system.call('s3', 'ListObjectsV2', {
        Bucket: this.resource('bucket'),
        Prefix: prefix,
        ...(ContinuationToken && { ContinuationToken }),
      });
      keys.push(...(answer.Contents ?? []).map(({ Key }) => Key));
      ContinuationToken = answer.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    return keys;
  }

  async objectText(key: string): Promise<string> {
    type Answer = { Body: Uint8Array };
    const { Body } = await this.system.call<Answer>('s3', 'GetObject', { Bucket: this.resource('bucket'), Key: key });
    return Buffer.from(Body).toString('utf8');
  }

  /** The record as the inbound flow would write it into a file now. */
  async fileLine(object: string, id: string): Promise<string> {
    const fields = mappingOf(this.system.configuration, object).fields.map(({ field }) => field);
    const { attributes: _, ...record } = {
      ...(await this.record(object, id, ['SystemModstamp', ...fields].join(', '))),
    };
    return JSON.stringify(record);
  }

  /** What the topic published so far. */
  notifications(): Notification[] {
    const file = join(this.system.directory, 'notifications.jsonl');
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
    return lines.map((line) => JSON.parse(line) as Notification);
  }

  async executions(machine: Machine, statusFilter?: string): Promise<Execution[]> {
    const found: Execution[] = [];
    let nextToken: string | undefined;
    do {
      const answer: { executions: Execution[]; nextToken?: string } = await this.system.call(
        'states',
        'ListExecutions',
        {
          stateMachineArn: this.resource(`stateMachine.${machine}`),
          ...(statusFilter && { statusFilter }),
          ...(nextToken && { nextToken }),
        },
      );
      found.push(...answer.executions);
      nextToken = answer.nextToken;
    } while (nextToken !== undefined);
    return found;
  }

  describe(executionArn: string): Promise<DescribedExecution> {
    return this.system.call('states', 'DescribeExecution', { executionArn });
  }

  /** Error and cause of the executions that failed after a moment, in milliseconds since 1970. */
  async failures(since: number): Promise<{ error?: string; cause?: string }[]> {
    const found: { error?: string; cause?: string }[] = [];
    for (const machine of ['salesforceToPostgres', 'postgresToSalesforce'] as const) {
      for (const { executionArn } of await this.executions(machine, 'FAILED')) {
        const { error = '', cause = '', stopDate } = await this.describe(executionArn);
        if (stopDate !== undefined && stopDate * 1000 >= since) found.push({ error, cause });
      }
    }
    return found;
  }

  /** The whole history of an execution. */
  async history(executionArn: string): Promise<ExecutionEvent[]> {
    const events: ExecutionEvent[] = [];
    let nextToken: string | undefined;
    do {
      const input = { executionArn, maxResults: 1000, ...(nextToken && { nextToken }) };
      type Answer = { events: ExecutionEvent[]; nextToken?: string };
      const answer: Answer = await this.system.call('states', 'GetExecutionHistory', input);
      events.push(...answer.events);
      nextToken = answer.nextToken;
    } while (nextToken !== undefined);
    return events;
  }

  /** The names that the deployed functions have, by their names in the stack. */
  async functionNames(constructs: readonly string[]): Promise<string[]> {
    type Answer = { Functions: { FunctionName: string }[] };
    const { Functions } = await this.system.call<Answer>('lambda', 'ListFunctions', {});
    return constructs.map((construct) => {
      const found = Functions.find(({ FunctionName }) => FunctionName.includes(construct));
      if (found === undefined) throw new Error(`No function is called ${construct}`);
      return found.FunctionName;
    });
  }

  /** The execution that works on an inbound file, as soon as it has ended. */
  async executionOf(key: string) {
    const seen = new Set<string>();
    return until(`the end of the execution for ${key}`, async () => {
      for (const { executionArn, status } of await this.executions('salesforceToPostgres')) {
        if (status === 'RUNNING' || seen.has(executionArn)) continue;
        seen.add(executionArn);
        const execution = await this.describe(executionArn);
        if (execution.input.includes(key)) return execution;
      }
      return undefined;
    });
  }

  /** Bodies of all messages that the pipeline's dead-letter queue got so far. */
  async deadLetters(machine: Machine): Promise<readonly string[]> {
    const known = this.#deadLetters.get(machine) ?? [];
    this.#deadLetters.set(machine, known);
    const QueueUrl = this.resource(`deadLetterQueue.${machine}`);
    type Answer = { Messages?: { Body: string; ReceiptHandle: string }[] };
    for (;;) {
      const input = { QueueUrl, MaxNumberOfMessages: 10 };
      const { Messages = [] } = await this.system.call<Answer>('sqs', 'ReceiveMessage', input);
      if (Messages.length === 0) return known;
      for (const { Body, ReceiptHandle } of Messages) {
        known.push(Body);
        await this.system.call('sqs', 'DeleteMessage', { QueueUrl, ReceiptHandle });
      }
    }
  }

  /**
   * Waits until nothing is on its way: the streamer has read everything written so far, the queues are empty, nothing is
   * due, the inbound flows have looked at the org once more, and what they found is applied.
   */
  async rest(): Promise<void> {
    const written = await this.row<{ lsn: string }>('select pg_current_wal_flush_lsn() as lsn');
    const landed = Date.now() / 1000;
    await until(`the WAL streamer at ${written?.lsn}`, async () => {
      const sql = 'select from pg_replication_slots where slot_name = $1 and confirmed_flush_lsn >= $2';
      return (await this.row(sql, ['sfsync', written?.lsn])) !== undefined;
    });
    for (const { object } of this.system.configuration.objects) {
      // A run's window ends where it starts, cut to the second: only the second run is certain to have seen the write.
      await until(`the next polls of ${object}`, async () => (await this.#runsSince(object, landed)) >= 2);
    }
    let doing: unknown[] = [];
    const isIdle = async () => {
      doing = await this.#underWay();
      return doing.length === 0;
    };
    await until(
      'a moment with nothing to do',
      async () => (await isIdle()) && (await isIdle()),
      () => doing,
    );
  }

  /** An outbound execution that runs does no harm: without messages and due records it only watches the queue. */
  async #underWay(): Promise<unknown[]> {
    const files = (await this.inboundFiles()).length;
    const executions = await this.executions('salesforceToPostgres');
    const running = executions.filter(({ status }) => status === 'RUNNING').map(({ name }) => name);
    const queues = this.system.configuration.objects.map(async ({ object, direction }) => {
      if (direction === 'to-postgres') return [];
      const messages = await this.messagesIn(this.resource(`changeQueue.${object}`));
      return messages === 0 ? [] : [{ object, messages }];
    });
    const due = await this.rows(
      `select object, salesforce_id, dirty, reread_due, push_id, push_delivery, sent_at from sfsync.link
        where dirty or reread_due or push_id is not null limit 20`,
    );
    const inserts = await this.rows('select * from sfsync.insertion where dirty or push_id is not null limit 20');
    // Each file starts an execution, as soon as its event is delivered.
    const announced = executions.length >= files ? [] : [{ files, executions: executions.length }];
    return [...announced, ...running, ...(await Promise.all(queues)).flat(), ...due, ...inserts];
  }

  /** Messages in a queue, waiting, delayed or received. */
  async messagesIn(queueUrl: string): Promise<number> {
    const input = { QueueUrl: queueUrl, AttributeNames: ['All'] };
    type Answer = { Attributes: Readonly<Record<string, string>> };
    const { Attributes } = await this.system.call<Answer>('sqs', 'GetQueueAttributes', input);
    const counts = Object.entries(Attributes).filter(([name]) => name.startsWith('ApproximateNumberOfMessages'));
    return counts.reduce((sum, [, count]) => sum + Number(count), 0);
  }

  async #runsSince(object: string, moment: number): Promise<number> {
    const input = { flowName: this.resource(`inboundFlow.${object}`), maxResults: 20 };
    type Answer = { flowExecutions: { executionStatus: string; startedAt: number }[] };
    const { flowExecutions } = await this.system.call<Answer>('appflow', 'DescribeFlowExecutionRecords', input);
    return flowExecutions.filter((run) => run.executionStatus === 'Successful' && run.startedAt > moment).length;
  }
}
