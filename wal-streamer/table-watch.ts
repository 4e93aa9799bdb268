/**
 * DDL is not in the stream; what it did to a mapped table shows in the table's next description. Each thing is reported once,
 * also when the same WAL is read again over another connection.
 */

import type { ComparisonReason } from '../core/contracts/comparison.ts';
import type { ObjectMapping } from '../core/mapping/configuration.ts';
import { spelledTable } from '../core/mapping/identifiers.ts';
import { storedFields } from '../core/mapping/lookups.ts';
import type { TableDescription } from './decoding/stream-message.ts';

/** Something that a person should know before the next run of the pipelines trips over it. */
export interface TableChange {
  readonly table: string;
  readonly column: string | undefined;
  readonly change: string;
  readonly object: string;
  /** Why edits may have been lost, also where it was changed and undone between two looks; undefined: none were. */
  readonly leaves?: ComparisonReason | undefined;
}

type Change = Omit<TableChange, 'object'>;

export class TableWatch {
  readonly #mappings: ReadonlyMap<string, readonly ObjectMapping[]>;
  readonly #last = new Map<string, TableDescription>();
  /** Objects of mapped tables by the table's oid. */
  readonly #named = new Map<number, readonly ObjectMapping[]>();
  readonly #reported = new Set<string>();

  constructor(mappings: readonly ObjectMapping[]) {
    this.#mappings = Map.groupBy(mappings, spelledTable);
  }

  /** Answers what is new. */
  described(description: TableDescription): readonly TableChange[] {
    const { oid, table } = description;
    const mappings = this.#mappings.get(table);
    if (mappings === undefined) return this.#renamed(oid, table);
    if (oid !== undefined) this.#named.set(oid, mappings);
    const last = this.#last.get(table);
    this.#last.set(table, description);
    return mappings
      .flatMap((mapping) =>
        [...columnChanges(mapping, description, last), ...identityChanges(mapping, description, last)].map(
          (change): TableChange => ({ ...change, object: mapping.object }),
        ),
      )
      .filter((change) => this.#isNews(change));
  }

  /** What the catalog says of an object's table, which the stream may not have described yet. */
  known(object: string, oid: string | null): void {
    const mappings = [...this.#mappings.values()].find((ofTable) => ofTable.some((each) => each.object === object));
    if (mappings !== undefined && oid !== null) this.#named.set(Number(oid), mappings);
  }

  /** Its changes are no longer those of the mapped table; when it has its name back, it is news again. */
  #renamed(oid: number | undefined, table: string): TableChange[] {
    const mappings = oid === undefined ? undefined : this.#named.get(oid);
    if (mappings === undefined || oid === undefined) return [];
    this.#named.delete(oid);
    return mappings.map((mapping): TableChange => {
      const { object } = mapping;
      const change = `is called ${table} now (${oid}), and its changes are no longer those of ${object}`;
      return { object, table: spelledTable(mapping), column: undefined, change, leaves: 'table replaced' };
    });
  }

  #isNews({ object, table, column, change }: TableChange): boolean {
    const text = JSON.stringify([object, table, column, change]);
    if (this.#reported.has(text)) return false;
    this.#reported.add(text);
    return true;
  }
}

function columnChanges(
  mapping: ObjectMapping,
  { table, columns }: TableDescription,
  last: TableDescription | undefined,
): Change[] {
  const types = new Map(columns.map(({ name, type }) => [name, type]));
  const before = new Map(last?.columns.map(({ name, type }) => [name, type]));
  return mappedColumns(mapping).flatMap((column) => {
    const type = types.get(column);
    if (type === undefined) return [{ table, column, change: 'the mapped column is gone or has another name' }];
    const old = before.get(column);
    if (old === undefined || old === type) return [];
    return [{ table, column, change: `the mapped column has another type (${old} became ${type})` }];
  });
}

function identityChanges(
  { keyColumns }: ObjectMapping,
  { table, columns, replicaIdentity }: TableDescription,
  last: TableDescription | undefined,
): Change[] {
  if (replicaIdentity === undefined) return [];
  const isOther = last !== undefined && last.replicaIdentity !== replicaIdentity;
  const leaves = isOther ? 'replica identity changed' : undefined;
  if (replicaIdentity !== 'n' && !columns.some(({ identity }) => identity)) {
    return [{ table, column: undefined, change: 'has no primary key any more: updates and deletes of its rows fail' }];
  }
  const identity = new Set(columns.flatMap((column) => (column.identity ? column.name : [])));
  const lacking = keyColumns.find((column) => !identity.has(column));
  if (replicaIdentity === 'i' && lacking !== undefined) {
    const change = 'the replica identity lacks the key: a delete does not say which row, so all links are looked at';
    return [{ table, column: lacking, change, leaves }];
  }
  if (replicaIdentity === (last?.replicaIdentity ?? replicaIdentity) && replicaIdentity !== 'n') return [];
  return [{ table, column: undefined, change: `the replica identity is ${IDENTITIES[replicaIdentity]} now`, leaves }];
}

const IDENTITIES: Readonly<Record<string, string>> = {
  d: 'default',
  f: 'full',
  i: 'an index',
  n: 'nothing, so updates and deletes of its rows fail',
};

function mappedColumns(mapping: ObjectMapping): string[] {
  const { keyColumns, salesforceIdColumn, updatedAtColumn, deletedAtColumn, lockVersionColumn, fields } = mapping;
  const marks = [updatedAtColumn, deletedAtColumn, lockVersionColumn];
  const own = [...keyColumns, salesforceIdColumn, ...marks].flatMap((column) => column ?? []);
  const shared = fields.flatMap((field) => field.shared ?? []);
  return [...new Set([...own, ...storedFields(mapping).map(({ column }) => column), ...shared])];
}

/**
 * Where the columns of the key stand in a row. One that was renamed is still the only other column of the identity: what was written
 * before and after the rename can both be read. undefined: it is not known.
 */
export function keyIndexesOf({ keyColumns }: ObjectMapping, { columns }: TableDescription): number[] | undefined {
  const named = keyColumns.map((column) => columns.findIndex(({ name }) => name === column));
  const lacking = named.filter((index) => index < 0).length;
  if (lacking === 0) return named;
  const others = columns.flatMap(({ identity }, i) => (identity && !named.includes(i) ? [i] : []));
  const [other] = others;
  if (lacking > 1 || others.length > 1 || other === undefined) return undefined;
  return named.map((index) => (index < 0 ? other : index));
}
