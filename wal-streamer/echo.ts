/**
 * Which transactions are our own writes coming back. Apply marks them by a replication origin of our pool, or, where it
 * may not use origins, by a logical message as the first thing in the transaction. Another replication feed has an origin
 * too, and its changes do belong to Salesforce: so the name counts, not that there is one.
 */
import { ECHO_MESSAGE_PREFIX, ORIGIN_PREFIX } from '../core/contracts/database-names.ts';

/** `origin`: the name that the stream tells right after the begin of a transaction that has one. */
export function isOwnOrigin(origin: string): boolean {
  return origin.startsWith(ORIGIN_PREFIX);
}

/** `prefix`: of a transactional logical message that precedes every change of its transaction. */
export function isOwnMarker(prefix: string): boolean {
  return prefix === ECHO_MESSAGE_PREFIX;
}
