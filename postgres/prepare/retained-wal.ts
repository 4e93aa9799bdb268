import { query, type Session } from '../session/connection.ts';
import { namesOf } from '../session/names.ts';

/** WAL that the server keeps for our slot, in bytes; undefined when there is no slot, or it was lost: then nothing is well. */
export async function retainedWalBytes(session: Session): Promise<number | undefined> {
  const { rows } = await query<{ bytes: number }>(
    session,
    `select coalesce(pg_current_wal_lsn() - restart_lsn, 0)::float8 as bytes
       from pg_replication_slots where slot_name = $1 and database = current_database() and wal_status is distinct from 'lost'`,
    [namesOf(session).slot],
  );
  return rows[0]?.bytes;
}
