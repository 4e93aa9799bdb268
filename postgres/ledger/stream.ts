/** `sfsync.stream`: how far the streamer has confirmed the slot, written down before the slot is confirmed. */
import type pg from 'pg';
import { formatLsn, type Lsn, parseLsn } from '../../core/contracts/lsn.ts';
import { RetryableError } from '../../core/errors.ts';
import { type FoundSlot, type SlotGap, type StreamedUntil, slotGap } from '../../core/stream/slot-history.ts';
import { inTransaction, query, type Session } from '../session/connection.ts';
import { hasTable } from '../session/names.ts';
import { orderComparison } from './comparison.ts';

/** A slot that was just made: what is written down of one before counts no more. */
export async function beginStream(session: pg.ClientBase, slot: string): Promise<void> {
  await query(
    session,
    `insert into sfsync.stream (slot, confirmed)
     select slot_name, confirmed_flush_lsn from pg_replication_slots where slot_name = $1 and confirmed_flush_lsn is not null
     on conflict (slot) do update set confirmed = excluded.confirmed, confirmed_at = clock_timestamp()`,
    [slot],
  );
}

/** Everything before the position is in the queues, or was not ours. Only then may the slot be confirmed that far. */
export async function writeConfirmed(session: Session, slot: string, confirmed: Lsn): Promise<void> {
  await query(
    session,
    `update sfsync.stream set confirmed = greatest(confirmed, $2::pg_lsn), confirmed_at = clock_timestamp() where slot = $1`,
    [slot, formatLsn(confirmed)],
  );
}

/** A streamer that confirms writes it down every few seconds. */
const AWAY = '1 minute';

export interface TakenStream {
  /** The streamer had confirmed nothing for a while, as far as the database knows: which may have been restored. */
  readonly wasAway: boolean;
  /** What may have been skipped before; its comparisons are ordered. */
  readonly gap: SlotGap | undefined;
  readonly confirmed: Lsn;
}

/**
 * The process `pid` reads the slot now, and has confirmed nothing yet: looks whether the slot is where the streamer left it. If it is
 * not, a comparison of the objects is due, in the same transaction that writes down where the slot is. Throws RetryableError when
 * another process has the slot.
 */
export async function takeStream(
  session: Session,
  { slot, pid, objects }: { readonly slot: string; readonly pid: number; readonly objects: readonly string[] },
  found: Omit<FoundSlot, 'confirmed'>,
): Promise<TakenStream> {
  return inTransaction(session, async () => {
    const confirmed = await confirmedBy(session, slot, pid);
    const written = await readStream(session, slot);
    const wasAway = await isLongAgo(session, slot);
    const gap = slotGap(written, { ...found, confirmed });
    if (gap !== undefined) {
      for (const object of objects) await orderComparison(session, object, gap.reason, { records: gap.records });
    }
    const isComparable = written !== undefined && gap === undefined;
    const now = isComparable && written.confirmed > confirmed ? written.confirmed : confirmed;
    const { system, timeline } = found.server;
    await query(
      session,
      `insert into sfsync.stream (slot, system_identifier, timeline, confirmed) values ($1, $2, $3, $4)
       on conflict (slot) do update set system_identifier = excluded.system_identifier, timeline = excluded.timeline,
         confirmed = excluded.confirmed, confirmed_at = clock_timestamp()`,
      [slot, system, timeline, formatLsn(now)],
    );
    return { gap, confirmed: now, wasAway };
  });
}

async function isLongAgo(session: Session, slot: string): Promise<boolean> {
  const { rows } = await query<{ away: boolean }>(
    session,
    `select confirmed_at < clock_timestamp() - interval '${AWAY}' as away from sfsync.stream
      where slot = $1 and system_identifier is not null`,
    [slot],
  );
  return rows[0]?.away === true;
}

async function confirmedBy(session: Session, slot: string, pid: number): Promise<Lsn> {
  const { rows } = await query<{ confirmed: string | null; pid: number | null }>(
    session,
    'select confirmed_flush_lsn::text as confirmed, active_pid as pid from pg_replication_slots where slot_name = $1',
    [slot],
  );
  if (rows[0]?.pid !== pid) throw new RetryableError('SLOT_TAKEN', `Another process reads replication slot ${slot}.`);
  return parseLsn(rows[0].confirmed ?? '0/0');
}

/** What is written down; undefined: nothing. */
export async function readStream(session: pg.ClientBase, slot: string): Promise<StreamedUntil | undefined> {
  if (!(await hasTable(session, 'stream'))) return undefined;
  const { rows } = await query<{ system: string | null; timeline: string | null; confirmed: string }>(
    session,
    'select system_identifier as system, timeline::text as timeline, confirmed::text as confirmed from sfsync.stream where slot = $1',
    [slot],
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  const server = row.system === null ? undefined : { system: row.system, timeline: Number(row.timeline) };
  return { server, confirmed: parseLsn(row.confirmed) };
}
