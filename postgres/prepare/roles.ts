/**
 * The two roles: one reads the WAL and may SELECT nothing, one writes rows and is never a superuser. Roles belong to the
 * whole server, so another database's prepare may be making them at the same moment.
 */
import pg from 'pg';
import { APPLY_ROLE, SCHEMA, STREAMER_ROLE } from '../../core/contracts/database-names.ts';
import { ConfigurationError } from '../../core/errors.ts';
import type { SyncConfiguration } from '../../core/mapping/configuration.ts';
import type { Preparation } from './preparation.ts';
import { scramVerifier } from './scram.ts';
import type { ServerFacts } from './server-facts.ts';
import type { CatalogTable } from './table-catalog.ts';

export interface RolePasswords {
  readonly streamer?: string | undefined;
  readonly apply?: string | undefined;
}

/** duplicate_object, and unique_violation when two create at the same moment. */
const ALREADY_THERE = ['42710', '23505'];

interface RoleState {
  readonly name: string;
  readonly superuser: boolean;
  readonly login: boolean;
  readonly replication: boolean;
}

/** Creates both roles, gives them what they need to log in, and sets the passwords that are given. */
export async function ensureRoles(
  preparation: Preparation,
  server: ServerFacts,
  passwords: RolePasswords,
): Promise<void> {
  const roles = await readRoles(preparation.client, server);
  await ensureStreamer(preparation, roles.get(STREAMER_ROLE), server, passwords.streamer);
  const apply = roles.get(APPLY_ROLE);
  if (apply?.superuser === true) {
    throw new ConfigurationError(
      'SUPERUSER',
      `Role ${APPLY_ROLE} is a superuser, which hides missing grants: alter role ${APPLY_ROLE} nosuperuser.`,
    );
  }
  await ensureLogin(preparation, APPLY_ROLE, apply, '');
  await setPassword(preparation, APPLY_ROLE, passwords.apply);
}

async function ensureStreamer(
  preparation: Preparation,
  state: RoleState | undefined,
  server: ServerFacts,
  password: string | undefined,
): Promise<void> {
  const attribute = server.hasRdsReplication ? '' : ' replication';
  await ensureLogin(preparation, STREAMER_ROLE, state, attribute);
  if (state?.replication !== true && server.hasRdsReplication) {
    await preparation.execute(`grant rds_replication to ${STREAMER_ROLE}`);
  } else if (state !== undefined && !state.replication) {
    await preparation.execute(`alter role ${STREAMER_ROLE} replication`);
    preparation.note(`role ${STREAMER_ROLE} may replicate`, 'changed');
  }
  await setPassword(preparation, STREAMER_ROLE, password);
}

async function ensureLogin(
  preparation: Preparation,
  role: string,
  state: RoleState | undefined,
  attribute: string,
): Promise<void> {
  if (state === undefined) {
    await preparation.execute(`create role ${role} login${attribute}`, { alreadyDone: ALREADY_THERE });
  } else if (!state.login) {
    await preparation.execute(`alter role ${role} login`);
  }
  preparation.note(`role ${role}`, state === undefined ? 'created' : state.login ? 'unchanged' : 'changed');
}

async function setPassword(preparation: Preparation, role: string, password: string | undefined): Promise<void> {
  if (password === undefined) return;
  await preparation.execute(`alter role ${role} password ${pg.escapeLiteral(scramVerifier(password))}`, {
    shown: `alter role ${role} password '...'`,
  });
  preparation.note(`password of ${role}`, 'changed');
}

async function readRoles(client: pg.ClientBase, server: ServerFacts): Promise<ReadonlyMap<string, RoleState>> {
  const member = server.hasRdsReplication ? "pg_has_role(oid, 'rds_replication', 'member')" : 'false';
  const { rows } = await client.query<RoleState>(
    `select rolname as name, rolsuper as superuser, rolcanlogin as login, rolreplication or ${member} as replication
       from pg_roles where rolname = any ($1)`,
    [[STREAMER_ROLE, APPLY_ROLE]],
  );
  return new Map(rows.map((role) => [role.name, role]));
}

/** What the Lambdas' role may do: the mapped tables, schema `sfsync`, and to carry a replication origin. */
export async function grantRights(
  preparation: Preparation,
  configuration: SyncConfiguration,
  tables: ReadonlyMap<string, CatalogTable | undefined>,
): Promise<void> {
  const name = pg.escapeIdentifier;
  const schemas = [...new Set([SCHEMA, ...configuration.objects.map(({ schema }) => schema)])];
  const mapped = configuration.objects.map(({ schema, table }) => `${name(schema)}.${name(table)}`);
  const sequences = [...new Set([...tables.values()].flatMap((table) => table?.sequences ?? []))];
  await preparation.execute(`grant usage on schema ${schemas.map(name).join(', ')} to ${APPLY_ROLE}`);
  await preparation.execute(`grant select, insert, update, delete on ${mapped.join(', ')} to ${APPLY_ROLE}`);
  await preparation.execute(`grant select, insert, update, delete on all tables in schema ${SCHEMA} to ${APPLY_ROLE}`);
  if (sequences.length > 0)
    await preparation.execute(`grant usage on sequence ${sequences.join(', ')} to ${APPLY_ROLE}`);
  preparation.note(`rights of ${APPLY_ROLE} on ${mapped.length} tables`, 'made sure');
}
