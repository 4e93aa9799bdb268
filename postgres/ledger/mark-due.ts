/** Postgres as the list of what is due towards Salesforce: the verb that marks records due, by a selection and a reason. */
import pg from 'pg';
import type { DueReason } from '../../core/agreement/due.ts';
import type { ObjectMapping, SyncConfiguration } from '../../core/mapping/configuration.ts';
import { isId18 } from '../../core/mapping/salesforce-id.ts';
import type { Session } from '../session/connection.ts';
import { query } from '../session/connection.ts';
import { type Carrier, freeKeys } from '../tables/row-identity.ts';
import { tableOf } from '../tables/rows.ts';
import { wakeChildren } from './due-children.ts';
import { type LinksOf, selectionOf } from './links.ts';
import { type Reject, reportNews } from './rejects.ts';

const name = pg.escapeIdentifier;

/** As `becomesDue` says of one link. The base is neither read nor written, so that this serves sets of any size. */
const BECOMES_DUE: Readonly<Record<DueReason, string>> = {
  'row changed': 'dirty = true, revision = l.revision + 1',
  'read again': 'reread_due = true, revision = l.revision + 1',
  'written by us': 'dirty = true',
};

/** The oldest is chosen first: a record that is due already keeps its place. */
const KEEPS_ITS_PLACE = 'dirty_since = coalesce(l.dirty_since, clock_timestamp())';

/** Makes links due. Answers how many. */
export async function markLinksDue(
  session: Session,
  object: string,
  which: LinksOf,
  reason: DueReason,
): Promise<number> {
  const selection = selectionOf(which);
  if (selection === undefined) return 0;
  const { rowCount } = await query(
    session,
    `with due as (select l.id from sfsync.link l
                   where l.object = $1 and ${selection.where} order by l.salesforce_id for update of l)
     update sfsync.link l set ${BECOMES_DUE[reason]}, ${KEEPS_ITS_PLACE} from due where l.id = due.id`,
    [object, ...selection.values],
  );
  return rowCount ?? 0;
}

/** Which insertions of an object: by their row keys, all of them, or those that Salesforce has refused. */
export type InsertionsOf = { readonly rowKeys: readonly string[] } | 'all' | 'refused';

/** Makes insertions due: each row is looked at again, and dropped where it is gone. Answers how many. */
export async function markInsertionsDue(session: Session, object: string, which: InsertionsOf): Promise<number> {
  if (typeof which === 'object' && which.rowKeys.length === 0) return 0;
  const chosen =
    typeof which === 'object'
      ? 'l.row_key = any ($2::text[])'
      : `not l.dirty${which === 'refused' ? ' and l.refused is not null' : ''}`;
  const { rowCount } = await query(
    session,
    `with due as (select l.id from sfsync.insertion l where l.object = $1 and ${chosen} order by l.id for update)
     update sfsync.insertion l set dirty = true, ${KEEPS_ITS_PLACE} from due where l.id = due.id`,
    typeof which === 'object' ? [object, which.rowKeys] : [object],
  );
  return rowCount ?? 0;
}

/** Rows that shall become records: by their keys, or by a query for keys, whose `$1` is the object. */
export type NewRowsOf =
  | { readonly rowKeys: readonly string[] }
  | { readonly select: string; readonly values: readonly unknown[] };

/**
 * Makes insertions of new rows, due from the start. What is known of those that have one stays; `known: 'due'` makes these
 * due, too. Answers how many are due now, or were made.
 */
export async function addInsertions(
  session: Session,
  object: string,
  which: NewRowsOf,
  { known }: { readonly known: 'due' | 'left' },
): Promise<number> {
  if ('rowKeys' in which && which.rowKeys.length === 0) return 0;
  const { select, values } =
    'rowKeys' in which ? { select: 'select distinct unnest($2::text[])', values: [which.rowKeys] } : which;
  const { rowCount } = await query(
    session,
    `insert into sfsync.insertion as l (object, row_key)
     select $1, key from (${select}) as wanted (key) order by key
     on conflict (row_key, object) do ${known === 'due' ? `update set dirty = true, ${KEEPS_ITS_PLACE}` : 'nothing'}`,
    [object, ...values],
  );
  return rowCount ?? 0;
}

