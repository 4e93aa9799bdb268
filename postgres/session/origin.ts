/**
 * Our own writes carry a mark, so that the WAL streamer does not take them for changes of the application.
 *
 * The mark is a replication origin. One session holds an origin at a time, so the writers share the pool
 * `sfsync_0` .. `sfsync_<n-1>`. An origin outlives the transaction, a rollback and DISCARD ALL, and it counts at COMMIT:
 * it is set before BEGIN and reset after COMMIT, and a session that cannot be reset is ended, for it would tag writes of
 * others. Where the role may not call the origin functions, a transactional logical message, first thing in the
 * transaction, marks it instead.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { ConfigurationError, RetryableError } from '../../core/errors.ts';
import type { Session } from './connection.ts';
import { inTransaction, query } from './connection.ts';
import { namesOf } from './names.ts';

/** Rounds over the whole pool before the caller's own retry takes over: about 10 s with the pauses below. */
const ROUNDS = 40;
const PAUSE_MS = 250;

/** Runs work in a transaction that the streamer recognises as ours. */
export type OwnTransaction = <T>(work: () => Promise<T>) => Promise<T>;

/** Runs `work` in a transaction that the streamer recognises as ours. */
export function inOwnTransaction<T>(session: Session, origins: number, work: () => Promise<T>): Promise<T> {
  return withOwnTransactions(session, origins, (transaction) => transaction(work));
}

/** For work in several such transactions, one after the other: what marks them is taken once. */
export async function withOwnTransactions<T>(
  session: Session,
  origins: number,
  work: (transaction: OwnTransaction) => Promise<T>,
): Promise<T> {
  if (!(await mayUseOrigins(session))) return work((each) => inTransaction(session, () => marked(session, each)));
  await takeOrigin(session, origins);
  try {
    return await work((each) => inTransaction(session, each));
  } finally {
    await session.query('select pg_replication_origin_session_reset()').catch(() => session.end());
  }
}

async function marked<T>(session: Session, work: () => Promise<T>): Promise<T> {
  await query(session, 'select pg_logical_emit_message(true, $1, $2)', [namesOf(session).echoMessagePrefix, 'echo']);
  return work();
}

/** Whether the role may call the origin functions; asked once for each session. */
async function mayUseOrigins(session: Session): Promise<boolean> {
  if (session.mayUseOrigins !== undefined) return session.mayUseOrigins;
  const { rows } = await query<{ may: boolean }>(
    session,
    `select has_function_privilege('pg_replication_origin_session_setup(text)', 'execute')
        and has_function_privilege('pg_replication_origin_session_reset()', 'execute') as may`,
  );
  session.mayUseOrigins = rows[0]?.may === true;
  return session.mayUseOrigins;
}

async function takeOrigin(session: Session, origins: number): Promise<void> {
  const { originPrefix } = namesOf(session);
  const first = Math.floor(Math.random() * origins);
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < origins; i++) {
      if (await tryOrigin(session, `${originPrefix}${(first + i) % origins}`)) return;
    }
    await pause(PAUSE_MS * (0.5 + Math.random()));
  }
  throw new RetryableError('ORIGINS_BUSY', `All ${origins} replication origins are held by other sessions.`);
}

async function tryOrigin(session: Session, name: string): Promise<boolean> {
  try {
    await query(session, 'select pg_replication_origin_session_setup($1)', [name]);
    return true;
  } catch (error) {
    if (error instanceof RetryableError && error.code === '55006') return false;
    if (error instanceof ConfigurationError && error.code === '42704') {
      throw new ConfigurationError('NO_ORIGIN', `Replication origin ${name} does not exist: run \`sfsync prepare\`.`, {
        cause: error,
      });
    }
    throw error;
  }
}
