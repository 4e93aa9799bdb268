/** The ids of records in the rows. */
import pg from 'pg';
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import type { Session } from '../session/connection.ts';
import { query, queryTuples } from '../session/connection.ts';
import { keyDocument, sameKey } from './key-columns.ts';
import { rowsOf, tableOf } from './rows.ts';

const name = pg.escapeIdentifier;

/** A record and the row that has its key. */
export interface KeyPair {
  readonly salesforceId: string;
  readonly rowKey: string;
  /** A value of both sides: it is compared once more, and reported nowhere. */
  readonly key: string;
}

/** Writes ids into rows, unless another row carries them. Answers how many it wrote. */
export async function writeIds(session: Session, mapping: ObjectMapping, pairs: readonly KeyPair[]): Promise<number> {
  const id = name(mapping.salesforceIdColumn);
  const { rowCount } = await query(
    session,
    `update ${rowsOf(mapping)} t set ${id} = x.${id}
       from jsonb_populate_recordset(null::${tableOf(mapping)}, $1::jsonb) x
      where ${sameKey(mapping, 't', 'x')} and not exists (select from ${rowsOf(mapping)} o where o.${id} = x.${id})`,
    [
      JSON.stringify(
        pairs.map(({ salesforceId, rowKey }) => ({
          ...keyDocument(mapping, rowKey),
          [mapping.salesforceIdColumn]: salesforceId,
        })),
      ),
    ],
  );
  return rowCount ?? 0;
}

/** Writes the ids of records into their rows. */
export async function writeSalesforceIds(
  session: Session,
  mapping: ObjectMapping,
  pairs: readonly { readonly rowKey: string; readonly salesforceId: string }[],
): Promise<void> {
  if (pairs.length === 0) return;
  const id = name(mapping.salesforceIdColumn);
  const values = pairs.map(({ rowKey, salesforceId }) => ({
    ...keyDocument(mapping, rowKey),
    [mapping.salesforceIdColumn]: salesforceId,
  }));
  await query(
    session,
    `update ${rowsOf(mapping)} t set ${id} = x.${id}
       from jsonb_populate_recordset(null::${tableOf(mapping)}, $1::jsonb) x
      where ${sameKey(mapping, 't', 'x')} and t.${id} is distinct from x.${id}`,
    [JSON.stringify(values)],
  );
}

/** Which of these Salesforce ids a row carries. */
export async function carriedIds(
  session: Session,
  mapping: ObjectMapping,
  salesforceIds: readonly string[],
): Promise<string[]> {
  if (salesforceIds.length === 0) return [];
  const id = name(mapping.salesforceIdColumn);
  const sql = `select ${id} from ${rowsOf(mapping)} where ${id} = any ($1::text[])`;
  return (await queryTuples<[string]>(session, sql, [salesforceIds])).map(([found]) => found);
}
