/** Which faults `--faults` means. */
import { UsageError } from '../options.ts';
import type { Fault } from './fault.ts';
import { FAULTS } from './faults.ts';

/** By name or its beginning; `all`, `none`. Throws a UsageError for a name that none has, also beside `all`. */
export function faultsCalled(names: readonly string[]): readonly Fault[] {
  const called = new Set(names.flatMap(calledBy));
  if (names.includes('none') && called.size > 0)
    throw new UsageError(`--faults none stands alone; ${names.join()} names others, too.`);
  return [...called];
}

function calledBy(name: string): readonly Fault[] {
  if (name === 'all') return FAULTS;
  if (name === 'none') return [];
  const found = name === '' ? [] : FAULTS.filter((fault) => fault.name.startsWith(name));
  if (found.length > 0) return found;
  const what = name === '' ? '--faults has an empty name' : `No fault is called ${name}`;
  throw new UsageError(`${what}; there are: all, none, ${FAULTS.map((fault) => fault.name).join(', ')}`);
}
