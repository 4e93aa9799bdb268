/**
 * What the streamer keeps outside of the slot, over a plain connection of its own: how far it has come, written down before the slot
 * is confirmed; what the mapped tables are; and which comparisons are due.
 */

import type { ComparisonReason } from '../core/contracts/comparison.ts';
import type { DatabaseNames } from '../core/contracts/database-names.ts';
import type { Lsn } from '../core/contracts/lsn.ts';
import type { SyncConfiguration } from '../core/mapping/configuration.ts';
import type { TableFault } from '../core/stream/table-faults.ts';
import { type Comparison, dueComparisons, orderComparison } from '../postgres/ledger/comparison.ts';
import { noteTables } from '../postgres/ledger/mapped-tables.ts';
import { type TakenStream, takeStream, writeConfirmed } from '../postgres/ledger/stream.ts';
import { type DatabaseCredentials, openSession, query, type Session } from '../postgres/session/connection.ts';
import type { ReplicationDatabase } from '../postgres/stream/replication-connection.ts';
import type { StreamFacts } from '../postgres/stream/stream-facts.ts';
import type { LookedTable } from '../postgres/tables/portraits.ts';

export interface KeptSlot {
  readonly configuration: SyncConfiguration;
  readonly database: ReplicationDatabase;
  readonly slot: string;
  readonly names: DatabaseNames;
}

/** What a look at the surroundings has found. */
export interface Look {
  readonly tables: readonly LookedTable[];
  /** Why edits of an object do not come through the slot, for those of which they do not. */
  readonly faults: ReadonlyMap<string, readonly TableFault[]>;
  /** Objects whose table or publication has changed since the last look. */
  readonly changed: ReadonlyMap<string, readonly ComparisonReason[]>;
  readonly comparisons: readonly Comparison[];
  /** Names of replication origins by number. */
  readonly origins: ReadonlyMap<number, string>;
}

export class SlotKeeper {
  readonly #session: Session;
  readonly #kept: KeptSlot;
  #written: Lsn = 0n;
  #origins: ReadonlyMap<number, string> | undefined;
  /** One thing at a time: a statement of one must not come into the transaction of another. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(session: Session, kept: KeptSlot) {
    this.#session = session;
    this.#kept = kept;
  }

  /** Throws RetryableError or ConfigurationError. */
  static async open(kept: KeptSlot): Promise<SlotKeeper> {
    return new SlotKeeper(await openSession(credentialsOf(kept.database), kept.names), kept);
  }

  /** The stream has begun, and nothing is confirmed yet. `furthest`: the furthest position that this process was ever sent. */
  async take({ identity, walEnd, pid }: StreamFacts, furthest: Lsn): Promise<TakenStream> {
    const { slot } = this.#kept;
    const ours = { slot, pid, objects: this.#objects };
    const taken = await this.#alone(() => takeStream(this.#session, ours, { server: identity, walEnd, furthest }));
    this.#written = taken.confirmed;
    return taken;
  }

  /** Writes it down, and then, and only then, answers how far the slot may be confirmed. */
  async write(position: Lsn): Promise<Lsn> {
    if (position <= this.#written) return this.#written;
    await this.#alone(() => writeConfirmed(this.#session, this.#kept.slot, position));
    if (position > this.#written) this.#written = position;
    return this.#written;
  }

  look(): Promise<Look> {
    return this.#alone(async () => {
      const { tables, changed } = await noteTables(this.#session, this.#kept.configuration);
      const faulty = tables.filter(({ faults }) => faults.length > 0);
      const origins = await this.#readOrigins();
      if (this.#havePassed(origins)) await this.#order(this.#objects, 'origins changed');
      this.#origins = origins;
      const comparisons = await dueComparisons(this.#session);
      return {
        tables,
        faults: new Map(faulty.map(({ object, faults }) => [object, faults])),
        changed,
        comparisons,
        origins,
      };
    });
  }

  /** Names of replication origins by number. */
  origins(): Promise<ReadonlyMap<number, string>> {
    return this.#alone(() => this.#readOrigins());
  }

  /** The stream itself has shown that something may have been lost. */
  order(objects: readonly string[], reason: ComparisonReason): Promise<void> {
    return this.#alone(() => this.#order(objects, reason));
  }

  async close(): Promise<void> {
    await this.#session.end().catch(() => undefined);
  }

  get #objects(): readonly string[] {
    return this.#kept.configuration.objects.map(({ object }) => object);
  }

  async #order(objects: readonly string[], reason: ComparisonReason): Promise<void> {
    for (const object of objects) await orderComparison(this.#session, object, reason);
  }

  /** wal2json sends numbers: one that has another name now may have been read with the former one. */
  #havePassed(origins: ReadonlyMap<number, string>): boolean {
    if (this.#kept.configuration.settings.plugin !== 'wal2json' || this.#origins === undefined) return false;
    return [...this.#origins].some(([number, name]) => (origins.get(number) ?? name) !== name);
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #readOrigins(): Promise<Map<number, string>> {
    const { rows } = await query<{ number: number; name: string }>(
      this.#session,
      'select roident::int as number, roname as name from pg_replication_origin',
    );
    return new Map(rows.map(({ number, name }) => [number, name]));
  }
}

function credentialsOf({ host, port, database, user, password, ssl }: ReplicationDatabase): DatabaseCredentials {
  const sslmode = ssl === false ? 'disable' : ssl === true ? 'verify-full' : 'require';
  return { host, port, dbname: database, username: user, password, sslmode };
}
