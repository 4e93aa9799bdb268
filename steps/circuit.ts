/** Salesforce or AppFlow is away: the object's records stay due, and only the schedule probes from now on. */
import { freeLease, holdLease, openCircuit } from '../postgres/ledger/lease.ts';
import { inTransaction, type Session } from '../postgres/session/connection.ts';
import { confirmHeldReport } from './delete-guard.ts';

interface Holder {
  readonly session: Session;
  readonly object: string;
  /** The holder of the lease, which is freed. */
  readonly execution: string;
}

/** Opens the object's circuit and ends the execution's work on it. false: the circuit was open already. */
export async function openCircuitOf({ session, object, execution }: Holder, reason: string): Promise<boolean> {
  // What its batch had to report was notified before Salesforce was called.
  await confirmHeldReport(session, object, execution);
  return inTransaction(session, async () => {
    await holdLease(session, object, execution);
    const wasClosed = await openCircuit(session, object, reason);
    await freeLease(session, object, execution);
    return wasClosed;
  });
}
