/**
 * `npm start` as an ordinary user has it, on a machine where the usual ports are taken: killed in the middle of a burst of
 * edits, started again, and ended by Ctrl-C.
 */
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn';
import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import jsforce from 'jsforce';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import type { Endpoints } from '../../local/endpoints.ts';
import { placeOf } from '../support/run/made-once.ts';
import { until } from '../support/system/both-sides.ts';
import { NpmStart, ordinaryUser } from '../support/system/npm-start.ts';
import { copyProject, type ProjectCopy } from '../support/system/project-copy.ts';

vi.setConfig({ testTimeout: 120_000 });

const USUAL_PORTS = [4566, 5433, 8800];
const EDITS = 40;
const user = ordinaryUser();

/** Both sides of one run; after a restart there is another one. */
class Attached {
  readonly database: pg.Pool;
  readonly salesforce: jsforce.Connection;
  readonly states: SFNClient;
  readonly queues: SQSClient;
  readonly endpoints: Endpoints;

  constructor(endpoints: Endpoints) {
    const { aws, postgres, salesforce } = endpoints;
    const { endpoint, region, accessKeyId, secretAccessKey } = aws;
    const client = { endpoint, region, credentials: { accessKeyId, secretAccessKey } };
    this.endpoints = endpoints;
    this.database = new pg.Pool({ connectionString: postgres.url });
    // The server goes away with `npm start`, and the pool's idle sessions with it.
    this.database.on('error', () => undefined);
    const { instanceUrl, accessToken } = salesforce;
    this.salesforce = new jsforce.Connection({ instanceUrl, accessToken, version: '66.0' });
    this.states = new SFNClient(client);
    this.queues = new SQSClient(client);
  }

  /** Ends the sessions; called again it does nothing. */
  async detach(): Promise<void> {
    if (!this.database.ending) await this.database.end();
  }

  async executions(): Promise<string[]> {
    const stateMachineArn = this.endpoints.resources['stateMachine.salesforceToPostgres'];
    const { executions = [] } = await this.states.send(
      new ListExecutionsCommand({ stateMachineArn, maxResults: 1000 }),
    );
    return executions.map(({ executionArn }) => executionArn ?? '');
  }

  /** Ids of the records that any client has updated since the org started, once for each update. */
  async updatedRecords(): Promise<string[]> {
    const { writes } = (await this.simulator('GET', 'writes')) as { writes: { id: string }[] };
    return writes.map(({ id }) => id);
  }

