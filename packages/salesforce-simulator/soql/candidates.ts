import type { ObjectTable } from '../records/object-table.ts';
import type { StoredRecord } from '../records/stored-record.ts';
import type { Condition } from './condition.ts';
import type { Literal } from './literal.ts';
import type { WhereTree } from './where-tree.ts';

/**
 * The records that may fulfil a WHERE clause, by the indexes on Id, SystemModstamp, external ids and lookups; undefined
 * when no index helps and all records have to be looked at.
 */
export function candidates(table: ObjectTable, tree: WhereTree<Condition>): readonly StoredRecord[] | undefined {
  if (tree.kind === 'not') return undefined;
  if (tree.kind === 'test') return byEquality(table, tree.test) ?? byStamp(table, [tree.test]);
  if (tree.kind === 'any') {
    const found = tree.parts.map((part) => candidates(table, part));
    return found.every((records) => records !== undefined) ? [...new Set(found.flat())] : undefined;
  }
  const tests = tree.parts.flatMap((part) => (part.kind === 'test' ? [part.test] : []));
  for (const test of tests) {
    const found = byEquality(table, test);
    if (found !== undefined) return found;
  }
  const ranged = byStamp(table, tests);
  if (ranged !== undefined) return ranged;
  for (const part of tree.parts) {
    const found = part.kind === 'test' ? undefined : candidates(table, part);
    if (found !== undefined) return found;
  }
  return undefined;
}

function values(literals: readonly Literal[]): readonly (string | number | boolean)[] | undefined {
  const found = literals.flatMap((literal) => (literal.kind === 'value' ? [literal.value] : []));
  return found.length === literals.length ? found : undefined;
}

function byEquality(table: ObjectTable, { path, operator, literals }: Condition): readonly StoredRecord[] | undefined {
  if (path.steps.length > 0 || (operator !== '=' && operator !== 'IN')) return undefined;
  const wanted = values(literals);
  if (wanted === undefined) return undefined;
  const { name } = path.field;
  if (name === 'Id') return [...new Set(wanted)].flatMap((id) => table.get(String(id)) ?? []);
  if (!table.isIndexed(name)) return undefined;
  return [...new Set(wanted.flatMap((value) => table.findBy(name, value)))];
}

function byStamp(table: ObjectTable, tests: readonly Condition[]): readonly StoredRecord[] | undefined {
  let from: string | undefined;
  let to: string | undefined;
  for (const { path, operator, literals } of tests) {
    if (path.steps.length > 0 || path.field.name !== 'SystemModstamp') continue;
    const [first] = literals;
    if (first === undefined || first.kind === 'null') continue;
    const [start, end] = first.kind === 'span' ? [first.start, first.end] : [String(first.value), String(first.value)];
    if (['=', '>', '>='].includes(operator) && (from === undefined || start > from)) from = start;
    if (['=', '<', '<='].includes(operator) && (to === undefined || end < to)) to = end;
  }
  return from === undefined && to === undefined ? undefined : table.findByStamp(from, to);
}
