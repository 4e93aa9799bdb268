/** What `sfsync prepare` creates in the database, by name. */
export const SCHEMA = 'sfsync';
export const PUBLICATION = 'sfsync';
export const SLOT = 'sfsync';

/** Replication origins `sfsync_0` .. `sfsync_<n-1>`: an origin is held by one session at a time, so writers share a pool. */
export const ORIGIN_PREFIX = 'sfsync_';

/** Prefix of the logical message that marks a transaction as ours where the origin functions may not be called. */
export const ECHO_MESSAGE_PREFIX = 'sfsync';

/** The streamer's role: REPLICATION, and no SELECT. */
export const STREAMER_ROLE = 'sfsync_streamer';

/** The Lambdas' role: the mapped tables and schema `sfsync`; never a superuser. */
export const APPLY_ROLE = 'sfsync_apply';
