/** What the streamer has to know before it starts, read over its own replication connection. */
import pg from 'pg';
import type { ObjectMapping } from '../../core/configuration.ts';
import { ORIGIN_PREFIX } from '../../core/database-names.ts';
import { ConfigurationError } from '../../core/errors.ts';
import type { Lsn } from '../../core/lsn.ts';
import { parseLsn } from '../../core/lsn.ts';

/** `origin` is an option of pgoutput since PostgreSQL 16. */
const ORIGIN_OPTION_SINCE = 160_000;

export interface StreamFacts {
  /** As in `show server_version`. */
  readonly server: string;
  /** The server can leave out every transaction that has an origin, and no other feed has an origin here. */
  readonly filtersOrigins: boolean;
  /** What the slot has confirmed. */
  readonly confirmed: Lsn;
  /** An upper bound of the transaction ids in use, as xid8. */
  readonly nextTransaction: bigint;
}

interface Row {
  readonly server: string;
  readonly version: number;
  readonly next: string;
  readonly foreignOrigins: boolean;
  readonly slot: { plugin: string | null; here: boolean; lost: boolean; confirmed: string | null } | null;
  readonly publication: boolean;
  readonly published: string[];
}

/**
 * Reads and checks them. Throws ConfigurationError when slot or publication are missing or of no use: the streamer never
 * makes them, for a new slot begins now, and what was changed before would be lost without a word.
 */
export async function readStreamFacts(
  client: pg.ClientBase,
  slot: string,
  publication: string,
  mappings: readonly ObjectMapping[],
): Promise<StreamFacts> {
  const row = await readRow(client, slot, publication);
  const faults = faultsOf(row, slot, publication, mappings);
  if (faults.length > 0) {
    throw new ConfigurationError('NOT_PREPARED', `The streamer cannot start: ${faults.join('; ')}.`);
  }
  return {
    server: row.server,
    filtersOrigins: row.version >= ORIGIN_OPTION_SINCE && !row.foreignOrigins,
    confirmed: parseLsn(row.slot?.confirmed ?? '0/0'),
    nextTransaction: BigInt(row.next),
  };
}

/** A replication connection takes simple queries only: no parameters. */
async function readRow(client: pg.ClientBase, slot: string, publication: string): Promise<Row> {
  const text = pg.escapeLiteral;
  const { rows } = await client.query<Row>(
    `select current_setting('server_version') as server,
            current_setting('server_version_num')::int as version,
            pg_snapshot_xmax(pg_current_snapshot())::text as next,
            exists (select from pg_replication_origin where not starts_with(roname, ${text(ORIGIN_PREFIX)})) as "foreignOrigins",
            (select json_build_object('plugin', plugin, 'here', database = current_database(),
                                      'lost', coalesce(wal_status = 'lost', false), 'confirmed', confirmed_flush_lsn)
               from pg_replication_slots where slot_name = ${text(slot)}) as slot,
            exists (select from pg_publication where pubname = ${text(publication)}) as publication,
            array(select schemaname || '.' || tablename from pg_publication_tables
                   where pubname = ${text(publication)}) as published`,
  );
  return rows[0] as Row;
}

function faultsOf(row: Row, slot: string, publication: string, mappings: readonly ObjectMapping[]): string[] {
  const faults: string[] = [];
  if (row.slot === null) faults.push(`replication slot ${slot} does not exist: run \`sfsync prepare\``);
  else if (!row.slot.here || row.slot.plugin !== 'pgoutput') {
    faults.push(
      `replication slot ${slot} belongs to another database or plugin: name the right one in REPLICATION_SLOT`,
    );
  } else if (row.slot.lost) {
    faults.push(
      `replication slot ${slot} was invalidated, WAL that it needed is gone: drop it, run \`sfsync prepare\`, then compare both sides`,
    );
  }
  if (!row.publication) faults.push(`publication ${publication} does not exist: run \`sfsync prepare\``);
  else {
    const missing = mappings
      .map(({ schema, table }) => `${schema}.${table}`)
      .filter((table) => !row.published.includes(table));
    if (missing.length > 0)
      faults.push(`${missing.join(', ')} not in publication ${publication}: run \`sfsync prepare\``);
  }
  return faults;
}
