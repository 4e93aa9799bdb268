/** What the streamer has to know before it starts, read over its own replication connection. */
import pg from 'pg';
import type { DatabaseNames } from '../../core/contracts/database-names.ts';
import type { Lsn } from '../../core/contracts/lsn.ts';
import { parseLsn } from '../../core/contracts/lsn.ts';
import { ConfigurationError, RetryableError } from '../../core/errors.ts';
import type { ObjectMapping, OutputPlugin } from '../../core/mapping/configuration.ts';

/** `origin` is an option of pgoutput since PostgreSQL 16. */
const ORIGIN_OPTION_SINCE = 160_000;

export interface StreamFacts {
  /** As in `show server_version`. */
  readonly server: string;
  /** The server leaves our own transactions out. With pgoutput: all that have an origin, if no other feed has one here. */
  readonly filtersOrigins: boolean;
  /** The numbers of our origins. One that is made later is not filtered until the next connection. */
  readonly ownOrigins: readonly number[];
  /** What the slot has confirmed. */
  readonly confirmed: Lsn;
  /** An upper bound of the transaction ids in use, as xid8. */
  readonly nextTransaction: bigint;
}

interface Row {
  readonly server: string;
  readonly version: number;
  readonly next: string;
  readonly recovering: boolean;
  readonly foreignOrigins: boolean;
  readonly ownOrigins: number[];
  readonly slot: { plugin: string | null; here: boolean; lost: boolean; confirmed: string | null } | null;
  readonly publication: boolean;
  readonly published: string[];
  readonly existing: string[];
}

/** What is asked for: the slot, and what it should be like. */
export interface StreamPlace {
  readonly slot: string;
  readonly plugin: OutputPlugin;
  readonly names: DatabaseNames;
  readonly mappings: readonly ObjectMapping[];
}

/**
 * Reads and checks them. Throws ConfigurationError when slot or publication are missing or of no use: the streamer never
 * makes them, for a new slot begins now, and the changes before it would be lost silently.
 */
export async function readStreamFacts(client: pg.ClientBase, place: StreamPlace): Promise<StreamFacts> {
  const row = await readRow(client, place);
  if (row.recovering) {
    // In a failover the address may still lead to the standby, which has other slots.
    throw new RetryableError('IN_RECOVERY', 'The server is a standby, or is still recovering.');
  }
  const faults = [
    slotFault(row, place),
    ...(place.plugin === 'pgoutput' ? publicationFaults(row, place) : tableFaults(row, place)),
  ].filter((fault) => fault !== undefined);
  if (faults.length > 0) {
    throw new ConfigurationError('NOT_PREPARED', `The streamer cannot start: ${faults.join('; ')}.`);
  }
  const { ownOrigins } = row;
  const filtersOrigins =
    place.plugin === 'pgoutput' ? row.version >= ORIGIN_OPTION_SINCE && !row.foreignOrigins : ownOrigins.length > 0;
  return {
    server: row.server,
    filtersOrigins,
    ownOrigins,
    confirmed: parseLsn(row.slot?.confirmed ?? '0/0'),
    nextTransaction: BigInt(row.next),
  };
}

/** A replication connection takes simple queries only: no parameters. */
async function readRow(client: pg.ClientBase, { slot, names, mappings }: StreamPlace): Promise<Row> {
  const { publication, originPattern } = names;
  const text = pg.escapeLiteral;
  const tables = mappings.map(({ schema, table }) => text(`${schema}.${table}`)).join(', ');
  const { rows } = await client.query<Row>(
    `select current_setting('server_version') as server,
            current_setting('server_version_num')::int as version,
            pg_is_in_recovery() as recovering,
            case when pg_is_in_recovery() then '0' else pg_snapshot_xmax(pg_current_snapshot())::text end as next,
            exists (select from pg_replication_origin where roname !~ ${text(originPattern)}) as "foreignOrigins",
            array(select roident::int from pg_replication_origin where roname ~ ${text(originPattern)}) as "ownOrigins",
            (select json_build_object('plugin', plugin, 'here', database = current_database(),
                                      'lost', coalesce(wal_status = 'lost', false), 'confirmed', confirmed_flush_lsn)
               from pg_replication_slots where slot_name = ${text(slot)}) as slot,
            exists (select from pg_publication where pubname = ${text(publication)}) as publication,
            array(select schemaname || '.' || tablename from pg_publication_tables
                   where pubname = ${text(publication)}) as published,
            array(select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
                   where n.nspname || '.' || c.relname in (${tables})) as existing`,
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

function publicationFaults(row: Row, { names: { publication }, mappings }: StreamPlace): string[] {
  if (!row.publication) return [`publication ${publication} does not exist: run \`sfsync prepare\``];
  const missing = missingOf(mappings, row.published);
  return missing.length > 0 ? [`${missing.join(', ')} not in publication ${publication}: run \`sfsync prepare\``] : [];
}

/** wal2json leaves out a table that is not there, silently. */
function tableFaults(row: Row, { mappings }: StreamPlace): string[] {
  return missingOf(mappings, row.existing).map((table) => `table ${table} does not exist`);
}

function missingOf(mappings: readonly ObjectMapping[], present: readonly string[]): string[] {
  return mappings.map(({ schema, table }) => `${schema}.${table}`).filter((table) => !present.includes(table));
}
