/** The date literals of SOQL as half-open spans of UTC days. Weeks begin on Sunday, as in an org with US locale. */

export interface DaySpan {
  /** Milliseconds since 1970, a UTC midnight. */
  readonly start: number;
  readonly end: number;
}

type Unit = 'DAY' | 'WEEK' | 'MONTH' | 'QUARTER' | 'YEAR';

const DAY_MS = 86_400_000;

/** The start of the unit that holds `now`, moved by `by` units. */
function startOf(unit: Unit, now: number, by: number): number {
  const at = new Date(now);
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  switch (unit) {
    case 'DAY':
      return Date.UTC(year, month, day + by);
    case 'WEEK':
      return Date.UTC(year, month, day - at.getUTCDay() + by * 7);
    case 'MONTH':
      return Date.UTC(year, month + by, 1);
    case 'QUARTER':
      return Date.UTC(year, Math.floor(month / 3) * 3 + by * 3, 1);
    case 'YEAR':
      return Date.UTC(year + by, 0, 1);
    default:
      return unit satisfies never;
  }
}

function span(unit: Unit, now: number, from: number, to: number): DaySpan {
  return { start: startOf(unit, now, from), end: startOf(unit, now, to) };
}

/** The span of `TODAY`, `LAST_N_DAYS:3`, `THIS_FISCAL_YEAR` ...; undefined for an unknown literal. */
export function dateLiteralSpan(literal: string, now: number): DaySpan | undefined {
  const [name = '', count] = literal.toUpperCase().split(':');
  if (name === 'YESTERDAY') return span('DAY', now, -1, 0);
  if (name === 'TODAY') return span('DAY', now, 0, 1);
  if (name === 'TOMORROW') return span('DAY', now, 1, 2);
  if (name === 'LAST_90_DAYS') return span('DAY', now, -90, 1);
  if (name === 'NEXT_90_DAYS') return { start: startOf('DAY', now, 1), end: startOf('DAY', now, 1) + 90 * DAY_MS };
  const match =
    /^(LAST|THIS|NEXT)_(N_)?(?:FISCAL_)?(DAY|WEEK|MONTH|QUARTER|YEAR)S?$|^(N)_(DAY|WEEK|MONTH|QUARTER|YEAR)S_AGO$/.exec(
      name.replace('FISCAL_', ''),
    );
  if (match === null) return undefined;
  const unit = (match[3] ?? match[5]) as Unit;
  const n = Number(count ?? 1);
  if (match[4] !== undefined) return span(unit, now, -n, 1 - n);
  if (match[1] === 'THIS') return span(unit, now, 0, 1);
  if (match[1] === 'NEXT') return span(unit, now, 1, 1 + n);
  // LAST_N_DAYS ends with today; LAST_N_WEEKS and the longer ones end where the current one begins.
  if (match[2] !== undefined && unit === 'DAY') return span('DAY', now, -n, 1);
  return span(unit, now, -n, 0);
}
