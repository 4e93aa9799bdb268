/**
 * Whether the Lambdas' role can write the mapped tables, found by trying: what a trigger needs no catalog says. A copy of a row is
 * inserted, updated and deleted again under the role, in a transaction that is rolled back: nothing of it is decoded, notified or
 * kept but a number of a sequence. No row of the application is locked, unless none can be copied.
 */
import pg from 'pg';
import type { ObjectMapping, SyncConfiguration } from '../../core/mapping/configuration.ts';
import { spelledTable } from '../../core/mapping/identifiers.ts';
import { storedFields } from '../../core/mapping/lookups.ts';
import { namesOf } from '../session/names.ts';
import { quoteName } from '../session/quote.ts';
import { settleSettings } from '../session-settings.ts';
import { keyColumnsOf, keyOf } from '../tables/key-columns.ts';
import type { CatalogColumn, CatalogTable } from './table-catalog.ts';

export interface TrialFindings {
  readonly faults: readonly string[];
  /** What was not tried, and why. */
  readonly untried: readonly string[];
}

export async function tryWrites(
  client: pg.ClientBase,
  { objects }: SyncConfiguration,
  tables: ReadonlyMap<string, CatalogTable | undefined>,
): Promise<TrialFindings> {
  const faults: string[] = [];
  const untried: string[] = [];
  for (const mapping of objects) {
    const table = tables.get(mapping.object);
    if (table === undefined) continue;
    const name = spelledTable(mapping);
    const outside = await actsOutside(client, mapping);
    if (outside !== undefined) {
      untried.push(`${name}: writes were not tried, for ${outside} may act outside of a transaction`);
      continue;
    }
    const found = await inTrial(client, () => writeAndUndo(client, mapping, table));
    if (found === 'no member') {
      const { applyRole } = namesOf(client);
      untried.push(
        `writes were not tried, for this role may not become ${applyRole}: grant ${applyRole} to current_user`,
      );
      break;
    }
    if (found !== undefined) faults.push(`${name}: ${found}`);
  }
  return { faults, untried };
}

/** Whether the role is there and has the rights to all mapped tables. */
export async function mayWrite(client: pg.ClientBase, { objects }: SyncConfiguration): Promise<boolean> {
  const { rows } = await client.query<{ may: boolean }>(
    `select exists (select from pg_roles where rolname = $1)
        and (select bool_and(coalesce(has_any_column_privilege(r.oid, to_regclass(w), 'insert') and has_any_column_privilege(r.oid, to_regclass(w), 'update'), false))
               from unnest($2::text[]) as w left join pg_roles r on r.rolname = $1) as may`,
    [namesOf(client).applyRole, objects.map(({ schema, table }) => `${quoteName(schema)}.${quoteName(table)}`)],
  );
  return rows[0]?.may === true;
}

/** A trigger function in a language without limits, or with words that reach out of the database. */
async function actsOutside(client: pg.ClientBase, { schema, table }: ObjectMapping): Promise<string | undefined> {
  const { rows } = await client.query<{ name: string }>(
    `select distinct p.oid::regprocedure::text as name from pg_trigger t join pg_proc p on p.oid = t.tgfoid join pg_language l on l.oid = p.prolang
      where t.tgrelid = format('%I.%I', $1::text, $2::text)::regclass and not t.tgisinternal
        and ((not l.lanpltrusted and l.lanname not in ('internal', 'c'))
             or p.prosrc ~* '\\m(dblink\\w*|http\\w*|net\\.\\w+|pg_background\\w*|lo_export|aws_lambda\\.\\w+|program)\\M')`,
    [schema, table],
  );
  return rows[0]?.name;
}

/** Settings and role are those of a step, and all of it is undone. */
async function inTrial(
  client: pg.ClientBase,
  work: () => Promise<string | undefined>,
): Promise<string | 'no member' | undefined> {
  const { applyRole } = namesOf(client);
  await client.query('begin');
  try {
    await client.query(`select set_config('search_path', coalesce((${SEARCH_PATH}), '"$user", public'), true)`, [
      applyRole,
    ]);
    await settleSettings(client, 'step');
    await client.query(`set local lock_timeout = '200ms'; set local statement_timeout = '5s'`);
    try {
      await client.query(`set local role ${applyRole}`);
    } catch (error) {
      if (error instanceof pg.DatabaseError && error.code === '42501') return 'no member';
      throw error;
    }
    return await work();
  } finally {
    await client.query('rollback');
  }
}

/** As sessions of the role have it, if anything sets it. */
const SEARCH_PATH = `select substr(setting, 13) from pg_db_role_setting s, unnest(s.setconfig) as setting
   where setting like 'search_path=%' and s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
     and s.setrole in (0, (select oid from pg_roles where rolname = $1::text))
   order by s.setrole <> 0 desc, s.setdatabase <> 0 desc limit 1`;

