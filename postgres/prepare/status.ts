/** What `sfsync check` shows: how the database is set up and what waits in it. Reads only. */
import type pg from 'pg';
import { ConfigurationError } from '../../core/errors.ts';
import { outgoingConfiguration, type SyncConfiguration } from '../../core/mapping/configuration.ts';
import type { TableFault } from '../../core/stream/table-faults.ts';
import { type Comparison, dueComparisons } from '../ledger/comparison.ts';
import { type ListedJoin, listJoins } from '../ledger/joining-fields.ts';
import type { Session } from '../session/connection.ts';
import { hasTable, namesOf } from '../session/names.ts';
import { lookAtTables } from '../tables/portraits.ts';
import { pendingMigrations } from './migrations.ts';
import { readSlotStatus, type SlotStatus } from './slot-status.ts';

export interface ObjectStatus {
  readonly object: string;
  readonly links: number;
  /** Links with something to do towards Salesforce. */
  readonly due: number;
  readonly oldestDue: Date | null;
  /** Rows on their way to becoming records, those that wait or were refused included. */
  readonly newRows: number;
  /** When its change queue was last received to its end: no message that waits there is older. null: never. */
  readonly queueEmptied: Date | null;
  readonly circuit: 'closed' | 'open';
  readonly circuitReason: string | null;
  readonly openConflicts: number;
  readonly openRejects: number;
  /** Deletes that the guard against delete storms holds. */
  readonly heldDeletes: number;
}

export interface DatabaseStatus {
  readonly server: string;
  readonly slot: SlotStatus | undefined;
  /** Objects of which something may have been skipped, and which are not all compared yet. */
  readonly comparisons: readonly Comparison[];
  /** Fields that are joining the mapping. */
  readonly joins: readonly ListedJoin[];
  /** Mapped tables, and why edits of them do not come through the slot. */
  readonly tables: readonly { readonly object: string; readonly faults: readonly TableFault[] }[];
  readonly origins: number;
  /** How the Lambdas' role marks its transactions; undefined: there is no such role. */
  readonly marking: 'origin' | 'message' | undefined;
  readonly missingRoles: readonly string[];
  readonly objects: readonly ObjectStatus[];
}

/** Throws ConfigurationError when the schema `sfsync` is not there. */
export async function readDatabaseStatus(
  client: pg.ClientBase,
  configuration: SyncConfiguration,
  slot: string = namesOf(client).slot,
): Promise<DatabaseStatus> {
  if (!(await hasTable(client, 'link'))) {
    throw new ConfigurationError(
      'NOT_PREPARED',
      `The database has no schema ${namesOf(client).schema}. If it is the right database and --name is right, too: run \`sfsync prepare\` with the same --name.`,
    );
  }
  const pending = await pendingMigrations(client);
  if (pending.length > 0) {
    throw new ConfigurationError(
      'NOT_PREPARED',
      `The database lacks ${pending.length} migration(s) of this version (${pending.join(', ')}): run \`sfsync prepare\`.`,
    );
  }
  const published = await lookAtTables(client as Session, outgoingConfiguration(configuration));
  return {
    ...(await readSetup(client)),
    slot: await readSlotStatus(client, slot),
    comparisons: await dueComparisons(client),
    joins: await listJoins(client),
    tables: published.map(({ object, faults }) => ({ object, faults })),
    objects: await readObjects(client, configuration),
  };
}

async function readSetup(
  client: pg.ClientBase,
): Promise<Pick<DatabaseStatus, 'server' | 'origins' | 'marking' | 'missingRoles'>> {
  const { originPattern, streamerRole, applyRole } = namesOf(client);
  const { rows } = await client.query<{ server: string; origins: number; roles: string[] }>(
    `select current_setting('server_version') as server,
            (select count(*)::int from pg_replication_origin where roname ~ $1) as origins,
            array(select rolname::text from pg_roles where rolname = any ($2)) as roles`,
    [originPattern, [streamerRole, applyRole]],
  );
  const { server = '', origins = 0, roles = [] } = rows[0] ?? {};
  const missingRoles = [streamerRole, applyRole].filter((role) => !roles.includes(role));
  return { server, origins, missingRoles, marking: roles.includes(applyRole) ? await readMarking(client) : undefined };
}

async function readMarking(client: pg.ClientBase): Promise<'origin' | 'message'> {
  const { rows } = await client.query<{ may: boolean }>(
    `select has_function_privilege($1, 'pg_replication_origin_session_setup(text)', 'execute')
        and has_function_privilege($1, 'pg_replication_origin_session_reset()', 'execute') as may`,
    [namesOf(client).applyRole],
  );
  return rows[0]?.may === true ? 'origin' : 'message';
}

async function readObjects(client: pg.ClientBase, configuration: SyncConfiguration): Promise<ObjectStatus[]> {
  const { rows } = await client.query<ObjectStatus>(
    `select wanted.object, coalesce(links.total, 0) as links, coalesce(due.due, 0) as due, due.oldest as "oldestDue",
            coalesce(links.held, 0) as "heldDeletes",
            coalesce(lease.circuit, 'closed') as circuit,
            (select count(*)::int from sfsync.insertion i where i.object = wanted.object) as "newRows", lease.circuit_reason as "circuitReason", lease.queue_emptied_at as "queueEmptied",
            (select count(*)::int from sfsync.conflict c where c.object = wanted.object and resolved_at is null) as "openConflicts",
            (select count(*)::int from sfsync.rejected_record r where r.object = wanted.object and resolved_at is null) as "openRejects"
       from unnest($1::text[]) with ordinality as wanted (object, place)
       left join sfsync.lease on lease.object = wanted.object
       left join (select object, count(*)::int as total, count(*) filter (where delete_guard = 'held')::int as held
                    from sfsync.link group by object) as links on links.object = wanted.object
       left join (select object, count(*)::int as due, min(coalesce(since, sent_at, due_at)) as oldest
                    from sfsync.due group by object) as due on due.object = wanted.object
      order by wanted.place`,
    [configuration.objects.map(({ object }) => object)],
  );
  return rows;
}