/** Of these transactions (xid8 as text), those that a new snapshot cannot see: decoded before they became visible. */
export async function invisibleTransactions(session: Session, transactions: readonly string[]): Promise<Set<string>> {
  if (transactions.length === 0) return new Set();
  const { rows } = await query<{ xid: string }>(
    session,
    `select xid from unnest($1::text[]) as x (xid) where not pg_visible_in_snapshot(xid::xid8, pg_current_snapshot())`,
    [transactions],
  );
  return new Set(rows.map(({ xid }) => xid));
}

export interface MarkedKeys {
  readonly marked: number;
  /** New rows that are to become records. */
  readonly inserts: number;
  /** New rows that Salesforce does not have; the object takes no inserts. */
  readonly dropped: number;
  /** What of the rows people were not told before. */
  readonly news: readonly Reject[];
}

/**
 * Marks the links of the keys due. A key without a link may be a row that carries the Salesforce id of one: its key
 * was changed, so it is relinked; or of a record without a link, which gets one and is read from Salesforce first.
 */
export async function markDue(
  session: Session,
  configuration: SyncConfiguration,
  mapping: ObjectMapping,
  keys: readonly string[],
): Promise<MarkedKeys> {
  const wanted = [...new Set(keys)];
  if (mapping.externalIdField !== undefined) await releaseReinserted(session, mapping, wanted);
  const carrying = await findCarriers(session, mapping, wanted);
  const carriers = carrying.filter(({ id }) => isId18(id));
  const news = await reportStrangeIds(
    session,
    mapping,
    wanted,
    carrying.filter(({ id }) => !isId18(id)).map(({ key }) => key),
  );
  if (carriers.length > 0) {
    await freeKeys(session, mapping, carriers);
    await query(
      session,
      `insert into sfsync.link as l (object, salesforce_id, row_key, reread_due, dirty_since)
       select $1, x.id, x.key, true, clock_timestamp() from jsonb_to_recordset($2::jsonb) as x (key text, id text)
        order by x.id
       on conflict (object, salesforce_id) do update set row_key = excluded.row_key`,
      [mapping.object, JSON.stringify(carriers)],
    );
    const parents = carriers.map((carrier) => carrier.key);
    await wakeChildren(session, configuration, mapping, parents);
  }
  const marked = await markLinksDue(session, mapping.object, { rowKeys: wanted }, 'row changed');
  // Only now: a new row may have the key that another one has just given up.
  const unknown = await findNewRows(session, mapping, wanted);
  if (mapping.externalIdField === undefined) return { marked, inserts: 0, dropped: unknown.length, news };
  // Of the others, too, an insertion may be under way whose row is gone now.
  await markInsertionsDue(session, mapping.object, { rowKeys: wanted });
  const inserts = await addInsertions(session, mapping.object, { rowKeys: unknown }, { known: 'due' });
  return { marked, inserts, dropped: 0, news };
}

/**
 * Of the keys, those of rows that carry the id of a record which is not linked to them: that has no link, or another key. A
 * row that is linked already belongs to another record only if that one is linked, too.
 */
async function findCarriers(session: Session, mapping: ObjectMapping, keys: readonly string[]): Promise<Carrier[]> {
  const key = name(mapping.keyColumn);
  const { rows } = await query<Carrier>(
    session,
    `select t.${key}::text as key, t.${name(mapping.salesforceIdColumn)} as id
       from jsonb_populate_recordset(null::${tableOf(mapping)}, $2::jsonb) x join ${tableOf(mapping)} t on t.${key} = x.${key}
       left join sfsync.link k on k.object = $1 and k.row_key = t.${key}::text
       left join sfsync.link i on i.object = $1 and i.salesforce_id = t.${name(mapping.salesforceIdColumn)}
      where t.${name(mapping.salesforceIdColumn)} is not null and (k.id is null or i.id <> k.id)`,
    [mapping.object, JSON.stringify(keys.map((rowKey) => ({ [mapping.keyColumn]: rowKey })))],
  );
  return rows;
}

/** Rows whose id is none: a query that names it would fail, and with it everybody's. Those that were mended are listed no more. */
async function reportStrangeIds(
  session: Session,
  { object, salesforceIdColumn }: ObjectMapping,
  keys: readonly string[],
  strange: readonly string[],
): Promise<Reject[]> {
  await query(
    session,
    `update sfsync.rejected_record set resolved_at = now()
      where object = $1 and code = $2 and resolved_at is null and row_key = any ($3::text[]) and row_key <> all ($4::text[])`,
    [object, NO_SALESFORCE_ID, keys, strange],
  );
  const reason = `Column ${salesforceIdColumn} of the row holds what is no Salesforce id of 18 characters. Write the record's id there, or null.`;
  const rejects = strange.map((rowKey) => ({
    salesforceId: undefined,
    rowKey,
    field: undefined,
    code: NO_SALESFORCE_ID,
    reason,
    line: undefined,
  }));
  return reportNews(session, { object, direction: 'to-salesforce', source: 'row', execution: '' }, rejects);
}

