/**
 * Errors of the server, as our classes. PostgreSQL's texts may carry values of a row: in a detail, in the text itself, or in what
 * a trigger says. So they stay here: what leaves names the SQLSTATE, the table, the column and the constraint, and has the
 * server's words only where they cannot hold a value.
 */
import pg from 'pg';
import {
  classifySqlState,
  isNetworkError,
  isOfLocks,
  isOfRecord,
  isOfStatement,
} from '../../core/error-classification.ts';
import {
  ConfigurationError,
  InvariantError,
  RejectedRecordError,
  RetryableError,
  SyncError,
} from '../../core/errors.ts';

/** What is kept of an error of the server: nothing that could hold a value. */
export class ServerError extends Error {
  override readonly name = 'ServerError' as const;
  readonly code: string;
  readonly table: string | undefined;
  readonly column: string | undefined;
  readonly constraint: string | undefined;
  /** A statement of the application said so (RAISE, ASSERT), and not the server. */
  readonly isRaised: boolean;
  /** It happened within a function, such as a trigger's. */
  readonly isInFunction: boolean;
  /** A read was refused because row level security would hide rows. */
  readonly wouldHideRows: boolean;

  constructor(error: ErrorFields) {
    const { code = '', schema, table, column, constraint, routine = '', where } = error;
    const isRaised = RAISING.has(routine);
    const named = [
      table !== undefined && `table ${[schema, table].filter(Boolean).join('.')}`,
      column !== undefined && `column ${column}`,
      constraint !== undefined && `constraint ${constraint}`,
    ].filter((each) => each !== false);
    const words = !isRaised && holdsNoValue(code, routine, where !== undefined) ? [error.message ?? ''] : [];
    const place = isRaised ? ['raised by a trigger or function of the database'] : [];
    const said = [...words, ...named, ...(named.length === 0 ? place : [])].join(', ');
    super(said === '' ? `SQLSTATE ${code}` : `SQLSTATE ${code}: ${said}`);
    this.code = code;
    this.table = table;
    this.column = column;
    this.constraint = constraint;
    this.isRaised = isRaised;
    this.isInFunction = where !== undefined;
    this.wouldHideRows = routine === ROW_SECURITY_CHECK;
  }
}

/** What the server says of an error, as far as it is known. */
type ErrorFields = Partial<
  Pick<pg.DatabaseError, 'code' | 'schema' | 'table' | 'column' | 'constraint' | 'routine' | 'where' | 'message'>
>;

/** The function of the server that refuses a read under `row_security = off`; its message is in the server's language. */
const ROW_SECURITY_CHECK = 'check_enable_rls';

/** The functions of the server that report what the application raises (PL/pgSQL, PL/Python): their names are not translated. */
const RAISING = new Set(['exec_stmt_raise', 'exec_stmt_assert', 'PLy_output']);
/** Classes of errors about the connection and the server itself. */
const OF_THE_SERVER = new Set(['08', '25', '28', '3D', '53', '57', '58']);
const OF_LOCKS = new Set(['40001', '40P01', '55P03', '55006']);
/** Functions of the server whose texts have names of tables, columns, functions and roles in them, and nothing else. */
const NAMING = new Set([
  'aclcheck_error',
  'aclcheck_error_col',
  ROW_SECURITY_CHECK,
  'parserOpenTable',
  'RangeVarGetRelidExtended',
  'errorMissingColumn',
  'errorMissingRTE',
  'errorMissingRTEAlias',
]);

function holdsNoValue(code: string, routine: string, inFunction: boolean): boolean {
  if (NAMING.has(routine)) return true;
  return !inFunction && (OF_THE_SERVER.has(code.slice(0, 2)) || OF_LOCKS.has(code));
}

/** The database refuses a row. `column` and `constraint` name the place; the text holds no values. */
export class RowRefusedError extends RejectedRecordError {
  readonly column: string | undefined;
  readonly server: ServerError;
  /** Finds, in a savepoint that is undone, which records are refused. */
  trial?: (() => Promise<Trial | undefined>) | undefined;

  constructor(server: ServerError) {
    super(server.code || 'unknown', `PostgreSQL refused the row: ${server.message}.`, undefined, { cause: server });
    this.column = server.column;
    this.server = server;
  }
}

/** Which records a trial of each of them has found to be refused, by Salesforce id. */
export type Trial = ReadonlyMap<string, RowRefusedError>;

