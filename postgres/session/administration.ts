/** The connection of an operator who runs `sfsync prepare` or `sfsync check`. */
import pg from 'pg';
import { type DatabaseNames, databaseNames } from '../../core/contracts/database-names.ts';
import { DEFAULT_NAME } from '../../core/contracts/deployment-name.ts';
import { ConfigurationError, RetryableError } from '../../core/errors.ts';
import { settleSettings } from '../session-settings.ts';
import { Session } from './connection.ts';
import { classified } from './server-errors.ts';

/** Connects, works under the names of the deployment, and disconnects. Throws ConfigurationError or RetryableError with one clear message when it cannot connect. */
export async function withDatabase<T>(
  url: string,
  work: (client: Session) => Promise<T>,
  deployment: string = DEFAULT_NAME,
): Promise<T> {
  const client = newClient(url, databaseNames(deployment));
  // A connection that breaks later fails the query that runs then.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await settleSettings(client, 'operator');
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error instanceof ConfigurationError ? error : unreachable(url, error);
  }
  try {
    return await work(client);
  } catch (error) {
    throw told(error);
  } finally {
    await client.end();
  }
}

/** What is at fault with the database is told in words; anything else is a bug, and keeps its stack. */
function told(error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError)) return error;
  const known = classified(error);
  return known instanceof ConfigurationError || known instanceof RetryableError ? known : error;
}

function newClient(url: string, names: DatabaseNames): Session {
  try {
    return new Session({ connectionString: url, application_name: 'sfsync', connectionTimeoutMillis: 10_000 }, names);
  } catch (cause) {
    throw new ConfigurationError(
      'DATABASE_URL',
      'DATABASE_URL is no URL such as postgres://user:password@host:5432/name.',
      {
        cause,
      },
    );
  }
}

function unreachable(url: string, error: unknown): Error {
  const place = placeOf(url);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (error instanceof pg.DatabaseError) {
    return new ConfigurationError(
      code,
      `PostgreSQL at ${place} does not let us in: ${error.message} (SQLSTATE ${code}).`,
      {
        cause: error,
      },
    );
  }
  // An address with several IPs fails with an AggregateError, whose message is empty.
  const reason = error instanceof Error && error.message !== '' ? error.message : code;
  return new RetryableError(
    code,
    `PostgreSQL at ${place} cannot be reached: ${reason}. Is it running, and the address right?`,
    {
      cause: error,
    },
  );
}

/** Host, port and database: never the password. */
function placeOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  return parsed === undefined ? 'the given address' : `${parsed.host}${parsed.pathname}`;
}
