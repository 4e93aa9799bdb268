/**
 * Local times of a zone. One that a zone has twice, when clocks are set back, means the first; one that it does not have, when they are
 * set forward, is read with the offset from before (RFC 5545, section 3.3.5). Zones are those of the IANA database, as the runtime has it.
 */
import { formatInstant, type Instant, looksLikeInstant } from './instant.ts';

/** The zone of a column that states none: Rails, Ecto and Prisma keep UTC. */
export const UTC = 'UTC';

const LOCAL = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.\d+)?$/;
const DAY_MS = 86_400_000;
/** Beyond these the calendar of the runtime counts otherwise; the offsets there are those of these days. */
const [FIRST, LAST] = [Date.UTC(100, 0, 1), Date.UTC(9999, 11, 1)];
const clocks = new Map<string, Intl.DateTimeFormat>();

export function isZone(name: string): boolean {
  try {
    return clockOf(name) !== undefined;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** The local time of an instant, with its offset: a column with and one without a zone both read it right. */
export function localTime(instant: Instant, zone: string): string {
  if (zone === UTC) return formatInstant(instant);
  const offset = offsetAt(instant, zone);
  const local = formatInstant(instant + offset);
  // A year beyond those that have four digits is spelled in UTC: no column is told a wrong one.
  return looksLikeInstant(local) ? `${local.slice(0, -1)}${offsetText(offset)}` : formatInstant(instant);
}

/** The instant of a text of a `timestamp` column, cut to the second; undefined: it is no local time. */
export function instantOfLocal(text: string, zone: string): Instant | undefined {
  const parts = LOCAL.exec(text);
  if (parts === null) return undefined;
  const local = Date.parse(`${parts[1]}T${parts[2]}Z`);
  // 30 February is taken for 2 March.
  if (Number.isNaN(local) || !formatInstant(local).startsWith(`${parts[1]}`)) return undefined;
  if (zone === UTC) return local;
  const before = offsetAt(local - DAY_MS, zone);
  const meant = [before, offsetAt(local + DAY_MS, zone)]
    .map((offset) => local - offset)
    .filter((instant) => instant + offsetAt(instant, zone) === local);
  return meant.length === 0 ? local - before : Math.min(...meant);
}

/** The text of a column that holds a point in time, as an instant: with an offset, or local to the zone. Others stay as they are. */
export function asInstant(text: string, zone: string): string {
  const instant = instantOfLocal(text, zone);
  if (instant === undefined) return text;
  const spelled = formatInstant(instant);
  return looksLikeInstant(spelled) ? spelled : text;
}

/** In milliseconds, to be added to UTC. */
function offsetAt(instant: Instant, zone: string): number {
  const at = Math.min(Math.max(Math.floor(instant / 1000) * 1000, FIRST), LAST);
  const parts: Partial<Record<Intl.DateTimeFormatPartTypes, string>> = {};
  for (const { type, value } of clockOf(zone).formatToParts(at)) parts[type] = value;
  const { year = '', month, day, hour, minute, second } = parts;
  return Date.parse(`${year.padStart(4, '0')}-${month}-${day}T${hour}:${minute}:${second}Z`) - at;
}

function clockOf(zone: string): Intl.DateTimeFormat {
  const known = clocks.get(zone);
  if (known !== undefined) return known;
  const twoDigits = {
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  } as const;
  const clock = new Intl.DateTimeFormat('en-US', {
    ...twoDigits,
    ...{ year: 'numeric', hourCycle: 'h23', calendar: 'gregory', timeZone: zone },
  });
  clocks.set(zone, clock);
  return clock;
}

/** `+02:00`; before zones were introduced a place had seconds, too. */
function offsetText(offset: number): string {
  const seconds = Math.abs(offset) / 1000;
  const parts = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map((part) =>
    String(Math.floor(part)).padStart(2, '0'),
  );
  return `${offset < 0 ? '-' : '+'}${parts.slice(0, parts[2] === '00' ? 2 : 3).join(':')}`;
}
