/** What the streamer has to know before it starts, read over its own replication connection. */
import pg from 'pg';
import type { DatabaseNames } from '../../core/contracts/database-names.ts';
import type { Lsn } from '../../core/contracts/lsn.ts';
import { parseLsn } from '../../core/contracts/lsn.ts';
import { ConfigurationError, RetryableError } from '../../core/errors.ts';
import type { OutputPlugin } from '../../core/mapping/configuration.ts';
import type { ServerIdentity } from '../../core/stream/slot-history.ts';

export interface StreamFacts {
  /** As in `show server_version`. */
  readonly server: string;
  readonly identity: ServerIdentity;
  /** Up to where the server's WAL is flushed. */
  readonly walEnd: Lsn;
  /** The process that reads the slot for us. */
  readonly pid: number;
  /** What the slot has confirmed. */
  readonly confirmed: Lsn;
  /** An upper bound of the transaction ids in use, as xid8. */
  readonly nextTransaction: bigint;
}

interface Row {
  readonly server: string;
  readonly pid: number;
  readonly next: string;
  readonly recovering: boolean;
  readonly slot: { plugin: string | null; here: boolean; lost: boolean; confirmed: string | null } | null;
  readonly publication: boolean;
}

/** What is asked for: the slot, and what it should be like. */
export interface StreamPlace {
  readonly slot: string;
  readonly plugin: OutputPlugin;
  readonly names: DatabaseNames;
}

/**
 * Reads and checks them. What may change while the stream runs is not asked here: `lookAtTables` asks it again and again. Throws ConfigurationError when slot or publication are missing or of no use: the streamer never
 * makes them, for a new slot begins now, and the changes before it would be lost silently.
 */
export async function readStreamFacts(client: pg.ClientBase, place: StreamPlace): Promise<StreamFacts> {
  const row = await readRow(client, place);
  const { rows } = await client.query<Identity>('IDENTIFY_SYSTEM');
  const [identified] = rows;
  if (row.recovering) {
    // In a failover the address may still lead to the standby, which has other slots.
    throw new RetryableError('IN_RECOVERY', 'The server is a standby, or is still recovering.');
  }
  const faults = [slotFault(row, place), publicationFault(row, place)].filter((fault) => fault !== undefined);
  if (faults.length > 0 || identified === undefined) {
    throw new ConfigurationError('NOT_PREPARED', `The streamer cannot start: ${faults.join('; ')}.`);
  }
  return {
    server: row.server,
    identity: { system: identified.systemid, timeline: Number(identified.timeline) },
    walEnd: parseLsn(identified.xlogpos),
    pid: row.pid,
    confirmed: parseLsn(row.slot?.confirmed ?? '0/0'),
    nextTransaction: BigInt(row.next),
  };
}

/** What the command IDENTIFY_SYSTEM answers. */
interface Identity {
  readonly systemid: string;
  readonly timeline: number | string;
  readonly xlogpos: string;
}

/** A replication connection takes simple queries only: no parameters. */
async function readRow(client: pg.ClientBase, { slot, names }: StreamPlace): Promise<Row> {
  const { publication } = names;
  const text = pg.escapeLiteral;
  const { rows } = await client.query<Row>(
    `select current_setting('server_version') as server,
            pg_backend_pid() as pid,
            pg_is_in_recovery() as recovering,
            case when pg_is_in_recovery() then '0' else pg_snapshot_xmax(pg_current_snapshot())::text end as next,
            (select json_build_object('plugin', plugin, 'here', database = current_database(),
                                      'lost', coalesce(wal_status = 'lost', false), 'confirmed', confirmed_flush_lsn)
               from pg_replication_slots where slot_name = ${text(slot)}) as slot,
            exists (select from pg_publication where pubname = ${text(publication)}) as publication`,
  );
  return rows[0] as Row;
}

function slotFault({ slot: state }: Row, { slot, plugin }: StreamPlace): string | undefined {
  if (state === null) {
    return `replication slot ${slot} does not exist: run \`sfsync prepare\` where there has been none, and \`sfsync recover-slot\` where there was one, which also finds what was changed since`;
  }
  if (!state.here)
    return `replication slot ${slot} belongs to another database: name the right one in REPLICATION_SLOT`;
  if (state.lost) {
    return `replication slot ${slot} was invalidated, WAL that it needed is gone: run \`sfsync recover-slot\`, which makes it anew and finds what was changed since`;
  }
  if (state.plugin !== plugin) {
    return `replication slot ${slot} was made for the output plugin ${state.plugin ?? '(none)'}, settings.plugin is ${plugin}: set it back, or run \`sfsync recover-slot\``;
  }
  return undefined;
}

/** Without it PostgreSQL 15 ends the stream at the first change, and later servers pass over all of them. */
function publicationFault(row: Row, { plugin, names: { publication } }: StreamPlace): string | undefined {
  if (plugin !== 'pgoutput' || row.publication) return undefined;
  return `publication ${publication} does not exist: run \`sfsync prepare\``;
}