/**
 * The server took the statement without a complaint and wrote fewer rows than it names, which are there and locked: a trigger or a
 * rule of the application left one out, or made something else of it.
 */
export class RowIgnoredError extends RowRefusedError {
  constructor(table: string, action: string) {
    super(new ServerError({ code: ROW_NOT_WRITTEN }));
    this.message = `PostgreSQL reported no error and did not ${action} the row of ${table}: a trigger that returns null, a trigger that changes its key, or a rule (do instead) of the table is in the way.`;
  }
}

export const ROW_NOT_WRITTEN = 'ROW_NOT_WRITTEN';

/**
 * The error of a statement that works with records, as the refusal of one of them; undefined: it is not, or need not be, a
 * record's fault. See `isOfRecord`.
 */
export function asRefusal(error: unknown): RowRefusedError | undefined {
  if (error instanceof RowRefusedError) return error;
  if (!(error instanceof SyncError) || !(error.cause instanceof ServerError)) return undefined;
  const { code, isRaised, wouldHideRows } = error.cause;
  return isRaised || (isOfRecord(code) && !wouldHideRows) ? new RowRefusedError(error.cause) : undefined;
}

/**
 * Rows that another transaction holds. They are found at once, and not waited for. By their keys and by the ids that they carry,
 * for either may be how a step knows them.
 */
export class RowsLockedError extends RetryableError {
  readonly ids: ReadonlySet<string>;
  readonly #table: string;

  constructor(table: string, ids: Iterable<string>) {
    super('55P03', `Rows of ${table} are locked by other transactions.`);
    this.ids = new Set(ids);
    this.#table = table;
  }

  alsoKnownAs(ids: readonly string[]): RowsLockedError {
    return new RowsLockedError(this.#table, [...this.ids, ...ids]);
  }
}

/** Whether another transaction was in the way: a lock that did not come in time, a deadlock, rows that are locked. */
export function isLock(error: unknown): boolean {
  if (error instanceof RowsLockedError) return true;
  if (!(error instanceof SyncError) || !(error.cause instanceof ServerError)) return false;
  return isOfLocks(error.cause.code) && !error.cause.isRaised;
}

/** Whether what refuses a record may refuse each record: a table, column or right that is missing. */
export function mayBeOfStatement({ server: { code, isRaised } }: RowRefusedError): boolean {
  return !isRaised && isOfStatement(code);
}

/** What a refusal is when each record meets it. */
export function ofStatement({ server }: RowRefusedError): SyncError {
  return classifiedServerError(server);
}

/** `role`: of the session, for what it lacks. */
export function classified(error: unknown, role?: string): SyncError {
  if (error instanceof SyncError) return error;
  if (!(error instanceof Error))
    return new InvariantError('UNKNOWN', 'PostgreSQL failed with something that is no error.');
  if (error instanceof pg.DatabaseError) return classifiedServerError(new ServerError(error), role);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const lost = isNetworkError(code) || code === '' ? 'PostgreSQL cannot be reached' : 'PostgreSQL cannot be used';
  return new RetryableError(code || 'CONNECTION_LOST', `${lost}: ${error.message}`, { cause: error });
}

/** Its code is none of the server's: there are other reasons for 42501, which a trigger may raise for one row. */
function rowsHidden(server: ServerError, role = '<role>'): ConfigurationError {
  const table = /"(.+)"/.exec(server.message)?.[1];
  return new ConfigurationError(
    'ROW_SECURITY',
    `Row level security${table === undefined ? '' : ` of table ${table}`} would hide rows from the role of this session, and a hidden row would look deleted, so nothing was read (${server.message}). Policies do not mend it; let the role see all rows: alter role ${role} bypassrls, or, unless row level security is forced, grant the role that owns the table to ${role}. \`sfsync check\` names the roles; what failed can be redriven then.`,
    { cause: server },
  );
}

function classifiedServerError(server: ServerError, role?: string): SyncError {
  const { code } = server;
  if (server.wouldHideRows) return rowsHidden(server, role);
  const message = `PostgreSQL answered ${server.message}`;
  switch (classifySqlState(code)) {
    case 'retry':
      return new RetryableError(code, message, { cause: server });
    case 'reject':
      return new RowRefusedError(server);
    case 'configuration':
      return new ConfigurationError(code, `${message}. \`sfsync check\` names what is missing.`, { cause: server });
    default:
      return new InvariantError(code, message, { cause: server });
  }
}
