/**
 * Whether a slot is where the streamer left it. The streamer writes down how far it has come before it confirms that to the slot, so
 * the slot is never further than what is written down, whenever the streamer died. Positions of another server, or of another
 * timeline of its WAL, are not comparable.
 */
import type { ComparisonReason } from '../contracts/comparison.ts';
import type { Lsn } from '../contracts/lsn.ts';

export interface StreamedUntil {
  /** undefined: no streamer has read the slot yet. */
  readonly server: ServerIdentity | undefined;
  readonly confirmed: Lsn;
}

export interface ServerIdentity {
  readonly system: string;
  readonly timeline: number;
}

export interface FoundSlot {
  readonly server: ServerIdentity;
  readonly confirmed: Lsn;
  /** Where the server's WAL ends, and the furthest position that this process has been sent. */
  readonly walEnd: Lsn;
  readonly furthest: Lsn;
}

export interface SlotGap {
  readonly reason: ComparisonReason;
  /** Rows and links may be older than what Salesforce has. */
  readonly records: boolean;
}

/** What may have been skipped; undefined: nothing. `written`: what was written down; undefined: there is nothing yet. */
export function slotGap(written: StreamedUntil | undefined, found: FoundSlot): SlotGap | undefined {
  const server = written?.server;
  if (server !== undefined && server.system !== found.server.system) return { reason: 'server changed', records: true };
  if (server !== undefined && server.timeline !== found.server.timeline) {
    return { reason: 'timeline changed', records: true };
  }
  // The server sends only what it has flushed: nothing but a restored copy is shorter.
  if (server !== undefined && found.walEnd < found.furthest) return { reason: 'database restored', records: true };
  if (written !== undefined && found.confirmed > written.confirmed) return { reason: 'slot moved', records: false };
  return undefined;
}
