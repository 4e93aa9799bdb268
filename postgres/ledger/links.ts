/**
 * Rows of `sfsync.link`. Links are always locked in the order of their Salesforce id, which is also the order in which apply
 * goes through its sets, and before any row of a mapped table.
 */
import type { Link } from '../../core/agreement/link.ts';
import { newLink } from '../../core/agreement/link.ts';
import type { Session } from '../session/connection.ts';
import { query } from '../session/connection.ts';
import { type CopyColumn, copyRows } from '../session/copy.ts';
import type { LinkColumn, LinkRow, StoredLink } from './link-columns.ts';
import { columnText, isSame, LINK_COLUMNS, LINK_SELECTION, storedLink } from './link-columns.ts';

export type { StoredLink } from './link-columns.ts';

/** Makes links for records that have none. Of two transactions that claim one record, the second waits for the first. */
export async function claimLinks(session: Session, object: string, salesforceIds: readonly string[]): Promise<void> {
  await query(
    session,
    `insert into sfsync.link (object, salesforce_id)
     select $1, id from unnest($2::text[]) as claimed (id)
      where not exists (select from sfsync.link l where l.object = $1 and l.salesforce_id = claimed.id)
      order by id on conflict do nothing`,
    [object, salesforceIds],
  );
}

/** Locks the links of the records and reads them, by Salesforce id. */
export async function lockLinks(
  session: Session,
  object: string,
  salesforceIds: readonly string[],
): Promise<Map<string, StoredLink>> {
  const { rows } = await query<LinkRow>(
    session,
    `select ${LINK_SELECTION}
       from sfsync.link l where object = $1 and salesforce_id = any ($2::text[]) order by salesforce_id for update`,
    [object, salesforceIds],
  );
  return new Map(rows.map((row) => [row.salesforce_id, storedLink(row)]));
}

/** A link to be written. `stored`: as it stands in the table, where that is known. */
export interface LinkWrite extends StoredLink {
  readonly stored?: Link | undefined;
}

/**
 * Writes links back. A column in which none of them differs from what is stored is left alone: most inbound records say
 * nothing new, and then only the revision goes up. `dirty_since` is kept while a link stays dirty: the oldest goes first.
 */
export async function saveLinks(session: Session, links: readonly LinkWrite[]): Promise<void> {
  if (links.length === 0) return;
  const columns = LINK_COLUMNS.filter((column) =>
    links.some(({ stored, link }) => stored === undefined || !isSame(column, stored, link)),
  );
  const plain = columns.filter((column) => !isJson(column));
  const documents = columns.filter(isJson);
  const names = ['id', ...plain.map(({ name }) => name), ...documents.map(({ name }) => name)];
  const arrays = ['bigint', ...plain.map(({ type }) => type)].map((type, i) => `$${i + 1}::${type}[]`);
  const lines = documents.map((_, i) => `string_to_table($${arrays.length + i + 1}, E'\\n')`);
  const assignments = columns.map((column) =>
    isJson(column)
      ? `${column.name} = nullif(x.${column.name}, '')::${column.type}`
      : `${column.name} = x.${column.name}`,
  );
  const dirty = names.includes('dirty') ? 'x.dirty' : 'l.dirty';
  await query(
    session,
    `update sfsync.link l
        set ${[...assignments, `dirty_since = case when ${dirty} then coalesce(l.dirty_since, clock_timestamp()) end`].join(', ')}
       from rows from (unnest(${arrays.join(', ')}) ${lines.map((source) => `, ${source}`).join('')}) as x (${names.join(', ')})
      where l.id = x.id`,
    [
      links.map(({ linkId }) => linkId),
      ...plain.map((column) => links.map(({ link }) => columnText(column, link))),
      ...documents.map((column) => links.map(({ link }) => columnText(column, link) ?? '').join('\n')),
    ],
  );
}

/** Sent as lines, for JSON has no line feed: as elements of an array every quote of it would have to be quoted. */
function isJson({ type }: LinkColumn): boolean {
  return type === 'json' || type === 'jsonb';
}

/** Makes links with their final values. Throws RowRefusedError when one of the records has got a link meanwhile. */
export async function insertLinks(session: Session, object: string, links: readonly Link[]): Promise<void> {
  if (links.length === 0) return;
  const unset = newLink('', undefined);
  const columns = LINK_COLUMNS.filter((column) => links.some((link) => !isSame(column, unset, link)));
  const now = new Date().toISOString();
  const copied: readonly CopyColumn<Link>[] = [
    { name: 'object', of: () => object },
    { name: 'salesforce_id', of: ({ salesforceId }) => salesforceId },
    { name: 'dirty_since', of: ({ dirty }) => (dirty ? now : null) },
    ...columns.map((column) => ({ name: column.name, of: (link: Link) => columnText(column, link) })),
  ];
  await copyRows(session, 'sfsync.link', copied, links);
}

/** Removes links that never got a row, such as a claim whose record turned out to be deleted. */
export async function dropLinks(session: Session, linkIds: readonly string[]): Promise<void> {
  if (linkIds.length === 0) return;
  await query(session, 'delete from sfsync.link where id = any ($1::bigint[])', [linkIds]);
}

/** Marks links due that were just made. */
export async function markDirty(session: Session, object: string, salesforceIds: readonly string[]): Promise<void> {
  if (salesforceIds.length === 0) return;
  await query(
    session,
    `update sfsync.link set dirty = true, dirty_since = clock_timestamp()
      where object = $1 and salesforce_id = any ($2::text[])`,
    [object, salesforceIds],
  );
}
