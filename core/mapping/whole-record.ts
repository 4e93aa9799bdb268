/**
 * Objects that hold a value for every mapped field are made whole and then filled. V8 keeps an object that grows key by key
 * beyond a dozen as a hash table, which costs several times as much to read, to copy and to write as JSON.
 */
import type { CanonicalValue } from './canonical.ts';
import type { ObjectMapping } from './configuration.ts';

const blanks = new WeakMap<ObjectMapping, Record<string, CanonicalValue>>();

/** A new object with every field of the mapping, all null. */
export function wholeRecord(mapping: ObjectMapping): Record<string, CanonicalValue> {
  const known = blanks.get(mapping);
  if (known !== undefined) return { ...known };
  // Only the parser makes a large object at once.
  const blank = JSON.parse(JSON.stringify(Object.fromEntries(mapping.fields.map(({ field }) => [field, null]))));
  blanks.set(mapping, blank);
  return { ...blank };
}
