/**
 * Which transactions are our own writes coming back. Apply marks them by a replication origin of our pool, or, where it
 * may not use origins, by a logical message as the first thing in the transaction. Another replication feed has an origin
 * too, and so has another deployment; their changes do belong to Salesforce: the name counts, not that there is one.
 */
import type { DatabaseNames } from '../../core/contracts/database-names.ts';

export class Echo {
  readonly #origin: RegExp;
  readonly #marker: string;

  constructor({ originPattern, echoMessagePrefix }: DatabaseNames) {
    this.#origin = new RegExp(originPattern);
    this.#marker = echoMessagePrefix;
  }

  /** `origin`: the name that the stream gives right after the begin of a transaction that has one. */
  isOwnOrigin(origin: string): boolean {
    return this.#origin.test(origin);
  }

  /** `prefix`: of a transactional logical message that precedes every change of its transaction. */
  isOwnMarker(prefix: string): boolean {
    return prefix === this.#marker;
  }
}
