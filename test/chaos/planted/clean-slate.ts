/** After a bug has done its work the two sides may never agree again: what it has left goes, so that the next one is judged by itself. */
import { rest } from '../run/rest.ts';
import type { World } from '../world/world.ts';

const PATIENCE_MS = 8_000;
const API = '/services/data/v66.0';
/** Records in one call. */
const CALL_RECORDS = 200;
/** Children first. */
const OBJECTS = ['Opportunity', 'Contact', 'Account'];

/**
 * Removes all records, all rows and what sfsync knows of them. Nothing may work on the sides meanwhile but sfsync. Answers whether
 * nothing is left, and nothing on its way: else what comes later would be blamed on the next bug.
 */
export async function cleanSlate(world: World): Promise<boolean> {
  // What does not come to rest is what is to be removed.
  await rest(world, PATIENCE_MS);
  for (const round of [1, 2]) {
    await stopExecutions(world);
    await removeRecords(world);
    await removeRows(world);
    await removeMessages(world);
    // What was under way may have written once more.
    if (round === 1) await rest(world, PATIENCE_MS);
  }
  const restless = await rest(world, PATIENCE_MS);
  return restless.length === 0 && (await isEmpty(world));
}

async function isEmpty(world: World): Promise<boolean> {
  const tables = world.configuration.objects.map(({ schema, table }) => `select from ${schema}.${table}`);
  const ledger = ['select from sfsync.link', 'select from sfsync.insertion'];
  const { rowCount } = await world.pool.query([...tables, ...ledger].join(' union all '));
  const counts = await Promise.all(OBJECTS.map((object) => countOf(world, object)));
  return rowCount === 0 && counts.every((count) => count === 0);
}

async function countOf(world: World, object: string): Promise<number> {
  const soql = encodeURIComponent(`SELECT COUNT() FROM ${object}`);
  return (await call<{ totalSize: number }>(world, 'GET', `query?q=${soql}`)).totalSize;
}

/** In one transaction whose triggers are off: nothing is recorded of it. */
async function removeRows({ pool, configuration }: World): Promise<void> {
  const tables = configuration.objects.map(({ schema, table }) => `${schema}.${table}`);
  const ledger = ['link', 'due', 'waiting', 'insertion', 'conflict', 'rejected_record', 'tombstone', 'chosen_delete'];
  const client = await pool.connect();
  try {
    await client.query('begin; set local session_replication_role = replica');
    for (const table of [...ledger.map((name) => `sfsync.${name}`), ...tables])
      await client.query(`delete from ${table}`);
    await client.query(
      `update sfsync.lease set circuit = 'closed', circuit_reason = null, due_after = null, retries = 0`,
    );
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}

/** What they have read before, they would still write. */
async function stopExecutions(world: World): Promise<void> {
  for (const machine of ['salesforceToPostgres', 'postgresToSalesforce', 'sweep']) {
    const stateMachineArn = world.resource(`stateMachine.${machine}`);
    const input = { stateMachineArn, statusFilter: 'RUNNING' };
    type Answer = { executions: { executionArn: string }[] };
    const { executions } = await world.call<Answer>('states', 'ListExecutions', input);
    for (const { executionArn } of executions) await world.call('states', 'StopExecution', { executionArn });
  }
}

async function removeRecords(world: World): Promise<void> {
  for (const object of OBJECTS) {
    for (;;) {
      const soql = encodeURIComponent(`SELECT Id FROM ${object} LIMIT ${CALL_RECORDS}`);
      const { records } = await call<{ records: { Id: string }[] }>(world, 'GET', `query?q=${soql}`);
      if (records.length === 0) break;
      await call(world, 'DELETE', `composite/sobjects?allOrNone=false&ids=${records.map(({ Id }) => Id).join()}`);
    }
  }
  await world.org('POST', 'actions', { purge: {} });
}

async function call<Answer = unknown>(world: World, method: string, path: string): Promise<Answer> {
  const { instanceUrl, accessToken } = world.endpoints.salesforce;
  const headers = { authorization: `Bearer ${accessToken}`, 'sforce-call-options': 'client=chaos-0' };
  const answer = await fetch(new URL(`${API}/${path}`, instanceUrl), { method, headers });
  if (!answer.ok) throw new Error(`${method} ${path.slice(0, 40)}: ${answer.status}`);
  return (await answer.json()) as Answer;
}

async function removeMessages(world: World): Promise<void> {
  const objects = world.configuration.objects.map(({ object }) => object);
  const queues = [
    ...objects.flatMap((object) => [`changeQueue.${object}`, `changeDeadLetterQueue.${object}`]),
    'deadLetterQueue.salesforceToPostgres',
    'deadLetterQueue.postgresToSalesforce',
  ];
  // A queue may be purged once a minute only; what is left then is without effect.
  for (const queue of queues) {
    await world.call('sqs', 'PurgeQueue', { QueueUrl: world.resource(queue) }).catch(() => undefined);
  }
}
