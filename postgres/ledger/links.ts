/**
 * Links, and the verb that changes them by a rule. A transaction locks the links of an object in the order of their Salesforce
 * id, before the insertions and before any row of a mapped table. Apply goes through its sets in the same order.
 */
import type { Link } from '../../core/agreement/link.ts';
import { isUntouchedClaim, newLink } from '../../core/agreement/link.ts';
import { byIndex } from '../session/by-index.ts';
import type { Session } from '../session/connection.ts';
import { query, queryTuples } from '../session/connection.ts';
import { type CopyColumn, copyRows } from '../session/copy.ts';
import type { LinkCells, LinkColumn, StoredLink } from './link-columns.ts';
import { columnText, isSame, LINK_COLUMNS, LINK_SELECTION, storedLink } from './link-columns.ts';
import { updateNoting } from './note-due.ts';

export type { StoredLink } from './link-columns.ts';

/**
 * A selection in SQL: of `sfsync.link l` of one object, whose name is `$1`, those for which `where` holds. It takes its
 * values from `$2` on, and joins other tables by `exists (…)`.
 */
export interface LinkSelection {
  readonly where: string;
  readonly values: readonly unknown[];
  /** Where `where` finds links by what costs more than the links: what is asked of each of them again under its lock. */
  readonly still?: LinkSelection;
}

/** All links of an object, in the order of their Salesforce ids: the index for that is found by this expression alone. */
export const IN_ORDER = `(l.object || '') = $1`;

/** Links of an object: by either of their keys, or by a selection. */
export type LinksOf =
  | { readonly salesforceIds: readonly string[] }
  | { readonly rowKeys: readonly string[] }
  | LinkSelection;

/** The links as a selection; undefined: there are none. */
export function selectionOf(which: LinksOf): LinkSelection | undefined {
  if ('where' in which) return which;
  const [column, keys] = 'salesforceIds' in which ? ['salesforce_id', which.salesforceIds] : ['row_key', which.rowKeys];
  return keys.length === 0 ? undefined : { where: `l.${column} = any ($2::text[])`, values: [keys] };
}

/**
 * Makes links for records that have none. Of two transactions that claim one record, the second waits for the first. A claim of
 * the first load has revision 1: dropped, and made again by a file, it is not the same one.
 */
export async function claimLinks(
  session: Session,
  object: string,
  salesforceIds: readonly string[],
  revision: 0 | 1 = 0,
): Promise<void> {
  await query(
    session,
    `insert into sfsync.link (object, salesforce_id, revision)
     select $1, id, $3::bigint from unnest($2::text[]) as claimed (id)
      where not exists (select from sfsync.link l where l.object = $1 and l.salesforce_id = claimed.id)
      order by id on conflict do nothing`,
    [object, salesforceIds, revision],
  );
}

/** Locks links and reads them, by Salesforce id. */
export async function lockLinks(session: Session, object: string, which: LinksOf): Promise<Map<string, StoredLink>> {
  const selection = selectionOf(which);
  if (selection === undefined) return new Map();
  const rows = await queryTuples<LinkCells>(
    session,
    `select ${LINK_SELECTION} from sfsync.link l
      where l.object = $1 and ${selection.where} order by l.salesforce_id for update of l`,
    [object, ...selection.values],
  );
  return new Map(rows.map((cells) => [cells[1], storedLink(cells)]));
}

/** Locks links that are changed later in the transaction, when the rows that are locked after them have been changed. */
export async function holdLinks(session: Session, object: string, which: LinksOf): Promise<void> {
  const selection = selectionOf(which);
  if (selection === undefined) return;
  const sql = `select from sfsync.link l where l.object = $1 and ${selection.where} order by l.salesforce_id for update of l`;
  await query(session, sql, [object, ...selection.values]);
}

/** What becomes of a link; undefined, or the same object: it is left as it is. */
export type LinkRule = (link: Link) => Link | undefined;

export interface LinkChange {
  readonly linkId: string;
  readonly before: Link;
  readonly after: Link;
}

/** Locks the links, asks the rule of each, and saves what it changes. For sets: all of them are in memory at once. */
export async function changeLinks(
  session: Session,
  object: string,
  which: LinksOf,
  rule: LinkRule,
): Promise<readonly LinkChange[]> {
  const locked = await lockLinks(session, object, which);
  const changes = [...locked.values()].flatMap(({ linkId, link: before }): LinkChange[] => {
    const after = rule(before);
    return after === undefined || after === before ? [] : [{ linkId, before, after }];
  });
  await saveLinks(
    session,
    changes.map(({ linkId, before, after }) => ({ linkId, stored: before, link: after })),
  );
  return changes;
}

/** Links that are in memory at a time. */
const PAGE_LINKS = 2_000;

/**
 * Hands a selection of any size to `work` page by page, in the transaction of the caller. The links are found once; one that is
 * no longer selected when its page is locked is not in it. Answers what `work` answers of each page.
 */
