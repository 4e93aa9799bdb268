/** What the stream sends, whichever output plugin wrote it. */
import type { ChangeMessage } from '../../core/contracts/change-message.ts';
import type { Lsn } from '../../core/contracts/lsn.ts';

export type ChangeOperation = ChangeMessage['keys'][number][1];

export type StreamMessage =
  | {
      readonly kind: 'begin';
      readonly xid: number;
      readonly committedAt: number;
      readonly commitStart: Lsn;
      /** Where the plugin says it here; pgoutput sends a message of its own. */
      readonly origin?: string | undefined;
    }
  | { readonly kind: 'origin'; readonly name: string }
  /** A transactional logical message. */
  | { readonly kind: 'marker'; readonly prefix: string }
  | RowChange
  /** Rows of these objects went, and the stream does not say which: TRUNCATE, or a DELETE without the key. */
  | { readonly kind: 'unnamed rows'; readonly objects: readonly string[]; readonly by: 'truncate' | 'delete' }
  | { readonly kind: 'commit'; readonly end: Lsn }
  /** Nothing to do: a type, a change of a table that is not mapped. */
  | { readonly kind: 'nothing' };

export interface RowChange {
  readonly kind: 'change';
  /** Those of its table: which of them the row belongs to, the row itself has to show. */
  readonly objects: readonly string[];
  readonly operation: ChangeOperation;
  readonly key: string;
  /** The key before an update that changed it. */
  readonly oldKey: string | undefined;
}

/** How a table looks to the changes that follow. */
export interface TableDescription {
  /** The same after a rename; undefined: the plugin does not send it. */
  readonly oid: number | undefined;
  /** Schema and name, as `spelledTable` writes them. */
  readonly table: string;
  readonly columns: readonly TableColumn[];
  /** As in pg_class: `d`efault, `n`othing, `f`ull, `i`ndex; undefined: the plugin does not send it. */
  readonly replicaIdentity: string | undefined;
}

export interface TableColumn {
  readonly name: string;
  /** Only for comparing: an oid or a name. */
  readonly type: string;
  /** Part of the replica identity. */
  readonly identity: boolean;
}

export interface StreamDecoder {
  /** Throws InvariantError for what the plugin never sends, ConfigurationError when a table has no key column any more. */
  decode(bytes: Buffer): StreamMessage;
  /** Names of replication origins by number, as they are now; pgoutput sends names. */
  name(origins: ReadonlyMap<number, string>): void;
}
