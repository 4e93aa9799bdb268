import type { FieldValues } from '../schema/object-definition.ts';

/** One version of a record. */
export interface StoredRecord {
  readonly object: string;
  readonly id: string;
  /** Every stored field by its name, system fields included. */
  readonly values: FieldValues;
  /** Present while the record is deleted. */
  readonly bin?: RecycleBinEntry;
}

export interface RecycleBinEntry {
  /** Milliseconds since 1970. */
  readonly deletedAt: number;
  /** The record whose deletion took this one with it; its own id when it was deleted itself. */
  readonly deletedWith: string;
  /** Removed from the bin: cannot be restored, still visible to queryAll until the purge. */
  readonly emptied: boolean;
  /** Lookups of other records that were cleared, to be set again by an undelete. */
  readonly clearedLookups: readonly ClearedLookup[];
}

export interface ClearedLookup {
  readonly id: string;
  readonly field: string;
}

/** A record that is gone for good. */
export interface Purged {
  readonly object: string;
  readonly id: string;
  readonly deletedAt: number;
}

/** What clients do to a record by themselves, and what follows from it (`cascade`). */
export type WriteKind = 'create' | 'update' | 'delete' | 'undelete' | 'hardDelete' | 'merge';

/** One write to one record that became durable. */
export interface WriteEffect {
  readonly object: string;
  readonly id: string;
  readonly kind: WriteKind;
  /** Not asked for by name: children that follow their parent, lookups that are cleared or moved. */
  readonly cascade: boolean;
  /** Names of the fields given by the client, never their values. */
  readonly fields: readonly string[];
  /** An update that left every given field as it was. */
  readonly unchanged: boolean;
  /** The name that the client gives itself in Sforce-Call-Options. */
  readonly client: string | undefined;
}

export function isLive(record: StoredRecord | undefined): record is StoredRecord {
  return record !== undefined && record.bin === undefined;
}