export async function inPages<Done>(
  session: Session,
  object: string,
  selection: LinkSelection,
  work: (page: LinkSelection) => Promise<Done>,
): Promise<Done[]> {
  const done: Done[] = [];
  const { where, values, still = selection } = selection;
  const sql = `declare links_in_pages no scroll cursor for
       select l.salesforce_id from sfsync.link l where l.object = $1 and ${where} order by l.salesforce_id`;
  await byIndex(session, () => query(session, sql, [object, ...values]));
  for (;;) {
    const page = await queryTuples<[string]>(session, `fetch ${PAGE_LINKS} from links_in_pages`);
    if (page.length === 0) break;
    // Within `case` no index serves the condition: it would be gone through once more for each page.
    const again = `l.salesforce_id = any ($${still.values.length + 2}::text[]) and case when ${still.where} then true else false end`;
    done.push(await work({ where: again, values: [...still.values, page.map(([id]) => id)] }));
  }
  await query(session, 'close links_in_pages');
  return done;
}

/** As `changeLinks`, for selections of any size. Answers how many links were changed. */
export async function changeAllLinks(
  session: Session,
  object: string,
  which: LinkSelection,
  rule: LinkRule,
): Promise<number> {
  const changed = await inPages(session, object, which, (page) => changeLinks(session, object, page, rule));
  return changed.reduce((sum, { length }) => sum + length, 0);
}

/** A link to be written. `stored`: as it stands in the table, where that is known. */
export interface LinkWrite extends StoredLink {
  readonly stored?: Link | undefined;
}

/**
 * Writes links back. A column in which none of them differs from what is stored is left alone: most inbound records say
 * nothing new, and then only the revision goes up. `dirty_since` is kept while a link stays due: the oldest goes first.
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
  const [dirty, rereadDue] = ['dirty', 'reread_due'].map((name) => `${names.includes(name) ? 'x' : 'l'}.${name}`);
  if (names.includes('dirty') || names.includes('reread_due')) {
    assignments.push(
      `dirty_since = case when ${dirty} or ${rereadDue} then coalesce(l.dirty_since, clock_timestamp()) end`,
    );
  }
  if (assignments.length === 0) return;
  const update = `update sfsync.link l
        set ${assignments.join(', ')}
       from rows from (unnest(${arrays.join(', ')}) ${lines.map((source) => `, ${source}`).join('')}) as x (${names.join(', ')})
      where l.id = x.id`;
  const values = [
    links.map(({ linkId }) => linkId),
    ...plain.map((column) => links.map(({ link }) => columnText(column, link))),
    ...documents.map((column) => links.map(({ link }) => columnText(column, link) ?? '').join('\n')),
  ];
  const isNoted = names.some((name) => DUE_COLUMNS.has(name));
  await (isNoted ? updateNoting(session, update, values) : query(session, update, values));
}

/** What `sfsync.due` follows from. */
const DUE_COLUMNS = new Set(['dirty', 'reread_due', 'due_after', 'push_id', 'push_delivery', 'sent_at']);

/** Sent as lines, for JSON has no line feed: as elements of an array every quote of it would have to be quoted. */
function isJson({ type }: LinkColumn): boolean {
  return type === 'json' || type === 'jsonb';
}

/** Makes links with their final values. Throws RowRefusedError when another transaction has made a link for one of the records. */
export async function insertLinks(session: Session, object: string, links: readonly Link[]): Promise<void> {
  if (links.length === 0) return;
  const unset = newLink('', undefined);
  const columns = LINK_COLUMNS.filter((column) => links.some((link) => !isSame(column, unset, link)));
  const now = new Date().toISOString();
  const copied: readonly CopyColumn<Link>[] = [
    { name: 'object', of: () => object },
    { name: 'salesforce_id', of: ({ salesforceId }) => salesforceId },
    { name: 'dirty_since', of: ({ dirty, rereadDue }) => (dirty || rereadDue ? now : null) },
    ...columns.map((column) => ({ name: column.name, of: (link: Link) => columnText(column, link) })),
  ];
  await copyRows(session, 'sfsync.link', copied, links);
}

/** Removes links, such as a claim whose record turned out to be deleted. */
export async function dropLinks(session: Session, linkIds: readonly string[]): Promise<void> {
  if (linkIds.length === 0) return;
  await query(session, 'delete from sfsync.link where id = any ($1::bigint[])', [linkIds]);
}

/** Gives back claims that came to nothing, such as one whose row was refused. */
export async function dropClaims(session: Session, object: string, salesforceIds: readonly string[]): Promise<void> {
  const links = await lockLinks(session, object, { salesforceIds });
  const untouched = [...links.values()].filter(({ link }) => isUntouchedClaim(link));
  await dropLinks(
    session,
    untouched.map(({ linkId }) => linkId),
  );
}

/**
 * Remembers into which record another was merged. A child may name the loser for a while yet, and wait for it: it is then
 * read again.
 */
export async function noteSurvivors(
  session: Session,
  object: string,
  records: readonly { readonly salesforceId: string; readonly survivor: string | undefined }[],
): Promise<void> {
  const merged = records.filter(({ survivor }) => survivor !== undefined);
  if (merged.length === 0) return;
  await query(
    session,
    `update sfsync.link l set merged_into = x.survivor
       from unnest($2::text[], $3::text[]) as x (id, survivor) where l.object = $1 and l.salesforce_id = x.id`,
    [object, merged.map(({ salesforceId }) => salesforceId), merged.map(({ survivor }) => survivor)],
  );
}
