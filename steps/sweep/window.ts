/** From when on a sweep lists records, and how far the sweeps of an object have come. */

import { windowStart } from '../../core/agreement/sweep.ts';
import type { Settings } from '../../core/mapping/configuration.ts';
import type { Instant } from '../../core/mapping/instant.ts';
import { beginRecords, finishRecords } from '../../postgres/ledger/comparison.ts';
import { forgetListed, saveSweptUntil, sweptUntil } from '../../postgres/ledger/sweep.ts';
import type { Session } from '../../postgres/session/connection.ts';

interface Sweep {
  readonly object: string;
  readonly execution: string;
  /** All records against all links. */
  readonly full: boolean;
  /** Lists all records in any case: what a formula shows may change without a stamp. */
  readonly refreshFormulas?: boolean;
}

/**
 * When the sweep begins, and the moment from which on it lists; without it everything is listed. It is a full one, too, where a
 * comparison is due that covers the records.
 */
export async function openWindow(
  session: Session,
  { object, execution, full: asked, refreshFormulas = false }: Sweep,
  settings: Settings,
  now: Instant,
): Promise<{ readonly startedAt: string; readonly full: boolean; readonly from?: string }> {
  const startedAt = new Date(now).toISOString();
  const isDue = await beginRecords(session, object, execution);
  const full = asked || isDue;
  if (full) {
    await forgetListed(session, object);
    return { startedAt, full };
  }
  if (refreshFormulas) return { startedAt, full };
  const from = windowStart(now, await sweptUntil(session, object), settings);
  return { startedAt, full, from: new Date(from).toISOString() };
}

/** Only a complete sweep moves the window: the next one begins where it did. */
export async function closeWindow(
  session: Session,
  { object, execution, full, startedAt, complete }: Sweep & { readonly startedAt: string; readonly complete: boolean },
): Promise<void> {
  if (full) await forgetListed(session, object);
  if (!complete) return;
  await saveSweptUntil(session, object, Date.parse(startedAt));
  if (full) await finishRecords(session, object, execution);
}
