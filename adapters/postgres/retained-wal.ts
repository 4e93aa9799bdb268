import { SLOT } from '../../core/database-names.ts';
import { query, type Session } from './connection.ts';

/** WAL that the server keeps for our slot, in bytes; 0 when there is no slot. */
export async function retainedWalBytes(session: Session): Promise<number> {
  const { rows } = await query<{ bytes: number }>(
    session,
    `select coalesce(pg_current_wal_lsn() - restart_lsn, 0)::float8 as bytes
       from pg_replication_slots where slot_name = $1 and database = current_database()`,
    [SLOT],
  );
  return rows[0]?.bytes ?? 0;
}
