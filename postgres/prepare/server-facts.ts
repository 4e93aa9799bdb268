/** The server's settings and what other programs already use of them. */
import type pg from 'pg';
import { namesOf } from '../session/names.ts';

export interface ServerFacts {
  /** server_version_num: 180004 is 18.4. */
  readonly version: number;
  readonly walLevel: string;
  readonly maxReplicationSlots: number;
  readonly maxWalSenders: number;
  /** 0 where the setting does not exist (before PostgreSQL 18). */
  readonly maxActiveOrigins: number;
  /** Slots besides ours. */
  readonly otherSlots: number;
  /** Origins besides ours. */
  readonly otherOrigins: number;
  /** RDS and Aurora give REPLICATION through membership in this role. */
  readonly hasRdsReplication: boolean;
  /** The Lambdas' role. */
  readonly applyRole: string;
  /** The Lambdas' role exists and sees every row of a table with row level security. */
  readonly applyBypassesRowSecurity: boolean;
  readonly applyRoleExists: boolean;
  /** The role of this session. */
  readonly ownRole: string;
}

/** Reads them; any role may. */
export async function readServerFacts(client: pg.ClientBase, slot: string): Promise<ServerFacts> {
  const { originPattern, applyRole } = namesOf(client);
  const { rows } = await client.query<ServerFacts>(
    `select current_setting('server_version_num')::int as version,
            current_setting('wal_level') as "walLevel",
            current_setting('max_replication_slots')::int as "maxReplicationSlots",
            current_setting('max_wal_senders')::int as "maxWalSenders",
            coalesce(current_setting('max_active_replication_origins', true)::int, 0) as "maxActiveOrigins",
            (select count(*)::int from pg_replication_slots where slot_name <> $1) as "otherSlots",
            (select count(*)::int from pg_replication_origin where roname !~ $2) as "otherOrigins",
            exists (select from pg_roles where rolname = 'rds_replication') as "hasRdsReplication",
            exists (select from pg_roles where rolname = $3::text and rolbypassrls) as "applyBypassesRowSecurity",
            exists (select from pg_roles where rolname = $3::text) as "applyRoleExists",
            current_user::text as "ownRole",
            $3::text as "applyRole"`,
    [slot, originPattern, applyRole],
  );
  return rows[0] as ServerFacts;
}
