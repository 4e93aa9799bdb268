import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { z } from 'zod';
import { ACCOUNT, AwsError, type EmbeddedAws, type Operations } from '../service.ts';
import { realTimers, type Timers } from '../timers.ts';
import {
  type AlarmDefinition,
  type AlarmState,
  judge,
  type PeriodValue,
  parseAlarm,
  readingOf,
  sumOf,
} from './alarm.ts';
import { alarmMessage } from './alarm-message.ts';
import { type MetricPoint, MetricValues, statisticOf } from './metric.ts';

export interface CloudWatchOptions {
  /** How many times shorter a minute is, as for schedules. */
  readonly timeScale: number;
  /** @default real time */
  readonly timers?: Timers;
}

interface Alarm {
  readonly definition: AlarmDefinition;
  readonly arn: string;
  readonly state: AlarmState;
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly changedAt: number;
}

/** Measures what has a value at any time, such as the length of a queue. */
export type Sampler = () => readonly Omit<MetricPoint, 'at'>[];

const MINUTE_MS = 60_000;
const UNCHECKED = 'Unchecked: Initial alarm creation';

const someNames = z.object({ AlarmNames: z.array(z.string()).optional(), StateValue: z.string().optional() });
const givenState = z.object({
  AlarmName: z.string(),
  StateValue: z.enum(['OK', 'ALARM', 'INSUFFICIENT_DATA']),
  StateReason: z.string(),
});
const givenPoints = z.object({
  Namespace: z.string(),
  MetricData: z.array(
    z.object({
      MetricName: z.string(),
      Value: z.coerce.number(),
      Dimensions: z.array(z.object({ Name: z.string(), Value: z.string() })).default([]),
    }),
  ),
});

/**
 * CloudWatch's metrics and metric alarms. A period of an alarm is as many times shorter as a minute of the schedules, and its
 * actions are topics. Alarms and their states are kept in the store; values are of this run only, and of the time before it
 * nothing is said.
 */
export class CloudWatch {
  readonly operations: Operations;
  readonly #aws: EmbeddedAws;
  readonly #options: CloudWatchOptions;
  readonly #values = new MetricValues();
  readonly #samplers: Sampler[] = [];
  readonly #alarms = new Map<string, Alarm>();
  readonly #save: StatementSync;
  readonly #delete: StatementSync;
  #measuredSince = Number.POSITIVE_INFINITY;
  #cancel: () => void = () => undefined;
  #evaluation: Promise<void> = Promise.resolve();

  constructor(aws: EmbeddedAws, store: DatabaseSync, options: CloudWatchOptions) {
    this.#aws = aws;
    this.#options = options;
    store.exec('CREATE TABLE IF NOT EXISTS alarm (name TEXT PRIMARY KEY, alarm TEXT NOT NULL) STRICT');
    this.#save = store.prepare('INSERT OR REPLACE INTO alarm VALUES (?, ?)');
    this.#delete = store.prepare('DELETE FROM alarm WHERE name = ?');
    for (const row of store.prepare('SELECT name, alarm FROM alarm').all()) {
      this.#alarms.set(String(row.name), JSON.parse(String(row.alarm)) as Alarm);
    }
    this.operations = {
      DeleteAlarms: ({ AlarmNames = [] }: { readonly AlarmNames?: readonly string[] }) => this.#remove(AlarmNames),
      DescribeAlarms: (input: object) => this.#describe(input),
      PutMetricAlarm: (input: object) => this.#put(parseAlarm(input)),
      PutMetricData: (input: object) => this.#putValues(input),
      SetAlarmState: (input: object) => this.#setState(input),
    };
  }

  add(point: MetricPoint): void {
    this.#values.add(point);
  }

  sample(sampler: Sampler): void {
    this.#samplers.push(sampler);
  }

  /** Begins to measure, and to look at the alarms once a minute. */
  start(): void {
    this.#measuredSince = this.#aws.now();
    this.#wait();
  }

  async stop(): Promise<void> {
    this.#cancel();
    this.#measuredSince = Number.POSITIVE_INFINITY;
    await this.#evaluation;
  }

