import { randomUUID } from 'node:crypto';
import { ACCOUNT, AwsError } from '../service.ts';
import type { BusEvent } from './rule.ts';

/** One entry of PutEvents as clients send it. */
export interface PutEventsEntry {
  readonly Source?: string;
  readonly DetailType?: string;
  /** JSON text of an object. */
  readonly Detail?: string;
  readonly Resources?: readonly string[];
  /** Seconds since 1970, ISO 8601 text or a Date. */
  readonly Time?: number | string | Date;
  readonly EventBusName?: string;
}

/** An entry that is refused while the others go on. */
export interface RefusedEntry {
  readonly ErrorCode: string;
  readonly ErrorMessage: string;
}

const MAX_ENTRIES = 10;
const MAX_REQUEST_BYTES = 256 * 1024;
/** What the presence of Time counts for. */
const TIME_BYTES = 14;

/** Checks what holds for the request as a whole. Throws AwsError `ValidationException`. */
export function checkEntries(entries: unknown): readonly PutEventsEntry[] {
  if (!Array.isArray(entries) || entries.length === 0) throw lengthError(entries, 'greater', 1);
  if (entries.length > MAX_ENTRIES) throw lengthError(entries, 'less', MAX_ENTRIES);
  const bytes = entries.reduce((sum: number, entry: PutEventsEntry) => sum + entryBytes(entry), 0);
  if (bytes >= MAX_REQUEST_BYTES) {
    throw new AwsError('ValidationException', 'Total size of the entries in the request is over the limit.');
  }
  return entries;
}

function lengthError(entries: unknown, relation: 'greater' | 'less', bound: number): AwsError {
  const found = Array.isArray(entries) ? `a list of ${entries.length}` : typeof entries;
  return new AwsError(
    'ValidationException',
    `1 validation error detected: Value '${found}' at 'entries' failed to satisfy constraint: ` +
      `Member must have length ${relation} than or equal to ${bound}`,
  );
}

function entryBytes(entry: PutEventsEntry): number {
  const texts = [entry.Source, entry.DetailType, entry.Detail, ...(entry.Resources ?? [])];
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text ?? ''), 0);
  return entry.Time === undefined ? bytes : bytes + TIME_BYTES;
}

/** The event that an entry becomes, or why it is refused. */
export function eventOf(entry: PutEventsEntry, region: string, now: number): BusEvent | RefusedEntry {
  for (const name of ['Source', 'DetailType', 'Detail'] as const) {
    if (entry[name] !== undefined && entry[name] !== '') continue;
    const ErrorMessage = `Parameter ${name} is not valid. Reason: ${name} is a required argument.`;
    return { ErrorCode: 'InvalidArgument', ErrorMessage };
  }
  const { Source = '', DetailType = '', Detail = '', Resources = [] } = entry;
  if (/^aws\./i.test(Source)) {
    return { ErrorCode: 'NotAuthorizedForSourceException', ErrorMessage: 'Not authorized for the source.' };
  }
  if (DetailType.length > 128) {
    const ErrorMessage = 'Parameter DetailType is not valid. Reason: DetailType must be at most 128 characters long.';
    return { ErrorCode: 'InvalidArgument', ErrorMessage };
  }
  const detail = jsonObject(Detail);
  if (detail === undefined) return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
  const time = entry.Time === undefined ? now : milliseconds(entry.Time);
  if (Number.isNaN(time)) {
    const ErrorMessage = 'Parameter Time is not valid. Reason: Time must be a timestamp.';
    return { ErrorCode: 'InvalidArgument', ErrorMessage };
  }
  return busEvent({ source: Source, 'detail-type': DetailType, resources: Resources, detail }, region, time);
}

/** Completes an event. `time` is in milliseconds since 1970. */
export function busEvent(
  given: Pick<BusEvent, 'source' | 'detail-type' | 'resources' | 'detail'>,
  region: string,
  time: number,
): BusEvent {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': given['detail-type'],
    source: given.source,
    account: ACCOUNT,
    time: new Date(time).toISOString().replace(/\.\d{3}Z$/, 'Z'),
    region,
    resources: given.resources,
    detail: given.detail,
  };
}

function milliseconds(time: number | string | Date): number {
  if (typeof time === 'number') return time * 1000;
  return typeof time === 'string' ? Date.parse(time) : time.getTime();
}

function jsonObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
