/** Metric filters: they make values of a metric from lines of a log that are JSON (CloudWatch Logs User Guide, "Filter pattern syntax"). */
import { z } from 'zod';
import { AwsError } from '../service.ts';
import type { Metric } from './metric.ts';

export const metricFilterInput = z.object({
  logGroupName: z.string(),
  filterName: z.string(),
  filterPattern: z.string(),
  metricTransformations: z
    .array(
      z.object({
        metricNamespace: z.string(),
        metricName: z.string(),
        metricValue: z.string(),
        dimensions: z.record(z.string(), z.string()).default({}),
      }),
    )
    .length(1, 'a filter has one transformation'),
});
export type MetricFilter = z.output<typeof metricFilterInput>;

/** `{ $.field = "text" }`, where `*` stands for any value. */
const PATTERN = /^\{\s*\$\.(\w+)\s*=\s*"([^"]*)"\s*\}$/;

/** Throws AwsError `InvalidParameterException`. */
export function parseFilter(input: unknown): MetricFilter {
  const parsed = metricFilterInput.safeParse(input);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new AwsError('InvalidParameterException', faults.join('; '));
  }
  if (PATTERN.test(parsed.data.filterPattern)) return parsed.data;
  const text = `Only patterns such as { $.field = "text" } are understood here, not ${parsed.data.filterPattern}.`;
  throw new AwsError('InvalidParameterException', text);
}

/** The value that a line makes; undefined: it does not match, or has no number where the value should be. */
export function measured(filter: MetricFilter, line: string): (Metric & { readonly value: number }) | undefined {
  const [, field = '', wanted = ''] = PATTERN.exec(filter.filterPattern) ?? [];
  const fields = jsonIn(line);
  const found = fields?.[field];
  if (found === undefined || found === null || (wanted !== '*' && String(found) !== wanted)) return undefined;
  const [transformation] = filter.metricTransformations;
  if (transformation === undefined || fields === undefined) return undefined;
  const value = Number(chosen(fields, transformation.metricValue));
  if (Number.isNaN(value)) return undefined;
  const dimensions = Object.entries(transformation.dimensions).map(([name, path]) => [name, chosen(fields, path)]);
  if (dimensions.some(([, each]) => each === undefined)) return undefined;
  return {
    namespace: transformation.metricNamespace,
    name: transformation.metricName,
    dimensions: Object.fromEntries(dimensions.map(([name, each]) => [name, String(each)])),
    value,
  };
}

/** `$.field` of the line, or the text itself. */
function chosen(fields: Readonly<Record<string, unknown>>, path: string): unknown {
  return path.startsWith('$.') ? fields[path.slice(2)] : path;
}

function jsonIn(line: string): Readonly<Record<string, unknown>> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Readonly<Record<string, unknown>>;
  } catch {
    // Half a line, or a text that only begins like JSON: it matches nothing.
    return undefined;
  }
}
