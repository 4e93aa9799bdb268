/** Instants and days as Salesforce and PostgreSQL spell them. */

/** Milliseconds since 1970, UTC. A `SystemModstamp` is a whole second. */
export type Instant = number;

const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;
const INSTANT = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(\.\d+)?\s*(Z|[+-]\d{2}(?::?\d{2})?)$/;
const WITHOUT_ZONE = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d+)?$/;
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** A day of the calendar: `Date.parse` takes 30 February for 2 March. */
export function isDay(text: string): boolean {
  const parts = DAY.exec(text);
  if (parts === null) return false;
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  if (month < 1 || month > 12 || day < 1) return false;
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return day <= (month === 2 && isLeap ? 29 : (DAYS[month - 1] ?? 0));
}

/** Whether the text has the form of an instant with an offset; its day and its time may still be none. */
export function looksLikeInstant(text: string): boolean {
  return INSTANT.test(text);
}

/**
 * The text of a `timestamp` column as that of an instant: a `timestamp without time zone` holds UTC, as web frameworks
 * store it. Every other text stays as it is.
 */
export function inUtc(text: string): string {
  return WITHOUT_ZONE.test(text) ? `${text}Z` : text;
}

/** The instant of a Salesforce or PostgreSQL timestamp with offset, cut to the second; undefined if it is none. */
export function parseInstant(text: string): Instant | undefined {
  const parts = INSTANT.exec(text);
  if (parts === null) return undefined;
  const [, day = '', time, , zone = 'Z'] = parts;
  if (!isDay(day)) return undefined;
  const offset = zone === 'Z' ? 'Z' : `${zone.slice(0, 3)}:${zone.replace(':', '').slice(3) || '00'}`;
  const instant = Date.parse(`${day}T${time}${offset}`);
  return Number.isNaN(instant) ? undefined : instant;
}

/** `YYYY-MM-DDThh:mm:ssZ`; fractions of a second are cut. */
export function formatInstant(instant: Instant): string {
  return `${new Date(Math.floor(instant / 1000) * 1000).toISOString().slice(0, 19)}Z`;
}
