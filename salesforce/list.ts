/** Listings for the sweep: records page by page, and the delete log. */

import type { ListedRecord, LoggedDelete } from '../core/agreement/sweep.ts';
import { InvariantError } from '../core/errors.ts';
import type { ObjectMapping } from '../core/mapping/configuration.ts';
import { parseInstant } from '../core/mapping/instant.ts';
import { toId18 } from '../core/mapping/salesforce-id.ts';
import { parseRecord, readFields } from '../core/mapping/salesforce-record.ts';
import { API_VERSION, answeredCode, callFailed, calling, inSession, type SalesforceConnection } from './connection.ts';
import { withKnownFields } from './known-fields.ts';

export interface Listing {
  readonly records: readonly ListedRecord[];
  /** Where the next call goes on; undefined: that was all. */
  readonly locator: string | undefined;
}

interface Page {
  readonly done: boolean;
  readonly nextRecordsUrl?: string;
  readonly records: readonly unknown[];
}

/**
 * Lists records, live and in the recycle bin, that were stamped at or after `from`; without it all of them. Ends after
 * the page with which `limit` is reached. Throws RetryableError when the cursor of `locator` has expired.
 */
export async function listRecords(
  connection: SalesforceConnection,
  mapping: ObjectMapping,
  { from, locator, limit }: { readonly from?: number; readonly locator?: string; readonly limit: number },
): Promise<Listing> {
  const records: ListedRecord[] = [];
  const first = (known: ObjectMapping) => get<Page>(connection, queryUrl(known, from));
  let page = await (locator === undefined
    ? withKnownFields(connection, mapping, first)
    : get<Page>(connection, locator));
  let url: string | undefined;
  for (;;) {
    records.push(...page.records.map((value) => parseListed(mapping, value)));
    url = page.done ? undefined : page.nextRecordsUrl;
    if (url === undefined || records.length >= limit) break;
    page = await get<Page>(connection, url);
  }
  return { records, locator: url };
}

function queryUrl(mapping: ObjectMapping, from: number | undefined): string {
  const since = from === undefined ? '' : ` WHERE ${mapping.stampField} >= ${new Date(from).toISOString()}`;
  const soql = `SELECT ${readFields(mapping).join(',')} FROM ${mapping.object}${since}`;
  return `/services/data/v${API_VERSION}/queryAll?q=${encodeURIComponent(soql)}`;
}

function parseListed(mapping: ObjectMapping, value: unknown): ListedRecord {
  const { Id, IsDeleted, [mapping.stampField]: stamped } = value as Readonly<Record<string, unknown>>;
  const stamp = typeof stamped === 'string' ? parseInstant(stamped) : undefined;
  if (stamp === undefined) throw unreadable(`a record without a ${mapping.stampField}`);
  const { version } = parseRecord(mapping, value);
  return { id: idOf(Id), stamp, deleted: IsDeleted === true, fields: version?.fields };
}

function get<T>(connection: SalesforceConnection, url: string): Promise<T> {
  return calling(connection, async () => await connection.request<T>(url));
}

const MINUTE_MS = 60_000;
/** What is answered of an object that is not replicateable is not documented; these are what other calls answer of such. */
const NO_LOG = ['INVALID_REPLICATION_DATE', 'INVALID_TYPE_FOR_OPERATION', 'INVALID_TYPE'];

/**
 * What Salesforce's delete log holds between two moments, cut to whole minutes. undefined: the log does not reach back
 * that far, for it is cut off when it grows too long, or there is none of the object, whose describe then says that it is not
 * replicateable (REST API Developer Guide, Get Deleted).
 */
export async function listDeleted(
  connection: SalesforceConnection,
  object: string,
  from: number,
  until: number,
): Promise<readonly LoggedDelete[] | undefined> {
  const time = (at: number) => encodeURIComponent(`${new Date(at).toISOString().slice(0, 19)}+00:00`);
  const url = `/services/data/v${API_VERSION}/sobjects/${object}/deleted/?start=${time(from)}&end=${time(until)}`;
  try {
    const answer = await inSession(
      connection,
      async () => await connection.request<{ readonly deletedRecords: readonly unknown[] }>(url),
    );
    return answer.deletedRecords.map(parseDeleted);
  } catch (error) {
    const code = answeredCode(error);
    if (code !== undefined && NO_LOG.includes(code)) return undefined;
    // More than 600,000 ids are asked for in parts. Both ends are inclusive, and at least a minute lies between them.
    const middle = Math.floor((from + until) / 2 / MINUTE_MS) * MINUTE_MS;
    if (code !== 'EXCEEDED_ID_LIMIT' || middle - from < 2 * MINUTE_MS) throw callFailed(error);
    const older = await listDeleted(connection, object, from, middle);
    const newer = await listDeleted(connection, object, middle, until);
    return older === undefined && newer === undefined ? undefined : [...(older ?? []), ...(newer ?? [])];
  }
}

function parseDeleted(value: unknown): LoggedDelete {
  const { id, deletedDate } = value as Readonly<Record<string, unknown>>;
  const deletedAt = typeof deletedDate === 'string' ? parseInstant(deletedDate) : undefined;
  if (deletedAt === undefined) throw unreadable('a deletion without a date');
  return { id: idOf(id), deletedAt };
}

function idOf(value: unknown): string {
  const id = typeof value === 'string' ? toId18(value) : undefined;
  if (id === undefined) throw unreadable('a record without a valid id');
  return id;
}

function unreadable(what: string): InvariantError {
  return new InvariantError('UNREADABLE_LISTING', `Salesforce listed ${what}.`);
}
