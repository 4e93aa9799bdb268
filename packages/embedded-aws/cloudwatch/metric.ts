/** A metric: its namespace, name and dimensions, which together are its identity. */
export interface Metric {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

/** One value of a metric. `at`: milliseconds since 1970. */
export interface MetricPoint extends Metric {
  readonly value: number;
  readonly at: number;
}

export type Statistic = 'Average' | 'Maximum' | 'Minimum' | 'SampleCount' | 'Sum';

export const STATISTICS: readonly Statistic[] = ['Average', 'Maximum', 'Minimum', 'SampleCount', 'Sum'];

/** undefined: there are no values, which is not the same as zero. */
export function statisticOf(values: readonly number[], statistic: Statistic): number | undefined {
  if (values.length === 0) return undefined;
  const sum = values.reduce((total, value) => total + value, 0);
  switch (statistic) {
    case 'Average':
      return sum / values.length;
    case 'Maximum':
      return values.reduce((largest, value) => Math.max(largest, value));
    case 'Minimum':
      return values.reduce((smallest, value) => Math.min(smallest, value));
    case 'SampleCount':
      return values.length;
    case 'Sum':
      return sum;
    default:
      throw statistic satisfies never;
  }
}

/** The values of all metrics, in memory: an alarm looks back over some periods only. */
export class MetricValues {
  readonly #points = new Map<string, MetricPoint[]>();

  add(point: MetricPoint): void {
    const key = keyOf(point);
    const points = this.#points.get(key);
    if (points === undefined) this.#points.set(key, [point]);
    else points.push(point);
  }

  /** From `from`, up to but without `to`. */
  between(metric: Metric, from: number, to: number): number[] {
    const points = this.#points.get(keyOf(metric)) ?? [];
    return points.filter(({ at }) => at >= from && at < to).map(({ value }) => value);
  }

  /** Forgets what is older. */
  forget(before: number): void {
    for (const [key, points] of this.#points) {
      const left = points.filter(({ at }) => at >= before);
      if (left.length === 0) this.#points.delete(key);
      else if (left.length < points.length) this.#points.set(key, left);
    }
  }
}

function keyOf({ namespace, name, dimensions }: Metric): string {
  const sorted = Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([namespace, name, ...sorted]);
}
