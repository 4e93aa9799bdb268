/** Dates and datetimes as Salesforce writes them: UTC, one second precision, `.000+0000` at the end. */

/** The wire form of a moment (milliseconds since 1970), cut to its second. Wire forms sort as the moments do. */
export function toDatetime(ms: number): string {
  return `${new Date(Math.floor(ms / 1000) * 1000).toISOString().slice(0, 19)}.000+0000`;
}

const DATETIME = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:?\d{2})$/;

/** Milliseconds since 1970 of an ISO 8601 datetime with offset (`Z`, `+0200`, `+02:00`), or undefined when it is none. */
export function parseDatetime(text: string): number | undefined {
  const match = DATETIME.exec(text);
  if (match === null) return undefined;
  const [, day = '', time = '', offset = ''] = match;
  if (!isDate(day)) return undefined;
  const colonOffset = offset === 'Z' ? 'Z' : `${offset.slice(0, 3)}:${offset.slice(-2)}`;
  const ms = Date.parse(`${day}T${time}${colonOffset}`);
  return Number.isNaN(ms) ? undefined : ms;
}

/** Whether this is a day of the calendar, as `2024-02-29`. */
export function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const ms = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}

/** The RFC 1123 form of HTTP headers. */
export function toHttpDate(ms: number): string {
  return new Date(ms).toUTCString();
}
