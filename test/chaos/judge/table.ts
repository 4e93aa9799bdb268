/** The verdict for the terminal. No values: a violation names record, field and rule. */
import type { History } from '../history/history.ts';
import type { Violation } from './finding.ts';
import type { Verdict } from './judge.ts';

/** So many violations of one rule are written out. */
const MOST_SHOWN = 5;

export function verdictTable(history: History, { violations, excuses, counted }: Verdict): string {
  return [
    ...section('judged', Object.entries(counted)),
    ...section('faults in force', faultCounts(history)),
    ...section('not covered by a promise', Object.entries(excuses)),
    ...(violations.length === 0 ? ['no violation'] : shown(violations)),
  ].join('\n');
}

function section(title: string, entries: readonly (readonly [string, number])[]): string[] {
  if (entries.length === 0) return [];
  const width = Math.max(...entries.map(([name]) => name.length));
  return [title, ...entries.map(([name, count]) => `  ${name.padEnd(width)}  ${String(count).padStart(7)}`)];
}

function faultCounts({ faults }: History): [string, number][] {
  const counts = new Map<string, number>();
  for (const { name, struck = 1 } of faults) counts.set(name, (counts.get(name) ?? 0) + struck);
  return [...counts].sort(([one], [other]) => one.localeCompare(other));
}

function shown(violations: readonly Violation[]): string[] {
  return Object.entries(Object.groupBy(violations, ({ rule }) => rule)).flatMap(([rule, all = []]) => [
    `${rule}: violated ${all.length} times`,
    ...all.slice(0, MOST_SHOWN).map((violation) => `  ${whereOf(violation)}${violation.says}`),
    ...(all.length > MOST_SHOWN ? [`  ... and ${all.length - MOST_SHOWN} more`] : []),
  ]);
}

function whereOf({ object, salesforceId, rowKey, field }: Violation): string {
  const parts = [object, salesforceId, rowKey === undefined ? undefined : `row ${rowKey}`, field];
  const known = parts.filter((part) => part !== undefined);
  return known.length === 0 ? '' : `${known.join(' ')}: `;
}
