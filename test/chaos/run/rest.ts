/** Waits until nothing is on its way between the two systems. */
import { setTimeout as pause } from 'node:timers/promises';
import { AwsStore } from '../world/aws-store.ts';
import type { World } from '../world/world.ts';

const LOOK_EVERY_MS = 100;

/** Answers what never came to rest within the patience; mostly nothing. */
export async function rest(world: World, patienceMs: number): Promise<readonly string[]> {
  const deadline = Date.now() + patienceMs;
  const begun = Date.now();
  const written = await currentPosition(world);
  let restless: readonly string[] = [];
  let quietLooks = 0;
  for (;;) {
    restless = await whatIsUnderWay(world, written, begun).catch((error: unknown) => [`no look: ${String(error)}`]);
    quietLooks = restless.length === 0 ? quietLooks + 1 : 0;
    // What one look passes by, on its way from one place to the next, a second one finds.
    if (quietLooks === 2) return [];
    if (Date.now() > deadline) return restless;
    await pause(LOOK_EVERY_MS);
  }
}

async function currentPosition({ pool }: World): Promise<string> {
  const { rows } = await pool.query<{ lsn: string }>('select pg_current_wal_flush_lsn() as lsn');
  return rows[0]?.lsn ?? '0/0';
}

async function whatIsUnderWay(world: World, position: string, since: number): Promise<string[]> {
  const { pool, configuration } = world;
  const streamed = await pool.query(
    `select from pg_replication_slots where slot_name = 'sfsync' and confirmed_flush_lsn >= $1`,
    [position],
  );
  if (streamed.rowCount === 0) return ['the WAL streamer is behind'];
  const store = new AwsStore(world.directory);
  const objects = configuration.objects.map(({ object }) => object);
  // A run's window ends where it starts, cut to the second: only the second run has certainly seen what was written before.
  const unpolled = objects.filter((object) => store.runsSince(world.resource(`inboundFlow.${object}`), since) < 2);
  if (unpolled.length > 0) return unpolled.map((object) => `the next polls of ${object}`);
  const flows = objects.map((object) => world.resource(`outboundFlow.${object}`));
  const underWay = store.underWay(world.resource('stateMachine.postgresToSalesforce'), flows);
  const messages = store.messages();
  const queues = objects.flatMap((object) => {
    const queue = queueName(world.resource(`changeQueue.${object}`));
    return messages[queue] === undefined ? [] : [`${messages[queue]} messages for ${object}`];
  });
  const due = await pool.query<{ what: string }>(DUE);
  return [...underWay, ...queues, ...due.rows.map(({ what }) => what)];
}

const DUE = `
  select concat_ws(' ', 'link', object, salesforce_id, case when dirty then 'dirty' end, case when reread_due then 'to be read' end,
                   case when push_id is not null then 'open push' end) as what
    from sfsync.link where (dirty or reread_due or push_id is not null) and coalesce(delete_guard, '') <> 'held'
  union all
  select concat_ws(' ', 'insertion', object, row_key, case when push_id is not null then 'open push' end)
    from sfsync.insertion where dirty or push_id is not null
  union all
  select concat_ws(' ', 'comparison', object, stage) from sfsync.comparison where finished_at is null
  limit 20`;

export function queueName(url: string): string {
  return url.slice(url.lastIndexOf('/') + 1);
}