async function writeAndUndo(
  client: pg.ClientBase,
  mapping: ObjectMapping,
  table: CatalogTable,
): Promise<string | undefined> {
  const target = `${quoteName(mapping.schema)}.${quoteName(mapping.table)}`;
  const key = keyColumnsOf(mapping, 't');
  const isCopy = `${keyOf(mapping, 't')} = $1`;
  const rows = table.kind === 'r' ? `only ${target}` : target;
  const written = writtenColumns(mapping, table).map(quoteName);
  const unchanged = written.map((column) => `${column} = ${column}`).join(', ');
  const copy = await trying(client, async () => {
    const { rows: made } = await client.query<{ key: string }>(
      `insert into ${target} as t ${copyOf(mapping, table, rows)} returning ${keyOf(mapping, 't')} as key`,
    );
    return made[0]?.key;
  });
  if (copy.fault !== undefined) return copy.fault;
  const found =
    copy.result === undefined
      ? // The application's own row: for a moment, and only one that no other transaction has.
        await trying(client, () =>
          client.query(
            `update ${rows} t set ${unchanged} where (${key}) = (select ${key} from ${rows} t limit 1 for no key update skip locked)`,
          ),
        )
      : await trying(client, async () => {
          await client.query(`update ${rows} t set ${unchanged} where ${isCopy}`, [copy.result]);
          await client.query(`delete from ${rows} t where ${isCopy}`, [copy.result]);
          await client.query('set constraints all immediate');
        });
  return found.fault;
}

function writtenColumns(mapping: ObjectMapping, { columns }: CatalogTable): string[] {
  const there = new Set(columns.filter(({ generated }) => !generated).map(({ name }) => name));
  const written = storedFields(mapping)
    .filter(({ direction }) => direction !== 'to-salesforce')
    .map(({ column }) => column);
  return [...new Set([mapping.salesforceIdColumn, ...written])].filter((column) => there.has(column));
}

/** Columns and query of a row like another one, with a key and unique values of its own. */
function copyOf({ keyColumns }: ObjectMapping, { columns, uniqueKeys }: CatalogTable, rows: string): string {
  // A tenant, and whatever else names a row of another table, stays as it is: the last column tells the rows of one apart.
  const shared = new Set(keyColumns.slice(0, -1));
  const unique = new Set(uniqueKeys.flat().filter((column) => !shared.has(column)));
  const keyColumn = keyColumns.at(-1);
  const copied = columns.filter(({ name, generated, hasDefault }) => !generated && !(name === keyColumn && hasDefault));
  const values = copied.map((column) =>
    column.name === keyColumn || unique.has(column.name) ? ownValue(column) : quoteName(column.name),
  );
  return `(${copied.map(({ name }) => quoteName(name)).join(', ')}) overriding system value select ${values.join(', ')} from ${rows} limit 1`;
}

function ownValue({ name, type, notNull, maxLength }: CatalogColumn): string {
  if (!notNull) return 'null';
  if (type === 'uuid') return 'gen_random_uuid()';
  if (['text', 'varchar', 'bpchar', 'citext'].includes(type)) return `left(md5(random()::text), ${maxLength ?? 32})`;
  if (['int2', 'int4', 'int8', 'numeric'].includes(type)) return `${quoteName(name)} + 1000000`;
  return quoteName(name);
}

/** Rights, and names that are not found: what holds for every row. What else is refused may be this row's fault. */
const OF_THE_ROLE = new Set(['42501', '42P01', '42883', '42704', '3F000']);

async function trying<T>(
  client: pg.ClientBase,
  work: () => Promise<T>,
): Promise<{ readonly result?: T; readonly fault?: string | undefined }> {
  await client.query('savepoint trial');
  try {
    const result = await work();
    await client.query('release savepoint trial');
    return { result };
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    await client.query('rollback to savepoint trial');
    // Row level security is a fault of its own (visibility.ts).
    const isOfRole = OF_THE_ROLE.has(error.code ?? '') && error.routine !== 'check_enable_rls';
    return isOfRole ? { fault: faultOf(client, error) } : {};
  }
}

function faultOf(client: pg.ClientBase, { code, message, where }: pg.DatabaseError): string {
  const { applyRole } = namesOf(client);
  const place = /function ([^\s(]+\([^)]*\))/.exec(where ?? '')?.[1];
  const remedy =
    code === '42501'
      ? `grant to ${applyRole} what it names${place === undefined ? '' : ', or make the function security definer'}`
      : `name it with its schema there, or alter role ${applyRole} set search_path`;
  return `a write by ${applyRole} fails${place === undefined ? '' : ` in ${place}`}: ${message} (SQLSTATE ${code}); ${remedy}`;
}
