/** What a run shows of itself at its end: operations by kind and answer, faults by name, how long edits took to cross. */
import Table from 'cli-table3';
import type { History, Operation } from '../history/history.ts';

const PLAIN = { head: [], border: [] };

export function operationsTable(histories: readonly History[]): string {
  const operations = histories.flatMap((history) => history.operations);
  const kinds = [...new Set(operations.map(({ kind }) => kind))].sort();
  const table = new Table({ head: ['operations', 'done', 'refused', 'unknown', 'refusals'], style: PLAIN });
  for (const kind of [...kinds, undefined]) {
    const of = kind === undefined ? operations : operations.filter((each) => each.kind === kind);
    const count = (answer: Operation['answer']) => of.filter((each) => each.answer === answer).length;
    table.push([kind ?? 'all', count('done'), count('refused'), count('unknown'), kind === undefined ? '' : codes(of)]);
  }
  return table.toString();
}

function codes(operations: readonly Operation[]): string {
  return counted(operations.flatMap(({ code }) => code ?? []))
    .slice(0, 3)
    .map(([code, count]) => `${code} ${count}`)
    .join(', ');
}

export function faultsTable(histories: readonly History[]): string {
  const faults = histories.flatMap((history) => history.faults);
  if (faults.length === 0) return '';
  const table = new Table({ head: ['faults', 'runs', 'struck'], style: PLAIN });
  for (const [name, runs] of counted(faults.map((fault) => fault.name))) {
    const struck = faults.filter((fault) => fault.name === name && fault.struck !== undefined);
    table.push([name, runs, struck.length === 0 ? '' : struck.reduce((sum, fault) => sum + (fault.struck ?? 0), 0)]);
  }
  table.push(['all', faults.length, '']);
  return table.toString();
}

/** Each with its number, most first. */
export function counted(names: readonly string[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort(([, one], [, other]) => other - one);
}

/** A row of docs/proof.md's table of runs. */
export function logRow(
  histories: readonly History[],
  run: {
    readonly date: Date;
    readonly commit: string;
    readonly options: string;
    readonly seeds: string;
    readonly minutes: number;
  },
  violations: string,
): string {
  const operations = histories.reduce((sum, { operations: each }) => sum + each.length, 0);
  const struck = histories.flatMap(({ faults }) => faults).filter((fault) => fault.struck !== 0);
  const names = counted(struck.map(({ name }) => name)).map(([name, count]) => `${name} ${count}`);
  const faults = struck.length === 0 ? 'none' : `${struck.length}: ${names.join(', ')}`;
  const date = run.date.toISOString().slice(0, 16).replace('T', ' ');
  const cells = [
    date,
    `\`${run.commit}\``,
    run.options === '' ? '' : `\`${run.options}\``,
    run.seeds,
    run.minutes.toFixed(1),
  ];
  return `| ${[...cells, operations.toLocaleString('en'), faults, violations].join(' | ')} |`;
}
