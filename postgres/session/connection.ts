/** Sessions of the Lambdas in PostgreSQL. Every error leaves here as one of our classes, by its SQLSTATE. */
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { z } from 'zod';
import { type DatabaseNames, DEFAULT_NAMES } from '../../core/contracts/database-names.ts';
import { failpoint } from '../../core/failpoint.ts';
import { settleSettings, startupOptions } from '../session-settings.ts';
import { inSchema } from './names.ts';
import { classified } from './server-errors.ts';
import { noFacts, type TransactionFacts } from './transaction-facts.ts';

/** The secret's JSON, in the shape that RDS gives its secrets. */
export const databaseCredentials = z.object({
  host: z.string(),
  port: z.coerce.number().int(),
  dbname: z.string(),
  username: z.string(),
  password: z.string(),
  /** `disable`, or `verify-full` (RDS: with the CA bundle in NODE_EXTRA_CA_CERTS). */
  sslmode: z.enum(['disable', 'require', 'verify-full']).optional(),
});
export type DatabaseCredentials = z.output<typeof databaseCredentials>;

/** A connection, and what it knows. A plain client of pg fits, too, and works under the default names. */
export class Session extends pg.Client {
  readonly names?: DatabaseNames | undefined;
  /** Whether the role may call the origin functions; undefined: not asked yet. */
  mayUseOrigins?: boolean | undefined;
  /** Objects whose tables have a row of which a column cannot be read (unreadable-columns.ts). */
  unreadable?: Set<string> | undefined;
  /** undefined: no transaction is open. */
  transaction?: TransactionFacts | undefined;

  constructor(config: pg.ClientConfig, names: DatabaseNames = DEFAULT_NAMES) {
    super(config);
    this.names = names;
    if (names.schema === DEFAULT_NAMES.schema) return;
    // All statements pass here, so none of them has to know the schema.
    const { query } = this;
    const inOwnSchema = (statement: unknown, ...further: unknown[]) =>
      Reflect.apply(query, this, [withSchema(statement, names.schema), ...further]);
    this.query = inOwnSchema as typeof query;
  }
}

/** A statement as `query` takes it: a text, or an object with a text; `Submittable`s make their own. */
function withSchema(statement: unknown, schema: string): unknown {
  if (typeof statement === 'string') return inSchema(statement, schema);
  const { text } = statement as { readonly text?: unknown };
  return typeof text === 'string' ? { ...(statement as object), text: inSchema(text, schema) } : statement;
}

/** Opens a session whose values have the text forms that `fromPostgres` reads. Throws RetryableError, ConfigurationError. */
export async function openSession(
  credentials: DatabaseCredentials,
  names: DatabaseNames = DEFAULT_NAMES,
): Promise<Session> {
  const session = new Session(
    {
      host: credentials.host,
      port: credentials.port,
      database: credentials.dbname,
      user: credentials.username,
      password: credentials.password,
      application_name: 'sfsync',
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
      options: startupOptions('step'),
      ...tls(credentials),
    },
    names,
  );
  // A session that is terminated while it is idle emits an error, and without a listener the process would end. The next
  // statement fails with that error.
  session.on('error', () => undefined);
  try {
    await session.connect();
    await settleSettings(session, 'step');
  } catch (error) {
    await session.end().catch(() => undefined);
    throw classified(error);
  }
  return session;
}

const ANSWER_WITHIN_MS = 2_000;

/** Whether the server still knows the session; one that it does not is cut. */
export async function answers(session: Session): Promise<boolean> {
  const waiting = new AbortController();
  const silence = pause(ANSWER_WITHIN_MS, false, { signal: waiting.signal }).catch(() => false);
  const answer = session.query('select').then(
    () => true,
    () => false,
  );
  const found = await Promise.race([answer, silence]);
  waiting.abort();
  if (!found) session.connection.stream.destroy();
  return found;
}

function tls({ sslmode }: DatabaseCredentials): pg.ClientConfig {
  if (sslmode === undefined || sslmode === 'disable') return {};
  return { ssl: { rejectUnauthorized: sslmode === 'verify-full' } };
}

/** The role that a session has logged in with. */
function roleOf(session: pg.ClientBase): string | undefined {
  return session instanceof pg.Client ? session.user : undefined;
}

/** Runs one statement; its error leaves classified. */
export async function query<Row extends pg.QueryResultRow>(
  session: pg.ClientBase,
  sql: string,
  values: unknown[] = [],
) {
  failpoint('statement:before');
  try {
    const result = await session.query<Row>(sql, values);
    failpoint('statement:after');
    return result;
  } catch (error) {
    throw classified(error, roleOf(session));
  }
}

/** As `query`; the values of each row are in the order of the columns, which costs less where there are many. */
export async function queryTuples<Row extends unknown[]>(session: Session, sql: string, values: unknown[] = []) {
  failpoint('statement:before');
  try {
    const { rows } = await session.query<Row>({ text: sql, rowMode: 'array' }, values);
    failpoint('statement:after');
    return rows;
  } catch (error) {
    throw classified(error, roleOf(session));
  }
}

/** Runs `work` in a READ COMMITTED transaction. */
export async function inTransaction<T>(session: Session, work: () => Promise<T>): Promise<T> {
  await query(session, 'begin isolation level read committed');
  session.transaction = noFacts();
  try {
    const result = await work();
    await query(session, 'commit');
    return result;
  } catch (error) {
    // The session may be gone, and with it the transaction: the first error is the cause.
    await session.query('rollback').catch(() => undefined);
    throw error;
  } finally {
    session.transaction = undefined;
  }
}
