/** Figures and how they are shown: on a terminal as a table with each figure's bar, with `--json` as one JSON value. */
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import Table from 'cli-table3';

export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** Nearest rank. NaN of nothing. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}

export type Bar = { readonly below: number } | { readonly atMost: number } | { readonly atLeast: number };

/** A figure, and the bar that it has to hold. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly bar?: Bar | undefined;
  /** What the figure consists of, or where it is from. */
  readonly note?: string | undefined;
}

export function holds({ value, bar }: Figure): boolean {
  if (bar === undefined) return true;
  if ('below' in bar) return value < bar.below;
  return 'atMost' in bar ? value <= bar.atMost : value >= bar.atLeast;
}

/** Prints the figures; sets the exit status to 1 when a bar is missed. */
export function report(title: string, figures: readonly Figure[], { json }: { readonly json: boolean }): void {
  if (figures.some((figure) => !holds(figure))) process.exitCode = 1;
  if (json) {
    const judged = figures.map((figure) => ({ ...figure, holds: holds(figure) }));
    process.stdout.write(`${JSON.stringify({ title, machine: machine(), figures: judged }, undefined, 2)}\n`);
    return;
  }
  const table = new Table({ head: ['', 'measured', 'bar', '', ''], style: { head: [], border: [] } });
  for (const figure of figures) {
    const { what, value, unit, bar, note } = figure;
    const verdict = bar === undefined ? '' : holds(figure) ? 'held' : 'MISSED';
    table.push([what, `${rounded(value)} ${unit}`.trim(), spelled(bar), verdict, note ?? '']);
  }
  process.stdout.write(`${title}\n${machine()}\n${table.toString()}\n`);
}

/** `2 processors (AMD ...), 23 GiB, Linux 6.1, Node 24.21.0`. */
export function machine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown';
  const memory = `${Math.round(totalmem() / 1024 ** 3)} GiB`;
  return `${availableParallelism()} processors (${model}), ${memory}, ${process.platform} ${release()}, Node ${process.versions.node}`;
}

function spelled(bar: Bar | undefined): string {
  if (bar === undefined) return '';
  if ('below' in bar) return `< ${rounded(bar.below)}`;
  return 'atMost' in bar ? `<= ${rounded(bar.atMost)}` : `>= ${rounded(bar.atLeast)}`;
}

function rounded(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en', { maximumFractionDigits: digits });
}
