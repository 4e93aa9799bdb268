/**
 * What our sessions depend on, whatever the server, the database and the role set (ALTER ROLE ... SET, ALTER DATABASE ... SET).
 * A startup option that the server does not know ends the connection, so all but the oldest timeouts are set once it is open, in
 * one statement that passes over what this server does not have.
 */
import pg from 'pg';
import { ConfigurationError } from '../core/errors.ts';

/** A step in a Lambda; the command of an operator; the replication connection. */
export type SessionUse = 'step' | 'operator' | 'stream';

/** A statement that takes longer has met a lock or a bad plan: better to fail and be tried again than to hold locks. */
const STATEMENT_TIMEOUT_MS = 120_000;
/** A lock that does not come within this time is left to a later try. */
const LOCK_TIMEOUT_MS = 5_000;
/** Between two statements of a transaction: what died there frees its locks. */
const IDLE_IN_TRANSACTION_MS = 30_000;
/** Commands hold transactions while they read from Salesforce. */
const OPERATOR_IDLE_IN_TRANSACTION_MS = 600_000;
/** While a statement runs, the server looks this often whether its Lambda is still there: a killed one holds no locks. */
const CLIENT_CHECK_MS = 2_000;

type Settings = Readonly<Record<string, string>>;

/** These every server has that sfsync works on, and they would end the session before a statement could set them. */
const TIMEOUTS: Readonly<Record<SessionUse, Settings>> = {
  step: {
    statement_timeout: `${STATEMENT_TIMEOUT_MS}`,
    lock_timeout: `${LOCK_TIMEOUT_MS}`,
    idle_in_transaction_session_timeout: `${IDLE_IN_TRANSACTION_MS}`,
    idle_session_timeout: '0',
    client_connection_check_interval: `${CLIENT_CHECK_MS}`,
  },
  // An operator waits, for instance for the transactions that a new slot waits for.
  operator: {
    statement_timeout: '0',
    lock_timeout: '0',
    idle_in_transaction_session_timeout: `${OPERATOR_IDLE_IN_TRANSACTION_MS}`,
    idle_session_timeout: '0',
  },
  // Nothing may time the stream out.
  stream: {
    statement_timeout: '0',
    lock_timeout: '0',
    idle_in_transaction_session_timeout: '0',
    idle_session_timeout: '0',
  },
};

const EVERYWHERE: Settings = {
  // PostgreSQL 17: ends the session, and to it a stream is one transaction.
  transaction_timeout: '0',
  // The server refuses a read that policies would filter: a row that they hide would look deleted.
  row_security: 'off',
  // Texts of values, as `fromPostgres` reads them, and texts that we send.
  datestyle: 'ISO, YMD',
  intervalstyle: 'postgres',
  timezone: 'UTC',
  timezone_abbreviations: 'Default',
  bytea_output: 'hex',
  extra_float_digits: '1',
  lc_monetary: 'C',
  lc_numeric: 'C',
  lc_time: 'C',
  xmloption: 'content',
  xmlbinary: 'base64',
  array_nulls: 'on',
  standard_conforming_strings: 'on',
  escape_string_warning: 'on',
  backslash_quote: 'safe_encoding',
  quote_all_identifiers: 'off',
  transform_null_equals: 'off',
  client_min_messages: 'warning',
  restrict_nonsystem_relation_kind: '',
  // Transactions.
  default_transaction_isolation: 'read committed',
  default_transaction_read_only: 'off',
  default_transaction_deferrable: 'off',
  gin_fuzzy_search_limit: '0',
  plan_cache_mode: 'auto',
  // A client that vanished, or a server.
  tcp_keepalives_idle: '60',
  tcp_keepalives_interval: '10',
  tcp_keepalives_count: '6',
  tcp_user_timeout: '60000',
  wal_sender_timeout: '60000',
};

/** For the `options` of a connection, where a pooler that knows none of them is not in between. */
export function startupOptions(use: SessionUse): string {
  return Object.entries(TIMEOUTS[use])
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ');
}

const text = pg.escapeLiteral;

/**
 * As one simple query, which a replication connection takes, too. Ways of planning that are switched off are switched on. What is
 * committed has to outlast a crash, for its message is deleted after it. The search path stays, for triggers of the application rely
 * on it; but names of the server come first, and the schemas of types that have operators of their own (citext) are in it: a
 * comparison would become one of texts without a word.
 */
function statement(use: SessionUse): string {
  const wanted = Object.entries({ ...EVERYWHERE, ...TIMEOUTS[use] });
  // Rights count as those of the role that logged in; an operator may have a role set on purpose, which owns the tables.
  const ownRole =
    use === 'operator' ? '' : `select 'role' as name, set_config('role', 'none', false) as value union all`;
  return `
${ownRole}
select wanted.name as name, set_config(wanted.name, wanted.value, false) as value
  from (values ${wanted.map(([name, value]) => `(${text(name)}, ${text(value)})`).join(', ')}) as wanted (name, value)
  join pg_catalog.pg_settings s on pg_catalog.lower(s.name) = wanted.name and s.context = 'user'
union all
select name, set_config(name, 'on', false) from pg_catalog.pg_settings
 where name ~ '^enable_' and setting = 'off' and boot_val = 'on' and context = 'user'
union all
select 'synchronous_commit', set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') in ('off', 'local')
union all
select 'search_path', set_config('search_path', concat_ws(', ',
         case when path.schemas[1] <> 'pg_catalog' and 'pg_catalog' = any (path.schemas[2:]) then 'pg_catalog' end,
         nullif(current_setting('search_path'), ''),
         (select string_agg(quote_ident(n.nspname), ', ' order by n.nspname) from pg_catalog.pg_namespace n
           where n.nspname <> all (current_schemas(true)) and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
             and has_schema_privilege(n.oid, 'usage')
             and exists (select from pg_catalog.pg_type t where t.typnamespace = n.oid and t.typtype = 'b' and t.typcategory <> 'A'))), false)
  from (select current_schemas(false) as schemas) as path
union all
select 'session_replication_role', current_setting('session_replication_role')`;
}

/** Sets them. Throws ConfigurationError where what is set cannot be set otherwise, and the errors of pg. */
export async function settleSettings(client: pg.ClientBase, use: SessionUse): Promise<void> {
  const { rows } = await client.query<{ name: string; value: string }>(statement(use));
  const firing = rows.find(({ name }) => name === 'session_replication_role')?.value;
  if (firing === 'origin') return;
  try {
    await client.query('set session_replication_role = origin');
  } catch (cause) {
    if (!(cause instanceof pg.DatabaseError) || cause.code !== '42501') throw cause;
    throw new ConfigurationError(
      'SESSION_REPLICATION_ROLE',
      `Sessions of this role have session_replication_role ${firing}: foreign keys are not checked and triggers do not run. Take the setting away where it was made: alter role ... reset session_replication_role (or alter database ...).`,
      { cause },
    );
  }
}
