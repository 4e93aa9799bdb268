import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import configuration from '../../../examples/lender/sync.config.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { applyVersions } from '../../../steps/apply.ts';
import { version } from '../../support/postgres/lender-database.ts';
import { contextOf } from '../../support/system/steps.ts';
import { lambdas, useSurroundings } from '../lambdas.ts';

const around = useSurroundings();
const { collectChanges, openCircuit } = lambdas();
let session: Session;
let machine: string;
let mine: string;

beforeAll(async () => {
  session = await around.lender.session();
  const definition = JSON.stringify({
    QueryLanguage: 'JSONata',
    StartAt: 'Wait',
    States: { Wait: { Type: 'Wait', Seconds: 3600, End: true } },
  });
  const roleArn = 'arn:aws:iam::000000000000:role/machine';
  const made = await states<{ stateMachineArn: string }>('CreateStateMachine', { name: 'out', definition, roleArn });
  machine = made.stateMachineArn;
});

const ID = '001000000000001AAA';
let executions = 0;
beforeEach(async () => {
  await around.lender.rows('truncate lenders, borrowers, loan_applications, sfsync.link, sfsync.lease');
  await around.lambda.aws.running.aws.call('sqs', 'PurgeQueue', { QueueUrl: queue() });
  around.lambda.aws.running.advance(61_000);
  await applyVersions(
    contextOf(session, configuration, 'Account'),
    'f',
    [{ line: 1, version: version('Account', ID, 1, { Phone: 'b' }) }],
    Date.UTC(2030, 0, 1),
  );
  executions++;
  mine = await startExecution(`mine-${executions}`);
});

const states = <Output>(operation: string, input: object) =>
  around.lambda.aws.running.aws.call<Output>('states', operation, input);
const startExecution = async (name: string) =>
  (await states<{ executionArn: string }>('StartExecution', { stateMachineArn: machine, name })).executionArn;
const queue = () => around.lambda.queues.Account ?? '';

/** Edits the row and publishes its key, as the streamer does. */
async function edit(phone: string): Promise<void> {
  const [{ id }] = await around.lender.rows(`update lenders set phone = '${phone}' returning id`);
  await publish({ keys: [[id, 'update']] });
}

async function publish(more: object): Promise<void> {
  const message = {
    object: 'Account',
    position: '0/1',
    committedAt: '2026-01-01T00:00:00Z',
    transactions: [],
    ...more,
  };
  await around.lambda.aws.running.aws.call('sqs', 'SendMessage', {
    QueueUrl: queue(),
    MessageBody: JSON.stringify(message),
  });
}

const delayed = () => counted('ApproximateNumberOfMessagesDelayed');
const waiting = () =>
  counted('ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible', 'ApproximateNumberOfMessagesDelayed');

async function counted(...names: string[]): Promise<number> {
  const { Attributes } = await around.lambda.aws.running.aws.call<{ Attributes: Record<string, string> }>(
    'sqs',
    'GetQueueAttributes',
    { QueueUrl: queue(), AttributeNames: names },
  );
  return names.reduce((sum, name) => sum + Number(Attributes[name]), 0);
}

const collect = (more: object = {}) =>
  collectChanges({ object: 'Account', trigger: 'changes', execution: mine, batches: 0, fenced: false, ...more });
const lease = async () =>
  (await around.lender.rows(`select execution, circuit from sfsync.lease where object = 'Account'`))[0];

