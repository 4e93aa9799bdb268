/**
 * The history of one run: everything that the judge knows. The operations are what the clients did and were answered; the versions
 * are what both sides themselves wrote down of every change, whoever made it, in the transaction that made it. So the judge needs
 * no luck with samples: a value that was there for a moment only is in it, too.
 *
 * Moments are milliseconds since 1970 by this machine's clock, also where a fault lets a side's own clock be off.
 */

export type Side = 'salesforce' | 'postgres';

/** A field's value as the side returned it: Salesforce's JSON, or PostgreSQL's `to_jsonb`. The judge compares normal forms. */
export type Value = string | number | boolean | null | readonly string[];

export type Values = Readonly<Record<string, Value>>;

export type Answer =
  /** Committed, and said so. */
  | 'done'
  /** The side refused it, and nothing was written. */
  | 'refused'
  /** No answer came: it may have been committed. The versions tell. */
  | 'unknown';

/** One act of a client: one call, or one transaction. */
export interface Operation {
  /** Counts from 1; versions name it. */
  readonly number: number;
  readonly side: Side;
  /** As the plan names it: `update`, `delete`, `insert family`, ... */
  readonly kind: string;
  readonly object: string;
  /** Ids (Salesforce) or keys (PostgreSQL) that it was meant for. */
  readonly targets: readonly string[];
  readonly begun: number;
  readonly ended: number;
  readonly answer: Answer;
  /** Error code of a refusal; never a text with values. */
  readonly code?: string | undefined;
}

/** One committed version of a record or a row, as its side wrote it down. */
export interface Version {
  readonly side: Side;
  /** In the order of commits of one record, and of its side where that is known. */
  readonly sequence: number;
  readonly object: string;
  /** Salesforce: the id. PostgreSQL: the row's key. */
  readonly key: string;
  readonly kind: 'create' | 'update' | 'delete' | 'undelete' | 'purge';
  /** When it was written; it was committed by the time of the next look. */
  readonly at: number;
  /** Everything after the write, by field (Salesforce) or column (PostgreSQL); of a delete: what was there. */
  readonly values: Values;
  readonly writer:
    | { readonly by: 'client'; readonly operation: number }
    | { readonly by: 'sfsync' }
    /** It followed from another write: a cascade, a trigger, a rewrite of the table. */
    | { readonly by: 'consequence' };
  /** Salesforce: a record merged away names the one that took its place. */
  readonly mergedInto?: string | undefined;
  /** PostgreSQL: its transaction. What is between two versions of a row in one transaction nobody has seen. */
  readonly transaction?: string | undefined;
}

/** A fault that was in force. */
export interface FaultRun {
  readonly name: string;
  readonly begun: number;
  readonly ended: number;
  /** What it was about: an object, a function, a statement. No values. */
  readonly detail: string;
  /** It struck as often as this, where that can be counted. */
  readonly struck?: number | undefined;
}

/** An open push, as a version of its link has it. */
export interface Push {
  readonly object: string;
  readonly salesforceId: string;
  readonly pushId: string;
  /** Edits and fillers alike. */
  readonly sent: Values;
  readonly sentDeleted: boolean;
  /** The moment before the look that decided it. */
  readonly lookedAt: number;
  readonly sentAt: number;
  /** When the link had no push any more, or another one. */
  readonly closedAt?: number | undefined;
}

export interface MappedField {
  readonly field: string;
  readonly column: string;
  readonly direction: 'both' | 'to-postgres' | 'to-salesforce';
  readonly policy: 'salesforce' | 'postgres' | 'latest';
  readonly type: string;
  /** Of a lookup: the parent's object. */
  readonly parent?: string | undefined;
  /** The column rounds to so many decimals. */
  readonly decimals?: number | undefined;
  /** What the column holds for each value. */
  readonly codes?: Readonly<Record<string, number>> | undefined;
  /** The column holds local times of a zone that is always so many minutes ahead of UTC. */
  readonly zone?: { readonly name: string; readonly minutes: number } | undefined;
}

