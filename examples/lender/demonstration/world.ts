/** Both sides as a person would attach to them, and the means to see that everything has come to rest. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import jsforce from 'jsforce';
import pg from 'pg';
import type { LocalSystem } from '../../../local/system.ts';

const LOOK_EVERY_MS = 50;
const PATIENCE_MS = 60_000;

export class NotSeen extends Error {
  override readonly name = 'NotSeen' as const;
}

/** Asks until there is an answer. Throws NotSeen after a minute. */
export async function until<T>(what: string, ask: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > deadline) throw new NotSeen(`${what} was not seen within ${PATIENCE_MS / 1000} s`);
    await pause(LOOK_EVERY_MS);
  }
}

/** Writes per object and kind, as the org counts them. */
type Writes = Readonly<Record<string, Readonly<Record<string, number>>>>;

export class World {
  readonly #system: LocalSystem;
  readonly salesforce: jsforce.Connection;
  readonly #database: pg.Client;

  private constructor(system: LocalSystem, database: pg.Client) {
    this.#system = system;
    this.#database = database;
    const { instanceUrl, accessToken } = system.endpoints.salesforce;
    this.salesforce = new jsforce.Connection({ instanceUrl, accessToken, version: '66.0' });
  }

  static async attach(system: LocalSystem): Promise<World> {
    const database = new pg.Client({ connectionString: system.endpoints.postgres.url });
    await database.connect();
    return new World(system, database);
  }

  async detach(): Promise<void> {
    await this.#database.end();
  }

  async rows<Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.#database.query<Row>(sql, values)).rows;
  }

  async row<Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<Row | undefined> {
    return (await this.rows<Row>(sql, values))[0];
  }

  /** How often Salesforce has been written to so far. */
  async writesToSalesforce(): Promise<number> {
    const answer = await fetch(new URL('/_simulator/stats', this.salesforce.instanceUrl));
    const { writes } = (await answer.json()) as { writes: Writes };
    return Object.values(writes).reduce(
      (sum, kinds) => sum + Object.values(kinds).reduce((all, one) => all + one, 0),
      0,
    );
  }

  /** Puts a file where the inbound flow of the object would put one. Answers its key. */
  async putInboundFile(object: string, content: string): Promise<string> {
    const { bucket, [`inboundFlow.${object}`]: flow } = this.#system.endpoints.resources;
    const key = `salesforce/${object}/${flow}/broken-${Date.now()}/records`;
    await this.#system.call('s3', 'PutObject', { Bucket: bucket, Key: key, Body: content });
    return key;
  }

  /** What the topic has published so far, as text. */
  notifications(): string {
    const file = join(this.#system.directory, 'notifications.jsonl');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  /**
   * Waits until nothing is on its way: the streamer has read everything written so far, the queues are empty, no execution
   * runs, nothing is due, and the inbound flow has looked at the org once more.
   */
  async rest(object: string): Promise<void> {
    const written = await this.row<{ lsn: string }>('select pg_current_wal_flush_lsn() as lsn');
    const landed = Date.now() / 1000;
    await until(`the WAL streamer at ${written?.lsn}`, async () => {
      const slot = await this.row(
        'select from pg_replication_slots where slot_name = $1 and confirmed_flush_lsn >= $2',
        ['sfsync', written?.lsn],
      );
      return slot !== undefined;
    });
    // The first run has seen the write, and when the second is over the file of the first has long been announced.
    await until(`the next polls of ${object}`, async () => (await this.#runsSince(object, landed)) >= 2);
    await until('a moment with nothing to do', async () => (await this.#isIdle()) && (await this.#isIdle()));
  }

  async #isIdle(): Promise<boolean> {
    const { resources } = this.#system.endpoints;
    for (const machine of [
      resources['stateMachine.salesforceToPostgres'],
      resources['stateMachine.postgresToSalesforce'],
    ]) {
      const input = { stateMachineArn: machine, statusFilter: 'RUNNING' };
      const { executions } = await this.#system.call<{ executions: unknown[] }>('states', 'ListExecutions', input);
      if (executions.length > 0) return false;
    }
    for (const [name, url] of Object.entries(resources)) {
      if (!name.startsWith('changeQueue.')) continue;
      const input = { QueueUrl: url, AttributeNames: ['All'] };
      const { Attributes } = await this.#system.call<{ Attributes: Record<string, string> }>(
        'sqs',
        'GetQueueAttributes',
        input,
      );
      const waiting = [Attributes.ApproximateNumberOfMessages, Attributes.ApproximateNumberOfMessagesNotVisible];
      if (waiting.some((count) => count !== '0')) return false;
    }
    const due = await this.row('select from sfsync.link where dirty or reread_due or push_id is not null limit 1');
    return due === undefined;
  }

  /** Finished runs of the object's inbound flow that began after a moment, in seconds since 1970. */
  async #runsSince(object: string, moment: number): Promise<number> {
    const input = { flowName: this.#system.endpoints.resources[`inboundFlow.${object}`], maxResults: 20 };
    const { flowExecutions } = await this.#system.call<{
      flowExecutions: { executionStatus: string; startedAt: number }[];
    }>('appflow', 'DescribeFlowExecutionRecords', input);
    return flowExecutions.filter(
      ({ executionStatus, startedAt }) => executionStatus === 'Successful' && startedAt > moment,
    ).length;
  }
}
