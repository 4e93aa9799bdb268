/**
 * Both sides of an object compared, in temporary tables of the session: which records and rows there are, and how often
 * each key occurs. Set by set, so that memory does not grow with the data. Nothing outside the temporary tables is written.
 */
import { z } from 'zod';
import type { AmbiguousKey, LoadCounts } from '../../core/agreement/first-load.ts';
import { placeKey } from '../../core/agreement/first-load.ts';
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import { lookupsOf } from '../../core/mapping/lookups.ts';
import { addInsertions } from '../../postgres/ledger/mark-due.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { inTransaction, query } from '../../postgres/session/connection.ts';
import { quoteName } from '../../postgres/session/quote.ts';
import { keyOf } from '../../postgres/tables/key-columns.ts';
import { columnText, readKey } from '../../postgres/tables/matching-key.ts';
import { isOfObject } from '../../postgres/tables/row-filter.ts';
import { rowsOf } from '../../postgres/tables/rows.ts';
import type { KeyPair } from '../../postgres/tables/salesforce-ids.ts';

/** Rows in one fetch. */
const FETCH_ROWS = 10_000;

/** Makes the tables, empty; they are gone with the session, whose values have the text forms that `fromPostgres` reads. */
export async function beginLoad(session: Session): Promise<void> {
  await query(session, "set datestyle to 'ISO, YMD'; set timezone to 'UTC'; set intervalstyle to 'postgres'");
  await query(
    session,
    `drop table if exists pg_temp.load_record, pg_temp.load_row, pg_temp.load_key;
     create temporary table load_record (salesforce_id text collate "C" primary key, key text collate "C",
       linked boolean not null default false, has_row boolean not null default false);
     create temporary table load_row (row_key text collate "C" primary key, salesforce_id text collate "C",
       key text collate "C", linked boolean not null default false);
     create temporary table load_key (key text collate "C" primary key, records int not null, free_records int not null,
       rows int not null, free_rows int not null, place text);`,
  );
}

/** Keeps a page of records. A record that two pages show is one record. */
export async function storeRecords(
  session: Session,
  records: readonly { readonly id: string; readonly key: string | undefined }[],
): Promise<void> {
  await query(
    session,
    `insert into load_record (salesforce_id, key) select * from unnest($1::text[], $2::text[]) on conflict do nothing`,
    [records.map(({ id }) => id), records.map(({ key }) => key ?? null)],
  );
}

/** Reads all rows of the table in one snapshot and keeps what matching needs of them. `progress` gets their number. */
export async function storeRows(
  session: Session,
  mapping: ObjectMapping,
  progress: (rows: number) => void,
): Promise<void> {
  const { salesforceIdColumn, deletedAtColumn, matchBy } = mapping;
  const gone = deletedAtColumn === undefined ? 'false' : `${quoteName(deletedAtColumn)} is not null`;
  await inTransaction(session, async () => {
    await query(
      session,
      `declare load_rows no scroll cursor for
         select ${keyOf(mapping, 't')} as row_key, ${quoteName(salesforceIdColumn)} as salesforce_id, ${gone} as gone,
                ${matchBy === undefined ? 'null' : columnText(matchBy)} as match
           from ${rowsOf(mapping)} t where ${isOfObject(mapping, 't')}`,
    );
    for (let count = 0; ; ) {
      const { rows } = await query<{
        row_key: string;
        salesforce_id: string | null;
        gone: boolean;
        match: string | null;
      }>(session, `fetch ${FETCH_ROWS} from load_rows`);
      if (rows.length === 0) break;
      // A row that counts as gone belongs to the record whose id it carries, if it carries one.
      const kept = rows.filter((row) => !row.gone || row.salesforce_id !== null);
      await query(
        session,
        `insert into load_row (row_key, salesforce_id, key) select * from unnest($1::text[], $2::text[], $3::text[])`,
        [
          kept.map((row) => row.row_key),
          kept.map((row) => row.salesforce_id),
          kept.map((row) => (row.gone ? null : ((matchBy && readKey(matchBy, row.match)) ?? null))),
        ],
      );
      count += rows.length;
      progress(count);
    }
  });
}

/** Joins both sides and the links, and decides each key. */
export async function compareStored(session: Session, object: string): Promise<void> {
  await query(session, 'analyze load_record; analyze load_row');
  await query(
    session,
    `update load_row w set linked = true from sfsync.link l
      where l.object = $1 and l.row_key = w.row_key and l.base is not null`,
    [object],
  );
  await query(
    session,
    `update load_record r set linked = true from sfsync.link l
      where l.object = $1 and l.salesforce_id = r.salesforce_id and l.base is not null`,
    [object],
  );
  await query(
    session,
    `update load_record r set has_row = true from load_row w where w.salesforce_id = r.salesforce_id`,
  );
  await query(
    session,
    `insert into load_key (key, records, free_records, rows, free_rows)
     select key, sum(record), sum(free_record), sum(row), sum(free_row) from (
       select key, 1 as record, (not linked and not has_row)::int as free_record, 0 as row, 0 as free_row from load_record
       union all
       select key, 0, 0, 1, (not linked and salesforce_id is null)::int from load_row) side
     where key is not null group by key`,
  );
  const { rows } = await query<{ records: number; free_records: number; rows: number; free_rows: number }>(
    session,
    `select distinct ${AT_MOST_TWO} from load_key k`,
  );
  const kinds = rows.map((kind) => ({
    ...kind,
    place: placeKey({
      records: kind.records,
      freeRecords: kind.free_records,
      rows: kind.rows,
      freeRows: kind.free_rows,
    }),
  }));
  await query(
    session,
    `update load_key k set place = kind.place
       from jsonb_to_recordset($1::jsonb) as kind (records int, free_records int, rows int, free_rows int, place text)
      where (kind.records, kind.free_records, kind.rows, kind.free_rows)
          = (least(k.records, 2), least(k.free_records, 2), least(k.rows, 2), least(k.free_rows, 2))`,
    [JSON.stringify(kinds)],
  );
  await query(session, 'create index on load_record (key); create index on load_row (key); analyze load_key');
}

