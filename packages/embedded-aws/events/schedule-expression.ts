import awsCronParser from 'aws-cron-parser';
import { AwsError } from '../service.ts';

/** A rule's schedule: every so often, or at the times that a cron expression names (UTC). */
export interface Schedule {
  /**
   * The next time after `now` (milliseconds since 1970); undefined when there is none. A rate counts from `since`, the
   * rule's creation.
   */
  next(now: number, since: number): number | undefined;
}

const UNIT_MS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/**
 * Reads `rate(5 minutes)` or `cron(0 12 * * ? *)`. `timeScale` makes rates that many times as frequent: with 12 a minute
 * lasts five seconds. Throws AwsError `ValidationException` for what EventBridge would refuse.
 */
export function scheduleOf(expression: string, timeScale: number): Schedule {
  const rate = /^rate\((\d+) (minute|hour|day)(s?)\)$/.exec(expression);
  if (rate !== null) {
    const value = Number(rate[1]);
    // The unit is singular for 1 and plural for anything else.
    if (value === 0 || (value === 1) !== (rate[3] === '')) throw invalid();
    const intervalMs = (value * (UNIT_MS[rate[2] ?? ''] ?? 0)) / timeScale;
    return {
      next: (now, since) => since + (Math.floor(Math.max(0, now - since) / intervalMs) + 1) * intervalMs,
    };
  }
  const cron = /^cron\((.+)\)$/.exec(expression)?.[1]?.trim();
  if (cron === undefined) throw invalid();
  const fields = cron.split(/\s+/);
  // Of day of month and day of week exactly one is `?`: both cannot be given at once.
  if (fields.length !== 6 || (fields[2] === '?') === (fields[4] === '?')) throw invalid();
  return cronSchedule(fields.join(' '));
}

function cronSchedule(fields: string): Schedule {
  try {
    const parsed = awsCronParser.parse(fields);
    return { next: (now) => awsCronParser.next(parsed, new Date(now))?.getTime() };
  } catch {
    throw invalid();
  }
}

function invalid(): AwsError {
  return new AwsError('ValidationException', 'Parameter ScheduleExpression is not valid.');
}
