/** A metric alarm as PutMetricAlarm gives it, and what it says of some periods (API reference, PutMetricAlarm). */
import { z } from 'zod';
import { AwsError } from '../service.ts';
import { STATISTICS } from './metric.ts';

export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

const COMPARISONS = {
  GreaterThanOrEqualToThreshold: (value: number, threshold: number) => value >= threshold,
  GreaterThanThreshold: (value: number, threshold: number) => value > threshold,
  LessThanOrEqualToThreshold: (value: number, threshold: number) => value <= threshold,
  LessThanThreshold: (value: number, threshold: number) => value < threshold,
} as const;

type Comparison = keyof typeof COMPARISONS;

// The query protocol has texts only.
const number = z.coerce.number();
const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')]);
const dimensions = z
  .array(z.object({ Name: z.string(), Value: z.string() }))
  .default([])
  .transform((list) => Object.fromEntries(list.map(({ Name, Value }) => [Name, Value])));
const statistic = z.enum(STATISTICS as [string, ...string[]]).transform((name) => name as (typeof STATISTICS)[number]);

const metricStat = z.object({
  Metric: z.object({ Namespace: z.string(), MetricName: z.string(), Dimensions: dimensions }),
  Period: number.int().positive(),
  Stat: statistic,
});

const alarmInput = z.object({
  AlarmName: z.string().min(1).max(255),
  AlarmDescription: z.string().optional(),
  ActionsEnabled: flag.default(true),
  AlarmActions: z.array(z.string()).default([]),
  OKActions: z.array(z.string()).default([]),
  InsufficientDataActions: z.array(z.string()).default([]),
  Namespace: z.string().optional(),
  MetricName: z.string().optional(),
  Dimensions: dimensions,
  Period: number.int().positive().optional(),
  Statistic: statistic.optional(),
  Metrics: z
    .array(
      z.object({
        Id: z.string(),
        Expression: z.string().optional(),
        Label: z.string().optional(),
        MetricStat: metricStat.optional(),
        ReturnData: flag.default(true),
      }),
    )
    .optional(),
  Threshold: number,
  ComparisonOperator: z.enum(Object.keys(COMPARISONS) as [Comparison, ...Comparison[]]),
  EvaluationPeriods: number.int().positive(),
  DatapointsToAlarm: number.int().positive().optional(),
  TreatMissingData: z.enum(['missing', 'notBreaching', 'breaching', 'ignore']).default('missing'),
});
export type AlarmDefinition = z.output<typeof alarmInput>;

/** One metric that an alarm reads, under the name by which its expression knows it. */
export interface ReadMetric {
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly statistic: (typeof STATISTICS)[number];
  readonly periodSeconds: number;
}

export interface Reading {
  readonly metrics: readonly ReadMetric[];
  /** Of the ids of the metrics. */
  readonly expression: string;
  readonly periodSeconds: number;
}

/** Throws AwsError `InvalidParameterValue` with all faults. */
export function parseAlarm(input: unknown): AlarmDefinition {
  const parsed = alarmInput.safeParse(input);
  if (parsed.success) {
    readingOf(parsed.data);
    return parsed.data;
  }
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new AwsError('ValidationError', faults.join('; '));
}

/** What the alarm reads. Throws AwsError `ValidationError` where that is neither a metric nor a sum of metrics. */
export function readingOf(alarm: AlarmDefinition): Reading {
  const { Metrics, Namespace, MetricName, Dimensions, Period, Statistic } = alarm;
  if (Metrics === undefined) {
    if (Namespace === undefined || MetricName === undefined || Period === undefined || Statistic === undefined) {
      throw new AwsError('ValidationError', 'Namespace, MetricName, Period and Statistic are needed.');
    }
    const metric = {
      id: 'm',
      namespace: Namespace,
      name: MetricName,
      dimensions: Dimensions,
      statistic: Statistic,
      periodSeconds: Period,
    };
    return { metrics: [metric], expression: 'm', periodSeconds: Period };
  }
  const metrics = Metrics.flatMap(({ Id, MetricStat }): ReadMetric[] => {
    if (MetricStat === undefined) return [];
    const { Metric, Period: periodSeconds, Stat } = MetricStat;
    const { Namespace: namespace, MetricName: name, Dimensions: found } = Metric;
    return [{ id: Id, namespace, name, dimensions: found, statistic: Stat, periodSeconds }];
  });
  const returned = Metrics.find(({ ReturnData }) => ReturnData);
  const expression = returned?.Expression ?? returned?.Id ?? '';
  const ids = new Set(metrics.map(({ id }) => id));
  const isSum = expression.split('+').every((part) => ids.has(partOf(part).id));
  if (!isSum)
    throw new AwsError(
      'ValidationError',
      `Only sums of metrics, each perhaps in FILL, are understood here, not ${expression}.`,
    );
  return { metrics, expression, periodSeconds: metrics[0]?.periodSeconds ?? 60 };
}

/** A part of a sum: a metric, or `FILL(metric, 0)`, which has that value where the metric has none. */
function partOf(text: string): { readonly id: string; readonly filled: number | undefined } {
  const [, id, value] = /^FILL\(\s*(\w+)\s*,\s*(-?\d+)\s*\)$/.exec(text.trim()) ?? [];
  return id === undefined ? { id: text.trim(), filled: undefined } : { id, filled: Number(value) };
}

/** The value of a sum; undefined: one of its parts has none. */
export function sumOf(expression: string, values: ReadonlyMap<string, number | undefined>): number | undefined {
  return expression.split('+').reduce<number | undefined>((sum, part) => {
    const { id, filled } = partOf(part);
    const value = values.get(id) ?? filled;
    return sum === undefined || value === undefined ? undefined : sum + value;
  }, 0);
}

/** What is known of a period: its value, that it has none, or that it began before anything was measured. */
export type PeriodValue = number | 'missing' | 'not measured';

/** The state after some periods. Of what was not measured nothing is said: neither that all is well nor that it is not. */
export function judge(alarm: AlarmDefinition, periods: readonly PeriodValue[], state: AlarmState): AlarmState {
  const { ComparisonOperator, Threshold, TreatMissingData, EvaluationPeriods } = alarm;
  const needed = alarm.DatapointsToAlarm ?? EvaluationPeriods;
  const isBreaching = COMPARISONS[ComparisonOperator];
  const breaching = periods.filter((value) => {
    if (value === 'missing') return TreatMissingData === 'breaching';
    return value !== 'not measured' && isBreaching(value, Threshold);
  }).length;
  if (breaching >= needed) return 'ALARM';
  if (periods.includes('not measured')) return state;
  if (periods.some((value) => value !== 'missing')) return 'OK';
  if (TreatMissingData === 'missing') return 'INSUFFICIENT_DATA';
  return TreatMissingData === 'ignore' ? state : 'OK';
}