describe('a batch', () => {
  test('holds what the queue named; the messages are gone and the lease is taken', async () => {
    await edit('p');
    await publish({ keys: [['11111111-1111-1111-1111-111111111111', 'insert']] });
    const collected = await collect();
    const name = `mine-${executions}`;
    expect(collected).toEqual({
      next: 'push',
      batchId: `${name}-0`,
      recordsKey: `work/${name}/batch-0.jsonl`,
      records: 1,
    });
    expect(await around.lambda.lines(collected.recordsKey ?? '')).toEqual([{ id: ID, revision: expect.any(Number) }]);
    expect(await waiting()).toBe(0);
    expect(await lease()).toEqual({ execution: mine, circuit: 'closed' });
  });

  test('is numbered on', async () => {
    await edit('p');
    expect(await collect({ batches: 3 })).toMatchObject({ batchId: `mine-${executions}-3` });
  });

  test('is made where deletes are held and the execution that held them did not report it', async () => {
    await around.lender.rows(`delete from lenders; update sfsync.link set delete_guard = 'held';
                insert into sfsync.lease (object, held_told_by) values ('Account', 'died-0')`);
    expect(await collect()).toMatchObject({ next: 'push', records: 1 });
    expect(await around.lender.rows('select held_told_by from sfsync.lease')).toEqual([{ held_told_by: null }]);
  });

  test('is what is due in the database, also when no message says so', async () => {
    await around.lender.rows(
      `update lenders set phone = 'p'; update sfsync.link set dirty = true, dirty_since = now()`,
    );
    expect(await collect()).toMatchObject({ next: 'push', records: 1 });
  });

  test('takes in a change that comes while nothing is due: the queue is watched', async () => {
    const collected = collect();
    await expect.poll(async () => (await lease())?.execution).toBe(mine);
    await edit('p');
    expect(await collected).toMatchObject({ next: 'push', records: 1 });
  });

  test('first takes away what an earlier execution left for the flow', async () => {
    await around.lambda.put('outbound/Account.d/left-0.csv', 'Id\n');
    await around.lambda.put('outbound/Account/former-0.csv', 'Id\n');
    await around.lambda.put('outbound/AccountContactRelation.d/other-0.csv', 'Id\n');
    await edit('p');
    expect(await collect()).toMatchObject({ next: 'push' });
    expect(await around.lambda.keys('outbound/')).toEqual(['outbound/AccountContactRelation.d/other-0.csv']);
    const archived = await around.lambda.keys('archive/Account/');
    expect(archived).toEqual(expect.arrayContaining(['archive/Account/left-0.csv', 'archive/Account/former-0.csv']));
  });
});

describe('the end', () => {
  test('comes when nothing is due: the lease is free, the link clean, the queue empty', async () => {
    await edit('b');
    expect(await collect()).toEqual({ next: 'end', reason: 'nothing due' });
    expect(await lease()).toEqual({ execution: null, circuit: 'closed' });
    expect([await waiting(), await around.lender.rows('select dirty from sfsync.link')]).toEqual([
      0,
      [{ dirty: false }],
    ]);
  });

  test('comes at once when another execution has the lease, and its messages are left to it', async () => {
    const other = await startExecution(`other-${executions}`);
    await around.lender.rows(`insert into sfsync.lease (object, execution) values ('Account', '${other}')`);
    await edit('p');
    expect(await collect()).toEqual({ next: 'end', reason: 'held by another execution' });
    expect([await waiting(), await lease()]).toEqual([1, { execution: other, circuit: 'closed' }]);

    await states('StopExecution', { executionArn: other });
    expect(await collect()).toMatchObject({ next: 'push' });
    expect(await lease()).toMatchObject({ execution: mine });
  });

  test('does not come from a lease of an execution that Step Functions no longer knows', async () => {
    await around.lender.rows(`insert into sfsync.lease (object, execution) values ('Account', '${mine}-forgotten')`);
    await edit('p');
    expect(await collect()).toMatchObject({ next: 'push' });
  });

  test('is a handing over after many batches; what the queue holds is due by then', async () => {
    await edit('p');
    expect(await collect({ batches: configuration.settings.batchesPerExecution })).toEqual({ next: 'hand over' });
    expect([await waiting(), await lease()]).toEqual([0, { execution: null, circuit: 'closed' }]);
    expect(await around.lender.rows('select dirty from sfsync.link')).toEqual([{ dirty: true }]);
  });
});

describe('a push of an earlier execution that is open', () => {
  const open = (delivery: 'appflow' | 'api', sentAt: string) =>
    around.lender.rows(
      `update sfsync.link set push_id = 'before', push_delivery = '${delivery}', sent_at = ${sentAt}, sent = '{}', seen = '{}'`,
    );

  test('through AppFlow has to be fenced; its file is taken out of the way of the next run', async () => {
    await open('appflow', 'now()');
    await around.lambda.put('outbound/Account/before.csv', 'Id\n');
    expect(await collect()).toEqual({ next: 'fence' });
    expect(await around.lambda.keys('outbound/Account/')).toEqual([]);
    expect(await lease()).toMatchObject({ execution: mine });
    expect(await collect({ fenced: true })).toMatchObject({ next: 'push', records: 1 });
  });

  test('through the API is taken up when no request of it can be alive any more', async () => {
    const { pushDeadlineSeconds, requestLifeSeconds } = configuration.settings;
    const fence = pushDeadlineSeconds + requestLifeSeconds;
    await open('api', `now() - interval '${fence - 30} seconds'`);
    expect(await collect()).toEqual({ next: 'end', reason: 'nothing due' });
    await open('api', `now() - interval '${fence + 1} seconds'`);
    expect(await collect()).toMatchObject({ next: 'push', records: 1 });
  });
});

