import cronParser from 'aws-cron-parser';

/**
 * When a scheduled flow runs.
 *
 * AppFlow spells rates in its own way: `rate(1minutes)`, no blank and the plural even for one (API model of
 * StartFlow's schedule, example `rate(5minutes)`). EventBridge's `rate(1 minute)` is refused.
 */
export type ScheduleExpression =
  | { readonly kind: 'rate'; readonly intervalMs: number }
  | { readonly kind: 'cron'; readonly expression: string };

export interface FlowSchedule {
  readonly expression: ScheduleExpression;
  /** Milliseconds since 1970. The slots of a rate are counted from here. */
  readonly startTime: number | undefined;
  readonly endTime: number | undefined;
}

const UNIT_MS = { minutes: 60_000, hours: 3_600_000, days: 86_400_000 } as const;

/** Reads `rate(5minutes)` or `cron(0 12 * * ? *)`. Throws an Error that says what is allowed. */
export function parseScheduleExpression(text: string): ScheduleExpression {
  const rate = /^rate\((\d+)(minutes|hours|days)\)$/.exec(text);
  if (rate) {
    const count = Number(rate[1]);
    if (count < 1) throw new Error(`"${text}": a flow runs at most once a minute, so the rate must be 1 or more`);
    return { kind: 'rate', intervalMs: count * UNIT_MS[rate[2] as keyof typeof UNIT_MS] };
  }
  const cron = /^cron\((.+)\)$/.exec(text);
  if (cron?.[1] !== undefined) {
    try {
      cronParser.parse(cron[1]);
    } catch (error) {
      throw new Error(`"${text}" is not a cron expression: ${error instanceof Error ? error.message : String(error)}`);
    }
    return { kind: 'cron', expression: cron[1] };
  }
  throw new Error(
    `"${text}" is not a schedule: AppFlow takes rate(<n>minutes), rate(<n>hours), rate(<n>days) (no blank, plural unit even for 1) or cron(...)`,
  );
}

/**
 * The first slot after activation (or after the service came up): at once, or where the start time says.
 * Undefined when the schedule is over.
 */
export function firstSlot(schedule: FlowSchedule, now: number, timeScale: number): number | undefined {
  if (schedule.startTime !== undefined && schedule.startTime >= now) return within(schedule, schedule.startTime);
  if (schedule.expression.kind === 'cron' || schedule.startTime !== undefined) {
    return nextSlot(schedule, schedule.startTime ?? now, now, timeScale);
  }
  return within(schedule, now);
}

/**
 * The next slot strictly after `now`, counted from `anchor`; slots in between are missed and stay so, for two runs of
 * one flow never overlap. `timeScale` divides a rate (12: one minute lasts five seconds); a cron expression names
 * calendar times, which do not scale.
 */
export function nextSlot(schedule: FlowSchedule, anchor: number, now: number, timeScale: number): number | undefined {
  const { expression } = schedule;
  switch (expression.kind) {
    case 'rate': {
      const intervalMs = expression.intervalMs / timeScale;
      const passed = Math.floor((now - anchor) / intervalMs);
      return within(schedule, anchor + (passed + 1) * intervalMs);
    }
    case 'cron': {
      const occurrence = cronParser.next(cronParser.parse(expression.expression), new Date(now));
      return occurrence ? within(schedule, occurrence.getTime()) : undefined;
    }
    default:
      return expression satisfies never;
  }
}

function within(schedule: FlowSchedule, slot: number): number | undefined {
  return schedule.endTime !== undefined && slot >= schedule.endTime ? undefined : slot;
}
