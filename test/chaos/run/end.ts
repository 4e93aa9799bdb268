/** Both sides and what is between them, when everything has drained; as far as the run was about it. */
import type { End, Link, ListedConflict, ListedReject, Value, Values, Version } from '../history/history.ts';
import type { ChaosObject } from '../plan/objects.ts';
import { AwsStore } from '../world/aws-store.ts';
import type { World } from '../world/world.ts';
import type { Drained } from './drain.ts';
import { queueName } from './rest.ts';

export async function endOf(
  world: World,
  objects: readonly ChaosObject[],
  {
    versions,
    since,
    drained,
  }: { readonly versions: readonly Version[]; readonly since: number; readonly drained: Drained },
): Promise<End> {
  const at = Date.now();
  const named = { ids: namedOn('salesforce', versions), keys: namedOn('postgres', versions) };
  const links = await linksOf(world, named);
  for (const { salesforceId, rowKey } of links) {
    named.ids.add(salesforceId);
    if (rowKey !== null) named.keys.add(rowKey);
  }
  const store = new AwsStore(world.directory);
  return {
    at,
    records: latestRecords(versions),
    rows: await rowsOf(world, objects, named.keys),
    links,
    conflicts: await conflictsOf(world, since),
    rejects: await rejectsOf(world, named),
    queues: changeQueues(world, store),
    deadLetters: deadLetters(world, store),
    restless: drained.restless,
    afterQuiet: drained.afterQuiet,
  };
}

interface Named {
  readonly ids: Set<string>;
  readonly keys: Set<string>;
}

function namedOn(side: Version['side'], versions: readonly Version[]): Set<string> {
  return new Set(versions.filter((version) => version.side === side).map(({ key }) => key));
}

/** What the org holds is what it wrote down last: both are one commit. */
function latestRecords(versions: readonly Version[]): End['records'] {
  const latest = new Map<string, Version>();
  for (const version of versions) if (version.side === 'salesforce') latest.set(version.key, version);
  return [...latest.values()].map(({ object, key, kind, values }) => ({
    object,
    id: key,
    deleted: kind === 'delete' || kind === 'purge' || values.IsDeleted === true,
    values,
  }));
}

async function rowsOf(
  { pool }: World,
  objects: readonly ChaosObject[],
  keys: ReadonlySet<string>,
): Promise<End['rows']> {
  const found = [];
  for (const { object, table, key } of objects) {
    const sql = `select t.${key}::text as key, to_jsonb(t) as values from ${table} t where t.${key}::text = any($1)`;
    const { rows } = await pool.query<{ key: string; values: Values }>(sql, [[...keys]]);
    found.push(...rows.map((row) => ({ object, ...row })));
  }
  return found;
}

async function linksOf({ pool }: World, { ids, keys }: Named): Promise<Link[]> {
  interface Row {
    object: string;
    salesforce_id: string;
    row_key: string | null;
    dirty: boolean;
    reread_due: boolean;
    push_id: string | null;
    base_deleted: boolean | null;
    delete_guard: string | null;
    waiting: Record<string, unknown>;
    refused: Record<string, unknown>;
  }
  const { rows } = await pool.query<Row>(
    'select * from sfsync.link where salesforce_id = any($1) or row_key = any($2)',
    [[...ids], [...keys]],
  );
  return rows.map((row) => ({
    object: row.object,
    salesforceId: row.salesforce_id,
    rowKey: row.row_key,
    dirty: row.dirty,
    rereadDue: row.reread_due,
    pushOpen: row.push_id !== null,
    deleted: row.base_deleted === true,
    held: row.delete_guard === 'held',
    waiting: Object.keys(row.waiting),
    refused: Object.keys(row.refused),
  }));
}

async function conflictsOf({ pool }: World, since: number): Promise<ListedConflict[]> {
  interface Row {
    object: string;
    salesforce_id: string;
    row_key: string | null;
    field: string | null;
    reason: string;
    salesforce_value: Value;
    postgres_value: Value;
    winner: string;
    created_at: Date;
  }
  const { rows } = await pool.query<Row>('select * from sfsync.conflict where created_at >= $1 order by id', [
    new Date(since),
  ]);
  return rows.map((row) => ({
    object: row.object,
    salesforceId: row.salesforce_id,
    rowKey: row.row_key,
    field: row.field,
    reason: row.reason,
    salesforceValue: row.salesforce_value,
    postgresValue: row.postgres_value,
    winner: row.winner,
    at: row.created_at.getTime(),
  }));
}

async function rejectsOf({ pool }: World, { ids, keys }: Named): Promise<ListedReject[]> {
  interface Row {
    object: string;
    direction: ListedReject['direction'];
    salesforce_id: string | null;
    row_key: string | null;
    field: string | null;
    code: string;
    created_at: Date;
    resolved_at: Date | null;
  }
  const { rows } = await pool.query<Row>(
    'select * from sfsync.rejected_record where salesforce_id = any($1) or row_key = any($2) order by id',
    [[...ids], [...keys]],
  );
  return rows.map((row) => ({
    object: row.object,
    direction: row.direction,
    salesforceId: row.salesforce_id,
    rowKey: row.row_key,
    field: row.field,
    code: row.code,
    open: row.resolved_at === null,
    at: row.created_at.getTime(),
  }));
}

/** All queues but the dead-letter queues. */
function changeQueues(world: World, store: AwsStore): Record<string, number> {
  const dead = new Set(deadLetterQueues(world));
  return Object.fromEntries(Object.entries(store.messages()).filter(([queue]) => !dead.has(queue)));
}

function deadLetterQueues({ endpoints }: World): string[] {
  return Object.entries(endpoints.resources).flatMap(([name, url]) =>
    /deadLetterQueue/i.test(name) ? [queueName(url)] : [],
  );
}

function deadLetters(world: World, store: AwsStore): End['deadLetters'] {
  return store.bodiesIn(deadLetterQueues(world)).map(({ queue, body, at }) => {
    const { error, cause } = jsonOf(body);
    const state = /"state"\s*:\s*"([^"]*)"/.exec(String(cause ?? ''))?.[1] ?? '';
    return { queue, error: String(error ?? ''), state, at };
  });
}

function jsonOf(text: string): { readonly error?: unknown; readonly cause?: unknown } {
  try {
    return JSON.parse(text) as object;
  } catch {
    return {};
  }
}