describe('while Salesforce is away', () => {
  const open = async () => {
    await around.lender.rows(
      `insert into sfsync.lease (object, execution) values ('Account', '${mine}') on conflict do nothing`,
    );
    return openCircuit({ object: 'Account', execution: mine, error: 'RetryableError', cause: 'ECONNREFUSED' });
  };

  test('the circuit opens once, says why, and the lease is free', async () => {
    expect(await open()).toEqual({ opened: true });
    expect(await lease()).toEqual({ execution: null, circuit: 'open' });
    expect(await around.lender.rows('select circuit_reason from sfsync.lease')).toEqual([
      { circuit_reason: 'RetryableError: ECONNREFUSED' },
    ]);
    await around.lender.rows(`update sfsync.lease set execution = '${mine}'`);
    expect(await open()).toEqual({ opened: false });
  });

  test('an execution that has lost the lease opens nothing', async () => {
    await around.lender.rows(`insert into sfsync.lease (object, execution) values ('Account', 'another')`);
    await expect(open()).rejects.toMatchObject({ name: 'LeaseLostError', code: 'LEASE_LOST' });
    expect(await lease()).toEqual({ execution: 'another', circuit: 'closed' });
  });

  test('messages are drained as usual and nothing is pushed, unless the schedule starts the execution', async () => {
    await open();
    await edit('p');
    expect(await collect()).toEqual({ next: 'end', reason: 'circuit open' });
    expect([await waiting(), await around.lender.rows('select dirty from sfsync.link')]).toEqual([
      0,
      [{ dirty: true }],
    ]);
    expect(await lease()).toEqual({ execution: null, circuit: 'open' });
  });

  test('the schedule risks a few records, once', async () => {
    await open();
    const many = Array.from({ length: 30 }, (_, i) => ({
      line: i + 1,
      version: version('Account', `001000000000${String(i + 100)}AAA`, 1, { Phone: 'b' }),
    }));
    await applyVersions(contextOf(session, configuration, 'Account'), 'f', many, Date.UTC(2030, 0, 1));
    await around.lender.rows(
      `update lenders set phone = 'p'; update sfsync.link set dirty = true, dirty_since = now()`,
    );
    expect(await collect({ trigger: 'schedule' })).toMatchObject({ next: 'push', records: 10 });
    expect(await collect({ trigger: 'schedule', batches: 1 })).toEqual({ next: 'end', reason: 'circuit open' });
  });
});

describe('what is not as it should be', () => {
  test('a message that is none stays for the dead-letter queue, and the others are taken', async () => {
    await publish({ keys: 'secret' });
    await edit('p');
    expect(await collect()).toMatchObject({ next: 'push', records: 1 });
    expect(await waiting()).toBe(1);
  });

  test('messages that the database did not take are handed back, and come again after a moment', async () => {
    await edit('p');
    await around.lender.rows('alter table sfsync.link rename to away');
    await expect(collect()).rejects.toThrow('SQLSTATE 42P01');
    await around.lender.rows('alter table sfsync.away rename to link');
    expect(await waiting()).toBe(1);
    around.lambda.aws.running.advance(2_000);
    expect(await collect()).toMatchObject({ next: 'push', records: 1 });
    expect(await waiting()).toBe(0);
  });

  test('a key whose transaction is not visible yet is sent again with a delay, until it is', async () => {
    const writer = await around.lender.database.client();
    await writer.query('begin');
    const sql = `update lenders set phone = 'p' returning id, pg_current_xact_id()::text as xid`;
    const [{ id, xid }] = (await writer.query(sql)).rows;
    await publish({ keys: [[id, 'update']], transactions: [xid] });
    const collected = collect();
    await expect.poll(delayed).toBe(1);
    expect(await around.lender.rows('select dirty from sfsync.link')).toEqual([{ dirty: false }]);
    await writer.query('commit');
    expect(await collected).toMatchObject({ next: 'push', records: 1 });
  });

  test('rows that are written all the time without a difference: after a minute it is another execution that looks', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      const collected = collect();
      await expect.poll(async () => (await lease())?.execution).toBe(mine);
      vi.setSystemTime(Date.now() + 61_000);
      await edit('b');
      expect(await collected).toEqual({ next: 'hand over' });
      expect(await lease()).toEqual({ execution: null, circuit: 'closed' });
    } finally {
      vi.useRealTimers();
    }
  });

  test('an object that is not mapped', async () => {
    await expect(collect({ object: 'Lead' })).rejects.toMatchObject({
      name: 'ConfigurationError',
      code: 'UNKNOWN_OBJECT',
    });
  });
});
