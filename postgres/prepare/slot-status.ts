/** Where the slot stands, who reads it, and whether it is where the streamer left it. */
import type pg from 'pg';
import { STREAMER_APPLICATION } from '../../core/contracts/database-names.ts';
import { parseLsn } from '../../core/contracts/lsn.ts';
import { readStream } from '../ledger/stream.ts';
import { namesOf } from '../session/names.ts';

export interface SlotStatus {
  readonly name: string;
  /** undefined: it is not read. */
  readonly reader: SlotReader | undefined;
  /** Up to here everything is in the queues: `16/B374D848`. */
  readonly confirmed: string | null;
  /** It is further than the streamer has confirmed: another reader moved it. */
  readonly moved: boolean;
  /** WAL that the server keeps for the slot. */
  readonly retainedBytes: number;
  /** `reserved`, `extended`, `unreserved` or `lost`. */
  readonly walStatus: string | null;
  /** What may still be written before the slot is lost; null: no limit is set. */
  readonly safeWalBytes: number | null;
}

export interface SlotReader {
  readonly pid: number;
  /** The streamer of this deployment, by its role and the name that it gives itself. */
  readonly isStreamer: boolean;
  readonly application: string;
  readonly role: string;
  /** null: on the server itself, or not to be seen by this role. */
  readonly address: string | null;
  readonly since: Date | null;
}

interface Row extends Omit<SlotStatus, 'reader' | 'moved'> {
  readonly pid: number | null;
  readonly application: string | null;
  readonly role: string | null;
  readonly address: string | null;
  readonly since: Date | null;
}

/** undefined: there is none of that name in this database. */
export async function readSlotStatus(client: pg.ClientBase, slot: string): Promise<SlotStatus | undefined> {
  // Before what is written down, which is never behind what the streamer has confirmed.
  const { rows } = await client.query<Row>(
    `select s.slot_name as name, s.confirmed_flush_lsn::text as confirmed, s.wal_status as "walStatus",
            coalesce(pg_current_wal_lsn() - s.restart_lsn, 0)::float8 as "retainedBytes",
            s.safe_wal_size::float8 as "safeWalBytes", s.active_pid as pid, a.application_name as application,
            a.usename::text as role, host(a.client_addr) as address, a.backend_start as since
       from pg_replication_slots s left join pg_stat_activity a on a.pid = s.active_pid
      where s.slot_name = $1 and s.database = current_database()`,
    [slot],
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  const { pid, application, role, address, since, ...status } = row;
  const written = await readStream(client, slot);
  const moved = written !== undefined && parseLsn(status.confirmed ?? '0/0') > written.confirmed;
  if (pid === null) return { ...status, reader: undefined, moved };
  const isStreamer = application === STREAMER_APPLICATION && role === namesOf(client).streamerRole;
  const reader = { pid, isStreamer, application: application ?? '', role: role ?? '', address, since };
  return { ...status, reader, moved };
}
