import { AFTER_ALL, type Objects, type StoredObject } from './objects.ts';

export interface Listing {
  readonly objects: StoredObject[];
  readonly commonPrefixes: string[];
  /** The last key or common prefix of a page that is not the last one: where the next page goes on. */
  readonly next: string | undefined;
}

/** Rows read at a time with a delimiter: each common prefix ends a read, so long ones would be for nothing. */
const ROLLED_UP_PAGE = 64;

/**
 * One page of a listing. Keys that share what comes up to the first delimiter after the prefix count as one common prefix.
 * @param after start behind this key, or behind everything under this common prefix
 */
export function listPage(
  objects: Objects,
  bucket: string,
  options: { readonly prefix: string; readonly delimiter: string; readonly after: string; readonly limit: number },
): Listing {
  const { prefix, delimiter, limit } = options;
  const found: StoredObject[] = [];
  const commonPrefixes: string[] = [];
  let last = '';
  let behind = options.after;
  if (isCommonPrefix(behind, prefix, delimiter)) behind += AFTER_ALL;
  if (limit === 0) return { objects: found, commonPrefixes, next: undefined };
  for (;;) {
    const page = objects.after(bucket, behind, prefix, delimiter === '' ? limit + 1 : ROLLED_UP_PAGE);
    if (page.length === 0) return { objects: found, commonPrefixes, next: undefined };
    for (const object of page) {
      if (found.length + commonPrefixes.length === limit) return { objects: found, commonPrefixes, next: last };
      behind = object.key;
      const cut = delimiter === '' ? -1 : object.key.indexOf(delimiter, prefix.length);
      if (cut < 0) {
        found.push(object);
        last = object.key;
        continue;
      }
      last = object.key.slice(0, cut + delimiter.length);
      commonPrefixes.push(last);
      behind = last + AFTER_ALL;
      break;
    }
  }
}

function isCommonPrefix(key: string, prefix: string, delimiter: string): boolean {
  return delimiter !== '' && key.endsWith(delimiter) && key.startsWith(prefix) && key.length > prefix.length;
}