/** What `placeKey` has to know of the counts of a key. */
const AT_MOST_TWO = `least(k.records, 2) as records, least(k.free_records, 2) as free_records,
  least(k.rows, 2) as rows, least(k.free_rows, 2) as free_rows`;

/** A free record has no link, and no row carries its id. Without a key it is on its side only, as a free row is. */
const RECORD_PLACE = `case when r.linked then 'linked' when r.has_row then 'by id' else coalesce(k.place, 'apart') end`;
const ROW_PLACE = `case when w.salesforce_id is not null
  then case when exists (select from load_record r where r.salesforce_id = w.salesforce_id) then 'by id' else 'not live' end
  when w.linked then 'linked' else coalesce(k.place, 'apart') end`;

const counts = z.array(z.object({ place: z.string(), count: z.coerce.number() }));

export async function countPlaces(session: Session): Promise<LoadCounts> {
  const records = await countsOf(
    session,
    `${RECORD_PLACE} as place from load_record r left join load_key k using (key)`,
  );
  const rows = await countsOf(session, `${ROW_PLACE} as place from load_row w left join load_key k using (key)`);
  return {
    records: {
      linked: records('linked'),
      byId: records('by id'),
      byKey: records('pair'),
      onlyInSalesforce: records('apart'),
      ambiguous: records('ambiguous'),
    },
    rows: { onlyInPostgres: rows('apart'), ambiguous: rows('ambiguous'), idNotLive: rows('not live') },
  };
}

async function countsOf(session: Session, places: string): Promise<(place: string) => number> {
  const { rows } = await query(session, `select place, count(*) from (select ${places}) each group by place`);
  const found = new Map(counts.parse(rows).map(({ place, count }) => [place, count]));
  return (place) => found.get(place) ?? 0;
}

/** Keys that several records or rows share, up to `limit` of them. */
export async function listAmbiguous(session: Session, limit: number): Promise<AmbiguousKey[]> {
  const { rows } = await query<{ ids: string[]; keys: string[] }>(
    session,
    `select array(select salesforce_id from load_record r where r.key = k.key order by 1) as ids,
            array(select row_key from load_row w where w.key = k.key order by 1) as keys
       from load_key k where k.place = 'ambiguous' order by k.key limit $1`,
    [limit],
  );
  return rows.map(({ ids, keys }) => ({ salesforceIds: ids, rowKeys: keys }));
}

/** Records that belong to a row by their key, in the order of their id; `after` the id that the page before ended with. */
export async function pairsByKey(session: Session, after: string, limit: number): Promise<KeyPair[]> {
  const { rows } = await query<{ id: string; row_key: string; key: string }>(
    session,
    `select r.salesforce_id as id, w.row_key, k.key from load_record r join load_key k using (key) join load_row w using (key)
      where k.place = 'pair' and r.salesforce_id > $1 order by r.salesforce_id limit $2`,
    [after, limit],
  );
  return rows.map(({ id, row_key, key }) => ({ salesforceId: id, rowKey: row_key, key }));
}

/** Takes records out of what is to be linked: the row that belongs to each cannot have its id, and another would be wrong. */
export async function excludeRecords(session: Session, salesforceIds: readonly string[]): Promise<void> {
  await query(
    session,
    `update load_key k set place = 'refused' from load_record r
      where r.key = k.key and r.salesforce_id = any ($1::text[])`,
    [salesforceIds],
  );
}

/** Records that are to be linked or to become rows, in the order of their id. */
export async function recordsToLink(session: Session, after: string, limit: number): Promise<string[]> {
  const { rows } = await query<{ id: string }>(
    session,
    `select r.salesforce_id as id from load_record r left join load_key k using (key)
      where ${RECORD_PLACE} in ('by id', 'pair', 'apart') and r.salesforce_id > $1 order by r.salesforce_id limit $2`,
    [after, limit],
  );
  return rows.map(({ id }) => id);
}

/** Objects that `mapping` refers to and of which nothing is linked yet. */
export async function unlinkedParents(session: Session, mapping: ObjectMapping): Promise<string[]> {
  const parents = new Set(lookupsOf(mapping).map(({ references }) => references));
  parents.delete(mapping.object);
  const { rows } = await query<{ parent: string }>(
    session,
    `select parent from unnest($1::text[]) with ordinality as x (parent, place)
      where not exists (select from sfsync.link l where (l.object || '') = x.parent and l.base is not null) order by place`,
    [[...parents]],
  );
  return rows.map(({ parent }) => parent);
}

/** Makes insertions of the rows that are on their side only and still without a record. Answers how many there are. */
export async function markNewRows(session: Session, mapping: ObjectMapping): Promise<number> {
  if (mapping.externalIdField === undefined) return 0;
  const select = `select w.row_key from load_row w left join load_key k using (key)
       join ${rowsOf(mapping)} t on ${keyOf(mapping, 't')} = w.row_key
      where ${ROW_PLACE} = 'apart' and t.${quoteName(mapping.salesforceIdColumn)} is null
        and not exists (select from sfsync.link l where l.object = $1 and l.row_key = w.row_key)`;
  return addInsertions(session, mapping.object, { select, values: [] }, { known: 'left' });
}
