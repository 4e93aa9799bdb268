/** What is wrong with keys of several columns, and with lookups to their rows; each fault says what to change. */
import { type ObjectMapping, seenBy } from './configuration.ts';
import type { LookupTarget } from './lookups.ts';

/** `objects`: all of them, for a lookup names the columns of another object's key. */
export function keyFaults(mapping: ObjectMapping, objects: readonly ObjectMapping[]): string[] {
  return [...ownKeyFaults(mapping), ...lookupFaults(mapping, objects)];
}

function ownKeyFaults({ object, keyColumns, salesforceIdColumn, deletedAtColumn, fields, onInsert }: ObjectMapping) {
  const at = `objects.${object}.key`;
  const faults: string[] = [];
  for (const column of new Set(keyColumns.filter((each, i) => keyColumns.indexOf(each) !== i))) {
    faults.push(`${at}: names column ${column} twice`);
  }
  for (const column of keyColumns) {
    if (column === salesforceIdColumn || column === deletedAtColumn) {
      faults.push(`${at}: column ${column} is used twice; a row keeps its key whatever its record becomes`);
    }
    if (keyColumns.length === 1 && fields.some((field) => field.column === column)) {
      faults.push(`objects.${object}: column ${column} is used twice; give each field a column of its own`);
    }
  }
  const constant = (column: string) => onInsert.find((given) => given.column === column && !('sql' in given));
  if (keyColumns.every((column) => constant(column) !== undefined)) {
    for (const column of keyColumns) {
      faults.push(
        `objects.${object}.onInsert.${column}: is the key, of which each row needs another one; give { sql: '<expression>' }`,
      );
    }
  }
  return faults;
}

function lookupFaults({ object, fields }: ObjectMapping, objects: readonly ObjectMapping[]): string[] {
  return fields.flatMap((lookup) => {
    const { field, column, shared = [], references, targets } = lookup;
    const at = `objects.${object}.fields.${field}`;
    if (targets !== undefined) return severalFaults(targets, objects).map((fault) => `${at}: ${fault}`);
    if (references === undefined) return shared.length === 0 ? [] : [`${at}: only a reference has several columns`];
    const columns = [...shared, column];
    const twice = columns.find((each, i) => columns.indexOf(each) !== i);
    if (twice !== undefined) return [`${at}: names column ${twice} twice`];
    const mapped = objects.find((each) => each.object === references);
    if (mapped === undefined) return [];
    const key = seenBy(mapped, lookup).keyColumns;
    if (key.length === columns.length) return [];
    const list = key.join(', ');
    if (key.length === 1) {
      return [
        `${at}: has ${columns.length} columns, and rows of ${references} are named by ${list} alone; name one column`,
      ];
    }
    const example = [...key.slice(0, -1), column].map((each) => `'${each}'`).join(', ');
    return [
      `${at}: has ${columns.length === 1 ? 'one column' : `${columns.length} columns`}, and the key of ${references} has ${key.length} (${list}); name the columns that hold them in the same order, its own last: reference([${example}], '${references}')`,
    ];
  });
}

/** Two keys in one column are told apart by their type only where each of them is one value. */
function severalFaults(targets: readonly LookupTarget[], objects: readonly ObjectMapping[]): string[] {
  return targets.flatMap((target) => {
    const key = objects.find(({ object }) => object === target.object)?.keyColumns ?? [];
    if (key.length < 2) return [];
    return [
      `points to ${target.object} among others, and a row of it is named by several columns (${key.join(', ')}); leave it out, or give it a key of one column`,
    ];
  });
}
