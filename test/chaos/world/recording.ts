/** Versions of rows, and pushes, as PostgreSQL writes them down: in the very transaction that makes them. */
import type pg from 'pg';
import type { Push, Value, Values, Version } from '../history/history.ts';
import type { ChaosObject } from '../plan/objects.ts';

/** Who writes as this role is sfsync. */
const APPLY_ROLE = 'sfsync_apply';

const SCHEMA = `
create schema if not exists chaos;
create table if not exists chaos.version (
  sequence  bigint generated always as identity primary key,
  at        timestamptz not null default clock_timestamp(),
  object    text not null,
  key       text not null,
  kind      text not null,
  role      text not null default session_user,
  xid       xid8 not null default pg_current_xact_id(),
  operation integer,
  "values"  jsonb not null
);
create table if not exists chaos.push (
  sequence      bigint generated always as identity primary key,
  object        text not null,
  salesforce_id text not null,
  push_id       text not null,
  sent          jsonb,
  sent_deleted  boolean,
  applied_at    timestamptz,
  sent_at       timestamptz,
  closed_at     timestamptz
);
create index if not exists push_id on chaos.push (push_id, salesforce_id);

-- As its owner, for the writer may not be allowed to; session_user stays the writer.
create or replace function chaos.note() returns trigger language plpgsql security definer set search_path = pg_catalog as $$
declare
  row_values constant jsonb := case tg_op when 'DELETE' then to_jsonb(old) else to_jsonb(new) end;
begin
  insert into chaos.version (object, key, kind, operation, "values")
  values (tg_argv[0], row_values ->> 'id',
          case tg_op when 'INSERT' then 'create' when 'DELETE' then 'delete' else 'update' end,
          nullif(current_setting('chaos.operation', true), '')::integer, row_values);
  return null;
end
$$;

-- A TRUNCATE deletes all rows, and names none of them.
create or replace function chaos.note_truncate() returns trigger language plpgsql security definer set search_path = pg_catalog as $$
begin
  execute format(
    'insert into chaos.version (object, key, kind, operation, "values")
     select %L, t.id::text, ''delete'', nullif(current_setting(''chaos.operation'', true), '''')::integer, to_jsonb(t) from %I.%I t',
    tg_argv[0], tg_table_schema, tg_table_name);
  return null;
end
$$;

create or replace function chaos.note_push() returns trigger language plpgsql security definer set search_path = pg_catalog as $$
declare
  of_link constant jsonb := to_jsonb(new);
begin
  insert into chaos.push (object, salesforce_id, push_id, sent, sent_deleted, applied_at, sent_at)
  values (new.object, coalesce(of_link ->> 'salesforce_id', ''), new.push_id, new.sent,
          (of_link ->> 'sent_deleted')::boolean, (of_link ->> 'applied_at')::timestamptz, new.sent_at);
  return null;
end
$$;

create or replace function chaos.note_end() returns trigger language plpgsql security definer set search_path = pg_catalog as $$
begin
  update chaos.push p set closed_at = clock_timestamp()
   where p.push_id = old.push_id and p.closed_at is null
     and p.salesforce_id = coalesce(to_jsonb(old) ->> 'salesforce_id', '');
  return null;
end
$$;

create or replace trigger chaos_a_push_closed after update on sfsync.link
  for each row when (old.push_id is not null and new.push_id is distinct from old.push_id) execute function chaos.note_end();
create or replace trigger chaos_push_made after insert on sfsync.link
  for each row when (new.push_id is not null) execute function chaos.note_push();
create or replace trigger chaos_push_opened after update on sfsync.link
  for each row when (new.push_id is not null and new.push_id is distinct from old.push_id) execute function chaos.note_push();
create or replace trigger chaos_insertion_opened after update on sfsync.insertion
  for each row when (new.push_id is not null and new.push_id is distinct from old.push_id) execute function chaos.note_push();
`;

/** SQL by which a table begins to be recorded; a table that takes the place of another needs it, too. */
export function recordTable(table: string, object: string): string {
  return `create or replace trigger chaos after insert or update or delete on ${table}
    for each row execute function chaos.note('${object}');
  create or replace trigger chaos_truncate before truncate on ${table}
    for each statement execute function chaos.note_truncate('${object}');`;
}

export async function recordRows(database: pg.Pool, objects: readonly ChaosObject[]): Promise<void> {
  await database.query(SCHEMA + objects.map(({ table, object }) => recordTable(table, object)).join('\n'));
}

/** The highest sequence number so far. */
export async function lastRowVersion(database: pg.Pool): Promise<number> {
  const { rows } = await database.query<{ last: string | null }>('select max(sequence) as last from chaos.version');
  return Number(rows[0]?.last ?? 0);
}

export async function rowVersions(database: pg.Pool, after: number): Promise<Version[]> {
  interface Row {
    sequence: string;
    xid: string;
    at: Date;
    object: string;
    key: string;
    kind: Version['kind'];
    role: string;
    operation: number | null;
    values: Record<string, Value>;
  }
  const { rows } = await database.query<Row>('select * from chaos.version where sequence > $1 order by sequence', [
    after,
  ]);
  return rows.map(({ sequence, xid, at, object, key, kind, role, operation, values }) => ({
    side: 'postgres',
    sequence: Number(sequence),
    object,
    key,
    kind,
    at: at.getTime(),
    transaction: xid,
    values,
    writer:
      role === APPLY_ROLE ? { by: 'sfsync' } : operation === null ? { by: 'consequence' } : { by: 'client', operation },
  }));
}

export async function pushes(database: pg.Pool, since: number): Promise<Push[]> {
  interface Row {
    object: string;
    salesforce_id: string;
    push_id: string;
    sent: Readonly<Record<string, { readonly value?: Value } | Value>> | null;
    sent_deleted: boolean | null;
    applied_at: Date | null;
    sent_at: Date | null;
    closed_at: Date | null;
  }
  const { rows } = await database.query<Row>('select * from chaos.push where sent_at >= $1 order by sequence', [
    new Date(since),
  ]);
  return rows.map((row) => ({
    object: row.object,
    salesforceId: row.salesforce_id,
    pushId: row.push_id,
    sent: sentValues(row.sent ?? {}),
    sentDeleted: row.sent_deleted === true,
    lookedAt: row.applied_at?.getTime() ?? 0,
    sentAt: row.sent_at?.getTime() ?? 0,
    ...(row.closed_at === null ? {} : { closedAt: row.closed_at.getTime() }),
  }));
}

/** A link keeps `{value, filler?}` of each field, an insertion the value itself. */
function sentValues(sent: Readonly<Record<string, { readonly value?: Value } | Value>>): Values {
  return Object.fromEntries(
    Object.entries(sent).map(([field, value]) => {
      const isEntry = typeof value === 'object' && value !== null && !Array.isArray(value);
      return [field, isEntry ? ((value as { readonly value?: Value }).value ?? null) : (value as Value)];
    }),
  );
}
