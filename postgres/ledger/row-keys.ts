/**
 * Which row is a record's, where the application has changed keys, or moved Salesforce ids from row to row: the row that
 * carries the record's id. A link's key is only how it finds that row, and a row under it that carries the id of another
 * linked record is that record's row. (What else stands in the column, such as an empty text, is no other record.)
 */
import pg from 'pg';
import type { Link } from '../../core/agreement/link.ts';
import { letGo } from '../../core/agreement/row-identity.ts';
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import { query, type Session } from '../session/connection.ts';
import type { InForceMapping } from '../tables/column-numbers.ts';
import { keyDocuments, keyOf, sameKey } from '../tables/key-columns.ts';
import { isOfObject } from '../tables/row-filter.ts';
import type { StoredRow } from '../tables/rows.ts';
import { rowsOf, tableOf } from '../tables/rows.ts';
import { carriedIds } from '../tables/salesforce-ids.ts';
import { type LinkChange, lockLinks, saveLinks } from './links.ts';

const name = pg.escapeIdentifier;

/** Of the rows that were found under the keys of links, the keys of those that are rows of other records. */
export async function keysOfOthers(
  session: Session,
  { object }: ObjectMapping,
  links: Iterable<Link>,
  rows: ReadonlyMap<string, StoredRow>,
): Promise<Set<string>> {
  const doubtful = [...links].flatMap(({ rowKey, salesforceId }) => {
    const row = rowKey === undefined ? undefined : rows.get(rowKey);
    return row?.salesforceId === undefined || row.salesforceId === salesforceId ? [] : [row];
  });
  if (doubtful.length === 0) return new Set();
  const { rows: linked } = await query<{ id: string }>(
    session,
    'select salesforce_id as id from sfsync.link where object = $1 and salesforce_id = any ($2::text[])',
    [object, doubtful.map(({ salesforceId }) => salesforceId)],
  );
  const others = new Set(linked.map(({ id }) => id));
  return new Set(doubtful.flatMap(({ key, salesforceId = '' }) => (others.has(salesforceId) ? key : [])));
}

/** A row that is a record's by the id it carries. */
export interface Carrier {
  readonly key: string;
  readonly id: string;
}

/**
 * Of the keys, those of rows that carry the id of a record which is not linked to them: that has no link, or another key. A
 * row that is linked already belongs to another record only if that one is linked, too. A partitioned table has no unique index on
 * the id: there a row is no carrier while the row of the link still has that id, for then it is a copy.
 */
export async function findCarriers(
  session: Session,
  mapping: InForceMapping,
  keys: readonly string[],
): Promise<Carrier[]> {
  const [key, id] = [keyOf(mapping, 't'), name(mapping.salesforceIdColumn)];
  const isCopy = `exists (select from ${rowsOf(mapping)} o where o.${id} = i.salesforce_id and ${keyOf(mapping, 'o')} = i.row_key)`;
  const { rows } = await query<Carrier>(
    session,
    `select ${key} as key, t.${id} as id
       from jsonb_populate_recordset(null::${tableOf(mapping)}, $2::jsonb) x join ${rowsOf(mapping)} t on ${sameKey(mapping, 't', 'x')}
       left join sfsync.link k on k.object = $1 and k.row_key = ${key}
       left join sfsync.link i on i.object = $1 and i.salesforce_id = t.${id}
      where t.${id} is not null and ${isOfObject(mapping, 't')} and (k.id is null or i.id <> k.id) ${mapping.tableFacts?.kind === 'p' ? `and not ${isCopy}` : ''}`,
    [mapping.object, keyDocuments(mapping, keys)],
  );
  return rows;
}

/** Of the keys, those of rows that carry no id and have no link. */
export async function findNewRows(
  session: Session,
  mapping: ObjectMapping,
  keys: readonly string[],
): Promise<string[]> {
  const key = keyOf(mapping, 't');
  const { rows } = await query<{ key: string }>(
    session,
    `select ${key} as key
       from jsonb_populate_recordset(null::${tableOf(mapping)}, $2::jsonb) x join ${rowsOf(mapping)} t on ${sameKey(mapping, 't', 'x')}
      where t.${name(mapping.salesforceIdColumn)} is null and ${isOfObject(mapping, 't')}
        and not exists (select from sfsync.link l where l.object = $1 and l.row_key = ${key})`,
    [mapping.object, keyDocuments(mapping, keys)],
  );
  return rows.map((row) => row.key);
}

/** The base, with the key that the record was given for its row: see `underKey`. `$3`: the external id field. */
const FORMER_KEY = `case when $3::text is null or l.base is null or (l.base::jsonb) ? $3::text then l.base
  else (l.base::jsonb || jsonb_build_object($3::text, l.row_key))::json end`;

/**
 * Makes room for links that are to get these keys: each of them, and each other link, that has one lets go of it, for a key may
 * stand in one link only. The others are looked at again (`letGo`). Answers what became of these.
 */
export async function makeRoom(
  session: Session,
  mapping: ObjectMapping,
  carriers: readonly Carrier[],
): Promise<readonly LinkChange[]> {
  if (carriers.length === 0) return [];
  const { object } = mapping;
  const ids = carriers.map(({ id }) => id);
  await query(
    session,
    `with carrying as (select l.id from sfsync.link l
                        where l.object = $1 and l.salesforce_id = any ($2::text[]) and l.row_key is not null
                        order by l.salesforce_id for update)
     update sfsync.link l set row_key = null, base = ${FORMER_KEY} from carrying where l.id = carrying.id`,
    [object, ids, mapping.externalIdField ?? null],
  );
  const others = await lockLinks(session, object, {
    where: 'l.row_key = any ($2::text[]) and l.salesforce_id <> all ($3::text[])',
    values: [carriers.map(({ key }) => key), ids],
  });
  const elsewhere = new Set(await carriedIds(session, mapping, [...others.keys()]));
  const changes = [...others].map(([id, { linkId, link }]): LinkChange => {
    return { linkId, before: link, after: letGo(mapping, link, elsewhere.has(id)) };
  });
  await saveLinks(
    session,
    changes.map(({ linkId, before, after }) => ({ linkId, stored: before, link: after })),
  );
  return changes;
}
