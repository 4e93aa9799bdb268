/**
 * The lease of an object: one execution at a time pushes its records. It names the holding execution, and is free as
 * soon as that execution no longer runs, so a dead one blocks no other. The object's circuit lies beside it.
 */

import type { HeldReport } from '../../core/agreement/delete-guard.ts';
import type { Deferrable } from '../../core/agreement/due.ts';
import { LeaseLostError } from '../../core/errors.ts';
import type { Session } from '../session/connection.ts';
import { query } from '../session/connection.ts';

export interface Lease {
  readonly circuit: 'closed' | 'open';
}

/**
 * Takes the lease, or finds it held by another execution that still runs (answers undefined). `isRunning` asks Step
 * Functions about the holder; between the question and the taking, the holder must not have changed.
 */
export async function takeLease(
  session: Session,
  object: string,
  execution: string,
  isRunning: (execution: string) => Promise<boolean>,
): Promise<Lease | undefined> {
  await query(session, 'insert into sfsync.lease (object) values ($1) on conflict do nothing', [object]);
  const { rows } = await query<{ execution: string | null }>(
    session,
    'select execution from sfsync.lease where object = $1',
    [object],
  );
  const holder = rows[0]?.execution ?? null;
  if (holder !== null && holder !== execution && (await isRunning(holder))) return undefined;
  const taken = await query<Lease>(
    session,
    `update sfsync.lease
        set execution = $2, taken_at = case when execution is distinct from $2 then now() else taken_at end
      where object = $1 and execution is not distinct from $3 returning circuit`,
    [object, execution, holder],
  );
  return taken.rows[0];
}

/** Gives the lease back. `emptied`: the object's change queue was received to its end. */
export async function freeLease(
  session: Session,
  object: string,
  execution: string,
  { emptied = false }: { readonly emptied?: boolean } = {},
): Promise<void> {
  await query(
    session,
    `update sfsync.lease set execution = null, queue_emptied_at = case when $3 then statement_timestamp() else queue_emptied_at end
      where object = $1 and execution = $2`,
    [object, execution, emptied],
  );
}

/**
 * First thing in the transaction of every Postgres step of an execution: the lease is still its own, and stays so until
 * the transaction ends. Throws LeaseLostError when another execution has it.
 */
export async function holdLease(session: Session, object: string, execution: string): Promise<Lease> {
  const { rows } = await query<Lease>(
    session,
    'select circuit from sfsync.lease where object = $1 and execution = $2 for share',
    [object, execution],
  );
  const lease = rows[0];
  if (lease !== undefined) return lease;
  throw new LeaseLostError(
    'LEASE_LOST',
    `The lease of ${object} is no longer held by ${execution}: another execution took it over. Nothing was written.`,
  );
}

/** Changes how long all records of the object wait. */
export async function changePause(
  session: Session,
  object: string,
  rule: (pause: Deferrable) => Deferrable,
): Promise<void> {
  const { rows } = await query<{ due_after: string | null; retries: number }>(
    session,
    `select extract(epoch from due_after) * 1000 as due_after, retries from sfsync.lease where object = $1 for update`,
    [object],
  );
  const [row] = rows;
  if (row === undefined) return;
  const before = { dueAfter: row.due_after === null ? undefined : Number(row.due_after), retries: row.retries };
  const { dueAfter, retries } = rule(before);
  if (dueAfter === before.dueAfter && retries === before.retries) return;
  await query(session, 'update sfsync.lease set due_after = to_timestamp($2), retries = $3 where object = $1', [
    object,
    dueAfter === undefined ? null : dueAfter / 1000,
    retries,
  ]);
}

/** Opens the circuit. Answers whether it was closed before. */
export async function openCircuit(session: Session, object: string, reason: string): Promise<boolean> {
  const { rows } = await query<{ was: string }>(
    session,
    `with before as (select object, circuit from sfsync.lease where object = $1 for update)
     update sfsync.lease l
        set circuit = 'open', circuit_reason = $2, probed_at = now(),
            circuit_changed_at = case when before.circuit = 'closed' then now() else l.circuit_changed_at end
       from before where l.object = before.object returning before.circuit as was`,
    [object, reason],
  );
  return rows[0]?.was === 'closed';
}

/** Closes the circuit. Answers whether it was open. */
export async function closeCircuit(session: Session, object: string): Promise<boolean> {
  const { rowCount } = await query(
    session,
    `update sfsync.lease set circuit = 'closed', circuit_reason = null, circuit_changed_at = now()
      where object = $1 and circuit = 'open'`,
    [object],
  );
  return rowCount === 1;
}

/**
 * The batch is to report that deletes are held. `onlyUnclaimed`: unless an earlier one is. Answers whether it is to, also when it
 * is asked again.
 */
export async function claimHeldReport(
  session: Session,
  object: string,
  batchId: string,
  onlyUnclaimed: boolean,
): Promise<boolean> {
  const { rowCount } = await query(
    session,
    `update sfsync.lease set held_told_by = $2, held_told = false
      where object = $1 and (not $3 or held_told_by is null or held_told_by = $2)`,
    [object, batchId, onlyUnclaimed],
  );
  return rowCount !== 0;
}

/** Locks the object's lease and reads who is to report held deletes; undefined: no batch is. */
export async function lockHeldReport(session: Session, object: string): Promise<HeldReport | undefined> {
  const { rows } = await query<HeldReport>(
    session,
    `select held_told_by as "batchId", held_told as confirmed from sfsync.lease
      where object = $1 and held_told_by is not null for update`,
    [object],
  );
  return rows[0];
}

/** undefined: the next batch that finds deletes held is to report them. */
export async function saveHeldReport(session: Session, object: string, report: HeldReport | undefined): Promise<void> {
  await query(session, 'update sfsync.lease set held_told_by = $2, held_told = $3 where object = $1', [
    object,
    report?.batchId ?? null,
    report?.confirmed ?? false,
  ]);
}