  async simulator(method: string, path: string, body?: object): Promise<unknown> {
    const url = new URL(`/_simulator/${path}`, this.endpoints.salesforce.instanceUrl);
    const answer = await fetch(url, { method, ...(body && { body: JSON.stringify(body) }) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }
}

let project: ProjectCopy;
let running: NpmStart;
let both: Attached;
const taken: TakenPort[] = [];

async function start(): Promise<void> {
  running = new NpmStart(project.directory, user);
  both = new Attached(await running.ready());
}

/** Has a port, or waits for it: another test may have it for minutes, and as soon as it is free it is taken. */
class TakenPort {
  readonly #server = createServer();
  readonly #retry: NodeJS.Timeout;

  constructor(port: number) {
    this.#server.on('error', () => undefined);
    const take = () => this.#server.listening || this.#server.listen(port, '127.0.0.1');
    this.#retry = setInterval(take, 20);
    take();
  }

  free(): void {
    clearInterval(this.#retry);
    this.#server.close();
  }
}

describe.skipIf(!existsSync('/proc/self'))('npm start', () => {
  beforeAll(async () => {
    for (const port of USUAL_PORTS) taken.push(new TakenPort(port));
    const assembly = await placeOf(inject('impatientAssembly'));
    project = await copyProject({ assembly, ...(user && { owner: user }) });
    await start();
  }, 120_000);

  afterAll(async () => {
    await both?.detach();
    await running?.end();
    for (const port of taken) port.free();
    await project?.[Symbol.asyncDispose]();
  }, 60_000);

  test('takes other ports where the usual ones are taken, and runs as the user that started it', async () => {
    const { aws, postgres, salesforce } = both.endpoints;
    const ports = [aws.endpoint, postgres.url, salesforce.instanceUrl].map((url) => Number(new URL(url).port));
    for (const port of ports) expect(USUAL_PORTS).not.toContain(port);
    const processes = running.processes();
    for (const word of ['local/main.ts', 'wal-streamer', 'bin/postgres']) {
      expect(
        processes.some(({ commandLine }) => commandLine.includes(word)),
        word,
      ).toBe(true);
    }
    if (user !== undefined) expect(new Set(processes.map(({ uid }) => uid))).toEqual(new Set([user.uid]));
    const loaded = `select (select count(*) from lenders) = 60 and (select count(*) from borrowers) = 300
        and (select count(*) from loan_applications) = 500 as loaded`;
    await until('the sample', async () => (await both.database.query(loaded)).rows[0]?.loaded);
  });

  test('killed in a burst of edits and started again, it brings every edit over, and none twice', async () => {
    const sql = 'select id as key, salesforce_id as id from borrowers order by salesforce_id limit $1';
    const { rows: borrowers } = await both.database.query<{ key: string; id: string }>(sql, [2 * EDITS]);
    const loans = await both.database.query<{ key: string; id: string }>(
      sql.replace('borrowers', 'loan_applications'),
      [EDITS],
    );
    const [inbound, outbound] = [borrowers.slice(0, EDITS), borrowers.slice(EDITS)];
    const { QueueUrl } = await both.queues.send(new CreateQueueCommand({ QueueName: 'kept' }));
    await both.queues.send(new SendMessageCommand({ QueueUrl, MessageBody: 'still here' }));
    const executions = await both.executions();

    await both.salesforce
      .sobject('Contact')
      .update(inbound.map(({ id }, i) => ({ Id: id, Phone: `+44 20 7946 ${2000 + i}` })));
    const edit = async (i: number) => {
      await both.database.query('update borrowers set credit_score = $2 where id = $1', [outbound[i]?.key, 600 + i]);
      await both.database.query('update loan_applications set amount = $2 where id = $1', [
        loans.rows[i]?.key,
        600 + i,
      ]);
    };
    // The worst moment: both deliveries are about to write.
    await both.simulator('POST', 'faults', {
      slowAnswer: [
        { client: 'AmazonAppFlow', kinds: ['collections'], beforeMs: 30_000, times: 1 },
        { client: 'sfsync', kinds: ['collections'], beforeMs: 30_000, times: 1 },
      ],
    });
    for (let i = 0; i < EDITS / 2; i++) await edit(i);
    await until('both pushes under way', async () => {
      const { active } = (await both.simulator('GET', 'faults')) as { active: object };
      return Object.keys(active).length === 0;
    });
    const before = await both.updatedRecords();
    await running.kill();
    // The application does not stop because we have: its database is still there.
    for (let i = EDITS / 2; i < EDITS; i++) await edit(i);
    await both.detach();

    const { resources, ...addresses } = both.endpoints;
    await start();
    expect(both.endpoints).toEqual({ ...addresses, resources });
    expect(await both.executions()).toEqual(expect.arrayContaining(executions));
    const { Messages } = await both.queues.send(new ReceiveMessageCommand({ QueueUrl }));
    expect(Messages?.map(({ Body }) => Body)).toEqual(['still here']);

    const wanted = new Map([
      ...outbound.map(({ id }, i) => [id, 600 + i] as const),
      ...loans.rows.map(({ id }, i) => [id, 600 + i] as const),
    ]);
    await until('all edits of rows in Salesforce', async () => {
      const contacts = await both.salesforce.query(
        'SELECT Id, Credit_Score__c FROM Contact WHERE Credit_Score__c != null',
      );
      const loansNow = await both.salesforce.query(
        `SELECT Id, Amount FROM Opportunity WHERE Amount >= 600 AND Amount < 640`,
      );
      const held = new Map(
        [...contacts.records, ...loansNow.records].map((r) => [r.Id, r.Credit_Score__c ?? r.Amount]),
      );
      return [...wanted].every(([id, value]) => held.get(id) === value);
    });
    await until('all edits of records in PostgreSQL', async () => {
      const { rows } = await both.database.query('select salesforce_id as id, phone from borrowers');
      const held = new Map(rows.map(({ id, phone }) => [id, phone]));
      return inbound.every(({ id }, i) => held.get(id) === `+44 20 7946 ${2000 + i}`);
    });
    const due = 'select from sfsync.link where dirty or reread_due or push_id is not null limit 1';
    await until('nothing due', async () => (await both.database.query(due)).rowCount === 0);
    const writes = Map.groupBy([...before, ...(await both.updatedRecords())], (id) => id);
    const twice = [...wanted.keys()].filter((id) => (writes.get(id)?.length ?? 0) > 1);
    expect(twice).toEqual([]);
    // Whether a push that was killed has landed and was undone is not known; that is logged, and nothing else.
    const { rows: conflicts } = await both.database.query('select distinct reason from sfsync.conflict');
    expect(conflicts.filter(({ reason }) => reason !== 'push may have been undone')).toEqual([]);
  });

  test('Ctrl-C, which comes twice, ends it within 30 s and leaves no process and no endpoints', async () => {
    await both.detach();
    const { code, tookMs } = await running.interruptTwice();
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(30_000);
    expect(running.hasEndpoints).toBe(false);
    expect(running.processes()).toEqual([]);
    for (const url of [both.endpoints.aws.endpoint, both.endpoints.salesforce.instanceUrl]) {
      await expect(fetch(url)).rejects.toThrow();
    }
    expect(running.output).toMatch(/stopping[\s\S]*stopped\n$/);
  });
});
