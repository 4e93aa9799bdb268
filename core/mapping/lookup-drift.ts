/** Whether a lookup to several objects names all that matter. */
import type { ObjectMapping } from './configuration.ts';
import type { DescribedObject } from './described-object.ts';
import { type Drift, named, risky } from './drift.ts';

/** `mapped`: all objects of the configuration. Where such a lookup points to one that it does not name, its columns are empty. */
export function unnamedTargets(
  mapping: ObjectMapping,
  described: DescribedObject | undefined,
  mapped: readonly string[],
): Drift[] {
  const drifts = mapping.fields.flatMap(({ field, targets }) => {
    const may = described?.fields.find(({ name }) => name === field)?.referenceTo ?? [];
    const others = may.filter((object) => mapped.includes(object) && targets?.every((each) => each.object !== object));
    if (targets === undefined || others.length === 0) return [];
    return [
      risky(`.${field}: may point to ${others.join(', ')}, too, and its columns are empty then; name what is mapped`),
    ];
  });
  return named(mapping, drifts);
}