/** The object's row filter, as far as runs use it: a row is inside while its column holds one of the values. */
export interface RowFilter {
  readonly column: string;
  readonly values: readonly Value[];
  readonly leaving: 'delete' | 'ignore';
}

export interface MappedObject {
  readonly object: string;
  /** With its schema. */
  readonly table: string;
  readonly key: string;
  readonly idColumn: string;
  /** The field that holds the key of the row of which sfsync has made the record. */
  readonly externalId?: string | undefined;
  readonly delivery: 'api' | 'appflow';
  readonly insert: boolean;
  readonly fields: readonly MappedField[];
  readonly filter?: RowFilter | undefined;
  readonly deleteRow?: 'delete' | 'soft' | 'ignore' | undefined;
  readonly deleteRecord?: 'recycle-bin' | 'hard' | 'ignore' | undefined;
  /** With `deleteRow: 'soft'`: the column that is not null in rows that count as deleted. */
  readonly deletedAt?: string | undefined;
  /** The column that says when a row was edited. */
  readonly updatedAt?: string | undefined;
  /** The column that each write of sfsync raises. */
  readonly lockVersion?: string | undefined;
  /** The column that each write of sfsync sets to its time. */
  readonly touch?: string | undefined;
}

/** The mapping from a moment on; a run may change it. */
export interface Epoch {
  readonly from: number;
  readonly objects: readonly MappedObject[];
}

/** A record as a whole, in a conflict between a delete and an edit. */
export interface WholeRecord {
  readonly deleted: boolean;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** An entry of `sfsync.conflict`. Its values are in the product's canonical form; lookups are ids of Salesforce. */
export interface ListedConflict {
  readonly object: string;
  readonly salesforceId: string | null;
  readonly rowKey: string | null;
  readonly field: string | null;
  readonly reason: string;
  readonly salesforceValue: Value | WholeRecord;
  readonly postgresValue: Value | WholeRecord;
  readonly winner: string | null;
  readonly at: number;
}

/** An entry of `sfsync.rejected_record`. */
export interface ListedReject {
  readonly object: string;
  readonly direction: 'to-postgres' | 'to-salesforce';
  readonly salesforceId: string | null;
  readonly rowKey: string | null;
  readonly field: string | null;
  readonly code: string;
  readonly open: boolean;
  readonly at: number;
}

/** A row of `sfsync.link`. */
export interface Link {
  readonly object: string;
  readonly salesforceId: string;
  readonly rowKey: string | null;
  readonly dirty: boolean;
  readonly rereadDue: boolean;
  readonly pushOpen: boolean;
  readonly deleted: boolean;
  readonly held: boolean;
  readonly waiting: readonly string[];
  readonly refused: readonly string[];
}

/** Both sides and what is between them, once everything had drained. */
export interface End {
  readonly at: number;
  readonly records: readonly {
    readonly object: string;
    readonly id: string;
    readonly deleted: boolean;
    readonly values: Values;
  }[];
  readonly rows: readonly { readonly object: string; readonly key: string; readonly values: Values }[];
  readonly links: readonly Link[];
  readonly conflicts: readonly ListedConflict[];
  readonly rejects: readonly ListedReject[];
  /** Messages left in queues, by name of the queue; only those that are not empty. */
  readonly queues: Readonly<Record<string, number>>;
  readonly deadLetters: readonly {
    readonly queue: string;
    readonly error: string;
    readonly state: string;
    readonly at: number;
  }[];
  /** Executions that were still running when patience ended, and whatever else never came to rest. */
  readonly restless: readonly string[];
  /** Versions written in the quiet after the drain, and in the second drain. */
  readonly afterQuiet: readonly Version[];
}

/** A planted value that was found where no value belongs. */
export interface Leak {
  readonly where: string;
  /** `text`, `number` or `date`. */
  readonly marker: string;
}

export interface History {
  readonly seed: number;
  readonly commit: string;
  readonly faultNames: readonly string[];
  readonly epochs: readonly Epoch[];
  readonly operations: readonly Operation[];
  readonly faults: readonly FaultRun[];
  readonly versions: readonly Version[];
  readonly pushes: readonly Push[];
  readonly end: End;
  readonly leaks: readonly Leak[];
}
