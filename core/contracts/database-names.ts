/** What `sfsync prepare` creates in the database, by name. */
import { DEFAULT_NAME } from './deployment-name.ts';

export interface DatabaseNames {
  readonly schema: string;
  readonly publication: string;
  /** Unique on the server. */
  readonly slot: string;
  /** Replication origins `<prefix>0` .. `<prefix><n-1>`: one session at a time holds an origin, so writers share a pool. */
  readonly originPrefix: string;
  /**
   * Regular expression for our origins, in JavaScript and in PostgreSQL. The prefix alone would also fit the origins of a
   * deployment whose name begins with ours, and the changes that it writes are not our own.
   */
  readonly originPattern: string;
  /** Prefix of the logical message that marks a transaction as ours where the origin functions may not be called. */
  readonly echoMessagePrefix: string;
  /** The streamer's role: REPLICATION, and no SELECT. */
  readonly streamerRole: string;
  /** The Lambdas' role: the mapped tables and the schema; never a superuser. */
  readonly applyRole: string;
}

/**
 * The names of a deployment in a database: `sfsync` by default, else `sfsync_<name>`, so that no name meets a schema of the
 * application or a word that PostgreSQL reserves.
 */
export function databaseNames(deployment: string): DatabaseNames {
  const own = deployment === DEFAULT_NAME ? DEFAULT_NAME : `sfsync_${deployment.replaceAll('-', '_')}`;
  return {
    schema: own,
    publication: own,
    slot: own,
    originPrefix: `${own}_`,
    originPattern: `^${own}_[0-9]+$`,
    echoMessagePrefix: own,
    streamerRole: `${own}_streamer`,
    applyRole: `${own}_apply`,
  };
}

/** What the streamer calls itself, so that `sfsync check` knows it among the readers of a slot. */
export const STREAMER_APPLICATION = 'sfsync wal-streamer';

/** Of a deployment that was given no name. */
export const DEFAULT_NAMES = databaseNames(DEFAULT_NAME);
