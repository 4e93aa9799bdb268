/** What is wrong with where a field points, or seems to; each fault says what to change. */
import type { FieldMapping } from './configuration.ts';

/** `objects`: that are mapped. */
export function lookupFaults(field: FieldMapping, objects: readonly string[]): string[] {
  const { type, references, targets, by, namedBy } = field;
  if (targets !== undefined) return severalFaults(field, targets, objects);
  const faults: string[] = [];
  const isReference = type.columnForm === 'parent key';
  if (isReference && references === undefined) faults.push('a reference names the object it points to');
  if (!isReference && references !== undefined) faults.push('only a reference has `references`');
  if (by !== undefined && references !== undefined && objects.includes(references) && namedBy === undefined) {
    faults.push(
      `is by ${by}, for which ${references} has to be read-only (direction to-postgres), with ${by} among its fields`,
    );
  }
  if (by !== undefined && references === undefined) faults.push('only a reference has `by`');
  if (references !== undefined && !objects.includes(references)) {
    faults.push(`points to ${references}, which is not one of the objects; map it, or map the lookup as text`);
  }
  return faults;
}

function severalFaults(
  { references, by }: FieldMapping,
  targets: NonNullable<FieldMapping['targets']>,
  objects: readonly string[],
): string[] {
  const faults: string[] = [];
  if (references !== undefined) faults.push('has references and targets; keep one of them');
  if (by !== undefined) faults.push('a lookup to several objects goes by their keys; remove `by`');
  if (targets.length === 0) faults.push('points to no object; name one');
  const others = targets.flatMap(({ object }) => (objects.includes(object) ? [] : object));
  if (others.length > 0) {
    faults.push(
      `points to ${others.join(', ')}, which ${others.length === 1 ? 'is not one' : 'are not'} of the objects; map ${others.length === 1 ? 'it' : 'them'}, or leave ${others.length === 1 ? 'it' : 'them'} out: what points there in Salesforce stays as it is`,
    );
  }
  const values = targets.flatMap(({ ofType }) => ofType?.value.trimEnd() ?? []);
  for (const value of new Set(values.filter((each, i) => values.indexOf(each) !== i))) {
    faults.push(
      `has ${JSON.stringify(value)} for two objects, so a row does not say which it names; give each its own`,
    );
  }
  return faults;
}