  #wait(): void {
    const timers = this.#options.timers ?? realTimers;
    this.#cancel = timers.after(MINUTE_MS / this.#options.timeScale, () => {
      this.#evaluation = this.#evaluate();
      void this.#evaluation.then(() => {
        if (this.#measuredSince !== Number.POSITIVE_INFINITY) this.#wait();
      });
    });
  }

  async #evaluate(): Promise<void> {
    const now = this.#aws.now();
    for (const sampler of this.#samplers) for (const point of sampler()) this.#values.add({ ...point, at: now });
    let longest = 0;
    for (const [name, alarm] of this.#alarms) {
      const { definition, state } = alarm;
      const { periodMs, values } = this.#read(definition, now + 1);
      longest = Math.max(longest, periodMs * definition.EvaluationPeriods);
      const next = judge(definition, values, state);
      if (next !== state) await this.#change(name, alarm, next, reasonOf(definition, values, next));
    }
    this.#values.forget(now - longest);
  }

  /** The last periods, the newest first. */
  #read(definition: AlarmDefinition, end: number): { readonly periodMs: number; readonly values: PeriodValue[] } {
    const { metrics, expression, periodSeconds } = readingOf(definition);
    const periodMs = (periodSeconds * 1000) / this.#options.timeScale;
    const values = Array.from({ length: definition.EvaluationPeriods }, (_, i): PeriodValue => {
      const to = end - i * periodMs;
      const found = new Map(
        metrics.map((metric) => {
          return [metric.id, statisticOf(this.#values.between(metric, to - periodMs, to), metric.statistic)] as const;
        }),
      );
      return sumOf(expression, found) ?? (to - periodMs < this.#measuredSince ? 'not measured' : 'missing');
    });
    return { periodMs, values };
  }

  async #change(name: string, alarm: Alarm, to: AlarmState, reason: string): Promise<void> {
    const at = this.#aws.now();
    const { definition, arn, state: from } = alarm;
    this.#keep(name, { ...alarm, state: to, reason, changedAt: at });
    // The first look at an alarm finds most of them well: said of each, it would bury what matters.
    if (from === 'INSUFFICIENT_DATA' && to === 'OK') return;
    const { AlarmActions, OKActions, InsufficientDataActions, ActionsEnabled } = definition;
    const actions = { ALARM: AlarmActions, OK: OKActions, INSUFFICIENT_DATA: InsufficientDataActions }[to];
    if (!ActionsEnabled) return;
    const message = alarmMessage(definition, { arn, from, to, reason, at }, this.#aws.region);
    for (const TopicArn of actions) {
      try {
        if (!TopicArn.startsWith('arn:aws:sns:')) throw new Error(`${TopicArn} is no topic, and not acted on here`);
        await this.#aws.call('sns', 'Publish', { TopicArn, ...message });
      } catch (error) {
        const text = `the action of the alarm failed: ${error instanceof Error ? error.message : error}`;
        this.#aws.journal.record({ kind: 'fault', subject: name, text });
      }
    }
  }

  #keep(name: string, alarm: Alarm): void {
    this.#alarms.set(name, alarm);
    this.#save.run(name, JSON.stringify(alarm));
  }

  #put(definition: AlarmDefinition): object {
    const name = definition.AlarmName;
    const known = this.#alarms.get(name);
    const arn = `arn:aws:cloudwatch:${this.#aws.region}:${ACCOUNT}:alarm:${name}`;
    const changedAt = this.#aws.now();
    const state = { state: 'INSUFFICIENT_DATA' as AlarmState, reason: UNCHECKED, changedAt };
    this.#keep(name, { ...state, ...known, definition, arn });
    return {};
  }

  #remove(names: readonly string[]): object {
    for (const name of names) {
      this.#alarms.delete(name);
      this.#delete.run(name);
    }
    return {};
  }

  #describe(input: object): object {
    const { AlarmNames, StateValue } = someNames.parse(input);
    const chosen = [...this.#alarms].filter(
      ([name, { state }]) => (AlarmNames?.includes(name) ?? true) && (StateValue ?? state) === state,
    );
    return {
      CompositeAlarms: [],
      MetricAlarms: chosen.map(([, { definition, arn, state, reason, changedAt }]) => ({
        ...definition,
        Dimensions: Object.entries(definition.Dimensions).map(([Name, Value]) => ({ Name, Value })),
        AlarmArn: arn,
        StateValue: state,
        StateReason: reason,
        StateUpdatedTimestamp: new Date(changedAt),
      })),
    };
  }

  #putValues(input: object): object {
    const { Namespace: namespace, MetricData } = givenPoints.parse(input);
    const at = this.#aws.now();
    for (const { MetricName: name, Value: value, Dimensions } of MetricData) {
      const dimensions = Object.fromEntries(Dimensions.map((each) => [each.Name, each.Value]));
      this.#values.add({ namespace, name, dimensions, value, at });
    }
    return {};
  }

  async #setState(input: object): Promise<object> {
    const { AlarmName, StateValue, StateReason } = givenState.parse(input);
    const alarm = this.#alarms.get(AlarmName);
    if (alarm === undefined) throw new AwsError('ResourceNotFound', `There is no alarm ${AlarmName}.`, 404);
    if (alarm.state !== StateValue) await this.#change(AlarmName, alarm, StateValue, StateReason);
    return {};
  }
}

function reasonOf(definition: AlarmDefinition, values: readonly PeriodValue[], state: AlarmState): string {
  const { Threshold, ComparisonOperator, EvaluationPeriods } = definition;
  const shown = values.map((value) => (typeof value === 'number' ? String(value) : value)).join(', ');
  const verdict = state === 'ALARM' ? 'crossed' : 'did not cross';
  const noun = EvaluationPeriods === 1 ? 'datapoint' : 'datapoints';
  return `Threshold ${state === 'ALARM' ? 'Crossed' : 'not crossed'}: the last ${EvaluationPeriods} ${noun} [${shown}] ${verdict} the threshold (${ComparisonOperator} ${Threshold}).`;
}