const NO_SALESFORCE_ID = 'NO_SALESFORCE_ID';

/** Of the keys, those of rows that carry no id and have no link. */
async function findNewRows(session: Session, mapping: ObjectMapping, keys: readonly string[]): Promise<string[]> {
  const key = name(mapping.keyColumn);
  const { rows } = await query<{ key: string }>(
    session,
    `select t.${key}::text as key
       from jsonb_populate_recordset(null::${tableOf(mapping)}, $2::jsonb) x join ${tableOf(mapping)} t on t.${key} = x.${key}
      where t.${name(mapping.salesforceIdColumn)} is null
        and not exists (select from sfsync.link l where l.object = $1 and l.row_key = t.${key}::text)`,
    [mapping.object, JSON.stringify(keys.map((rowKey) => ({ [mapping.keyColumn]: rowKey })))],
  );
  return rows.map((row) => row.key);
}

/**
 * A row that is there without a Salesforce id, under the key of a record that is deleted, is a new row: the application
 * has inserted it again, and does not mean that record. The link lets go of the key.
 */
async function releaseReinserted(session: Session, mapping: ObjectMapping, keys: readonly string[]): Promise<void> {
  await query(
    session,
    `with reinserted as (
       select l.id from sfsync.link l
         join jsonb_populate_recordset(null::${tableOf(mapping)}, $2::jsonb) x on x.${name(mapping.keyColumn)}::text = l.row_key
         join ${tableOf(mapping)} t on t.${name(mapping.keyColumn)} = x.${name(mapping.keyColumn)}
        where l.object = $1 and l.base_deleted and l.push_id is null and t.${name(mapping.salesforceIdColumn)} is null
        order by l.salesforce_id for update of l)
     update sfsync.link l set row_key = null, revision = l.revision + 1 from reinserted where l.id = reinserted.id`,
    [mapping.object, JSON.stringify(keys.map((rowKey) => ({ [mapping.keyColumn]: rowKey })))],
  );
}

/** Links marked in one transaction: executions that work on the same object wait for no longer than that. */
const TRUNCATED_LINKS = 20_000;

/**
 * The table was truncated: marks the links due whose row is gone, for the WAL does not say which rows it held. A row that
 * carries the record's id under another key is not gone. Each chunk has a transaction of its own.
 */
export async function markTruncated(
  session: Session,
  mapping: ObjectMapping,
  inTransaction: (work: () => Promise<MarkedLinks>) => Promise<MarkedLinks>,
): Promise<number> {
  const table = tableOf(mapping);
  let total = 0;
  await inTransaction(async () => {
    await markInsertionsDue(session, mapping.object, 'all');
    return { marked: 0, last: null };
  });
  for (let after = '0'; ; ) {
    const { marked, last } = await inTransaction(async () => {
      const { rows } = await query<MarkedLinks>(
        session,
        `with chunk as (select id from sfsync.link where object = $1 and id > $2 order by id limit $3),
              gone as (select l.id from sfsync.link l
                        where l.id in (select id from chunk) and l.row_key is not null and l.base_deleted is false
                          and not exists (select from ${table} t where t.${name(mapping.keyColumn)}::text = l.row_key)
                          and not exists (select from ${table} t where t.${name(mapping.salesforceIdColumn)} = l.salesforce_id)
                        order by l.salesforce_id for update of l),
              due as (update sfsync.link l
                         set dirty = true, dirty_since = coalesce(l.dirty_since, clock_timestamp()), revision = l.revision + 1
                        from gone where l.id = gone.id returning l.id)
         select (select count(*)::int from due) as marked, (select max(id)::text from chunk) as last`,
        [mapping.object, after, TRUNCATED_LINKS],
      );
      return rows[0] ?? { marked: 0, last: null };
    });
    total += marked;
    if (last === null) return total;
    after = last;
  }
}

interface MarkedLinks {
  readonly marked: number;
  /** Id of the last link that was looked at; null: there was none. */
  readonly last: string | null;
}

export { anyDue, anyOpenFlowPush, dueChildren, dueRecords } from './due.ts';
