import type { ObjectSchema } from '../schema/org-schema.ts';
import { StampIndex } from './stamp-index.ts';
import type { StoredRecord } from './stored-record.ts';
import { ValueIndex } from './value-index.ts';

/** All records of one object, deleted ones included, with the indexes that queries and cascades need. */
export class ObjectTable {
  readonly #records = new Map<string, StoredRecord>();
  readonly #byValue = new Map<string, ValueIndex>();
  readonly #byStamp = new StampIndex();
  /** Ids in rising order. */
  readonly #order: string[] = [];

  constructor(schema: ObjectSchema) {
    for (const field of schema.indexed)
      this.#byValue.set(field.name, new ValueIndex(field.type === 'reference' || field.caseSensitive === true));
  }

  get(id: string): StoredRecord | undefined {
    return this.#records.get(id);
  }

  /** All records, by rising id. */
  all(): readonly StoredRecord[] {
    return this.#existing(this.#order);
  }

  set(record: StoredRecord): void {
    const before = this.#records.get(record.id);
    if (before === undefined) this.#order.splice(this.#position(record.id), 0, record.id);
    this.#unindex(before);
    this.#records.set(record.id, record);
    for (const [field, index] of this.#byValue) index.add(record.values[field], record.id);
    this.#byStamp.add(String(record.values.SystemModstamp), record.id);
  }

  delete(id: string): void {
    const record = this.#records.get(id);
    if (record === undefined) return;
    this.#records.delete(id);
    this.#order.splice(this.#position(id), 1);
    this.#unindex(record);
  }

  /** Where the id stands, or belongs. New ids are the largest, so the last place is tried first. */
  #position(id: string): number {
    const last = this.#order.at(-1);
    if (last === undefined || last < id) return this.#order.length;
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#order[middle]! < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #unindex(record: StoredRecord | undefined): void {
    if (record === undefined) return;
    for (const [field, index] of this.#byValue) index.remove(record.values[field], record.id);
    this.#byStamp.remove((id, stamp) => this.#records.get(id)?.values.SystemModstamp === stamp);
  }

  /** Whether `findBy` is quick for this field. */
  isIndexed(field: string): boolean {
    return this.#byValue.has(field);
  }

  /** Records whose indexed field holds this value, deleted ones included. */
  findBy(field: string, value: unknown): readonly StoredRecord[] {
    const index = this.#byValue.get(field);
    if (index === undefined) throw new Error(`field ${field} carries no index`);
    return this.#existing(index.find(value));
  }

  /** Records that may have a SystemModstamp in this range; the caller compares again. */
  findByStamp(from: string | undefined, to: string | undefined): readonly StoredRecord[] {
    return this.#existing(this.#byStamp.range(from, to));
  }

  #existing(ids: readonly string[]): readonly StoredRecord[] {
    return ids.flatMap((id) => this.#records.get(id) ?? []);
  }
}
