/** From when on a sweep lists records, and how far the sweeps of an object have come. */

import { windowStart } from '../../core/agreement/sweep.ts';
import type { Settings } from '../../core/mapping/configuration.ts';
import type { Instant } from '../../core/mapping/instant.ts';
import { forgetListed, saveSweptUntil, sweptUntil } from '../../postgres/ledger/sweep.ts';
import type { Session } from '../../postgres/session/connection.ts';

interface Sweep {
  readonly object: string;
  /** All records against all links. */
  readonly full: boolean;
}

/** When the sweep begins, and the moment from which on it lists; without it everything is listed. */
export async function openWindow(
  session: Session,
  { object, full }: Sweep,
  settings: Settings,
  now: Instant,
): Promise<{ readonly startedAt: string; readonly from?: string }> {
  const startedAt = new Date(now).toISOString();
  if (full) {
    await forgetListed(session, object);
    return { startedAt };
  }
  const from = windowStart(now, await sweptUntil(session, object), settings);
  return { startedAt, from: new Date(from).toISOString() };
}

/** Only a complete sweep moves the window: the next one begins where it did. */
export async function closeWindow(
  session: Session,
  { object, full, startedAt, complete }: Sweep & { readonly startedAt: string; readonly complete: boolean },
): Promise<void> {
  if (full) await forgetListed(session, object);
  if (complete) await saveSweptUntil(session, object, Date.parse(startedAt));
}
