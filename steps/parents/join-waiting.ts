/** Children that came before their parents. */
import pg from 'pg';
import type { FieldMapping, ObjectMapping } from '../../core/mapping/configuration.ts';
import { mappingOf } from '../../core/mapping/configuration.ts';
import type { Reject } from '../../postgres/ledger/rejects.ts';
import { rejectOf, reportRejects } from '../../postgres/ledger/rejects.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { query } from '../../postgres/session/connection.ts';
import { bisect } from '../../postgres/session/savepoint.ts';
import { tableOf } from '../../postgres/tables/rows.ts';
import type { StepContext } from '../step.ts';
import { CHILDREN_EXIST, requiredLookups } from './required-parents.ts';

const name = pg.escapeIdentifier;

export interface Joined {
  /** Objects of which records have become due: they have to be read again. */
  readonly due: readonly string[];
}

/** Objects other than the one that was written of which records are due now, each once. */
export function othersDue({ object }: ObjectMapping, joined: Joined, children: readonly string[]): string[] {
  return [...new Set([...joined.due, ...children])].filter((each) => each !== object);
}

/**
 * Joins waiting children of the object, and children that wait for a record of it, to the parents that have landed; and
 * takes up again what a parent or a child had kept from being written. Runs in a transaction of its own after the one that
 * wrote: of a parent's and a child's transactions, whichever commits last sees the other, so no pair is overlooked.
 */
export async function joinWaiting(context: StepContext, source: string): Promise<Joined> {
  const { session, configuration, mapping } = context;
  const due = new Set<string>();
  for (const child of configuration.objects) {
    const required = new Set((await requiredLookups(session, child)).map(({ field }) => field));
    for (const field of child.fields) {
      if (field.references === undefined) continue;
      if (child.object !== mapping.object && field.references !== mapping.object) continue;
      const parent = mappingOf(configuration, field.references);
      if (await readMerged(session, child, field, parent)) due.add(child.object);
      if (!required.has(field.field)) {
        if (await joinField(context, source, child, field, parent)) due.add(child.object);
      } else {
        if (await readOrphans(session, child, field, parent)) due.add(child.object);
        if (await readParents(session, child, field, parent)) due.add(parent.object);
      }
    }
  }
  return { due: [...due] };
}

async function joinField(
  { session, execution }: StepContext,
  source: string,
  child: ObjectMapping,
  field: FieldMapping,
  parent: ObjectMapping,
): Promise<boolean> {
  const { rows } = await query<Joinable>(
    session,
    `select l.id::text as link_id, l.salesforce_id, l.row_key, p.${name(parent.keyColumn)}::text as parent_key
       from sfsync.link l
       join ${tableOf(parent)} p on p.${name(parent.salesforceIdColumn)} = l.waiting ->> $2
      where l.object = $1 and l.waiting <> '{}' and l.waiting ? $2
      order by l.salesforce_id for update of l for key share of p`,
    [child.object, field.field],
  );
  const refused: Reject[] = [];
  const parts = await bisect(
    session,
    rows,
    (part) => fill(session, child, field, part),
    ({ salesforce_id, row_key }, { code, message }) => {
      const reject = rejectOf({ id: salesforce_id, code, reason: message, field: field.field });
      refused.push({ ...reject, rowKey: row_key ?? undefined });
    },
  );
  // Those that the table refuses go on waiting, and are tried again with the next file.
  await reportRejects(session, { object: child.object, direction: 'to-postgres', source, execution }, refused);
  return parts.includes(true);
}

interface Joinable {
  readonly link_id: string;
  readonly salesforce_id: string;
  readonly row_key: string | null;
  readonly parent_key: string;
}

/** As `join` in core/agreement/references.ts says of each. Answers whether one of them has become due. */
async function fill(session: Session, child: ObjectMapping, field: FieldMapping, part: readonly Joinable[]) {
  const key = name(child.keyColumn);
  const column = name(field.column);
  const filled = part.map((row) => ({ [child.keyColumn]: row.row_key, [field.column]: row.parent_key }));
  await query(
    session,
    `update ${tableOf(child)} t set ${column} = x.${column}
       from jsonb_populate_recordset(null::${tableOf(child)}, $1::jsonb) x
      where t.${key} = x.${key} and t.${column} is null`,
    [JSON.stringify(filled)],
  );
  await query(session, 'set constraints all immediate');
  const { rows } = await query<{ due: boolean }>(
    session,
    `update sfsync.link l
        set waiting = l.waiting - $2, revision = l.revision + 1, dirty = l.dirty or x.due,
            dirty_since = coalesce(l.dirty_since, case when x.due then clock_timestamp() end)
       from (select id, base ->> $2 is distinct from waiting ->> $2 as due
               from sfsync.link where id = any ($1::bigint[])) x
      where l.id = x.id returning x.due`,
    [part.map(({ link_id }) => link_id), field.field],
  );
  await query(
    session,
    `update sfsync.rejected_record set resolved_at = now()
      where object = $1 and direction = 'to-postgres' and field = $2 and salesforce_id = any ($3::text[])
        and resolved_at is null`,
    [child.object, field.field, part.map(({ salesforce_id }) => salesforce_id)],
  );
  return rows.some(({ due }) => due);
}

const READ_AGAIN = `reread_due = true, dirty_since = coalesce(dirty_since, clock_timestamp()), revision = revision + 1`;

/**
 * Children that wait for a record which was merged into another. Salesforce has moved them to the survivor, and whether it has
 * stamped them is not documented.
 */
async function readMerged(session: Session, child: ObjectMapping, { field }: FieldMapping, parent: ObjectMapping) {
  const { rowCount } = await query(
    session,
    `with due as (select l.id from sfsync.link p join sfsync.link l on l.waiting ->> $2 = p.salesforce_id
                   where p.object = $3 and p.merged_into is not null and p.base_deleted
                     and l.object = $1 and l.waiting <> '{}' and not l.reread_due
                   order by l.salesforce_id for update of l)
     update sfsync.link l set ${READ_AGAIN} from due where l.id = due.id`,
    [child.object, field, parent.object],
  );
  return (rowCount ?? 0) > 0;
}

/** Records that were rejected for want of their parent, which has landed. Nothing of them is kept here: they are read again. */
async function readOrphans(session: Session, child: ObjectMapping, { field }: FieldMapping, parent: ObjectMapping) {
  const { rowCount } = await query(
    session,
    `update sfsync.link l set waiting = waiting - $2, ${READ_AGAIN}
      where l.object = $1 and l.waiting <> '{}' and l.waiting ? $2
        and exists (select from ${tableOf(parent)} p where p.${name(parent.salesforceIdColumn)} = l.waiting ->> $2)`,
    [child.object, field],
  );
  return (rowCount ?? 0) > 0;
}

/** Deletes of parents that were put off because of children, which have gone. */
async function readParents(session: Session, child: ObjectMapping, { column }: FieldMapping, parent: ObjectMapping) {
  const { rowCount } = await query(
    session,
    `update sfsync.link l set ${READ_AGAIN}
       from sfsync.rejected_record r
      where r.object = $1 and r.direction = 'to-postgres' and r.code = $2 and r.resolved_at is null
        and l.object = r.object and l.salesforce_id = r.salesforce_id and not l.reread_due
        and not exists (select from ${tableOf(parent)} p join ${tableOf(child)} t on t.${name(column)} = p.${name(parent.keyColumn)}
                         where p.${name(parent.salesforceIdColumn)} = l.salesforce_id)`,
    [parent.object, CHILDREN_EXIST],
  );
  return (rowCount ?? 0) > 0;
}
