/**
 * What repeats itself is told once in full, and then counted at growing intervals: a setting that breaks every execution at night
 * would otherwise be told every five minutes.
 */
import { z } from 'zod';
import type { Instant } from '../mapping/instant.ts';
import { causeOf } from './failed-execution-notice.ts';
import type { Notice } from './outbound-tasks.ts';

const count = z.int().min(0);

/** Notices of one cause, in milliseconds since 1970. */
export const series = z.strictObject({
  /** The first, and the last one, told or not. */
  since: count,
  last: count,
  toldAt: count,
  tellings: count,
  /** Since it was told last. */
  untold: count,
});
export type Series = Readonly<z.output<typeof series>>;

/** What is told along with a notice: how many of the same were not told, and since when. */
export interface Repeats {
  readonly count: number;
  readonly toldAt: Instant;
  readonly since: Instant;
}

const MINUTE_MS = 60_000;
const FIRST_PAUSE_MS = 15 * MINUTE_MS;
const GROWTH = 4;
const LONGEST_PAUSE_MS = 24 * 60 * MINUTE_MS;
/** After this time without another one, the next is told in full. More than the hour between two sweeps. */
const QUIET_MS = 6 * 60 * MINUTE_MS;

/** What notices of one cause have in common; undefined: each is told. */
export function repeatedCause(notice: Notice): readonly string[] | undefined {
  switch (notice.about) {
    case 'failed execution':
      return causeOf(notice);
    case 'table locked':
      return [notice.about, notice.object];
    default:
      return undefined;
  }
}

export interface Telling {
  /** Nothing is told now: it is counted. */
  readonly isTold: boolean;
  /** undefined: it is told in full, as the first. */
  readonly repeats: Repeats | undefined;
  readonly series: Series;
}

/** Whether one more of a series is told. `before`: undefined: there was none. */
export function tell(before: Series | undefined, now: Instant): Telling {
  if (before === undefined || now - before.last > QUIET_MS) {
    const first = { since: now, last: now, toldAt: now, tellings: 1, untold: 0 };
    return { isTold: true, repeats: undefined, series: first };
  }
  const { since, toldAt, tellings } = before;
  const untold = before.untold + 1;
  const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * GROWTH ** (tellings - 1));
  if (now - toldAt < pause) {
    return { isTold: false, repeats: undefined, series: { ...before, last: now, untold } };
  }
  const told = { since, last: now, toldAt: now, tellings: tellings + 1, untold: 0 };
  return { isTold: true, repeats: { count: untold, toldAt, since }, series: told };
}
