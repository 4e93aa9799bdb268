/**
 * The two roles: one reads the WAL and may SELECT nothing, one writes rows and is never a superuser. Roles belong to the
 * whole server, so another database's prepare may be making them at the same moment.
 */
import pg from 'pg';
import { ConfigurationError } from '../../core/errors.ts';
import type { SyncConfiguration } from '../../core/mapping/configuration.ts';
import { fits, verifierOf } from './passwords.ts';
import type { Preparation } from './preparation.ts';
import { lackingGrants } from './rights.ts';
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
  const { streamerRole, applyRole } = preparation.names;
  const roles = await readRoles(preparation, server);
  await ensureStreamer(preparation, roles.get(streamerRole), server, passwords.streamer);
  const apply = roles.get(applyRole);
  if (apply?.superuser === true) {
    throw new ConfigurationError(
      'SUPERUSER',
      `Role ${applyRole} is a superuser, which hides missing grants: alter role ${applyRole} nosuperuser.`,
    );
  }
  await ensureLogin(preparation, applyRole, apply, '');
  await setPassword(preparation, applyRole, passwords.apply);
}

async function ensureStreamer(
  preparation: Preparation,
  state: RoleState | undefined,
  server: ServerFacts,
  password: string | undefined,
): Promise<void> {
  const { streamerRole } = preparation.names;
  const attribute = server.hasRdsReplication ? '' : ' replication';
  await ensureLogin(preparation, streamerRole, state, attribute);
  if (state?.replication !== true && server.hasRdsReplication) {
    await preparation.execute(`grant rds_replication to ${streamerRole}`);
  } else if (state !== undefined && !state.replication) {
    await preparation.execute(`alter role ${streamerRole} replication`);
    preparation.note(`role ${streamerRole} may replicate`, 'changed');
  }
  await setPassword(preparation, streamerRole, password);
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
  if (fits(password, role, await verifierOf(preparation.client, role))) {
    preparation.note(`password of ${role}`, 'unchanged');
    return;
  }
  await preparation.execute(`alter role ${role} password ${pg.escapeLiteral(scramVerifier(password))}`, {
    shown: `alter role ${role} password '...'`,
  });
  preparation.note(`password of ${role}`, 'changed');
}

async function readRoles({ client, names }: Preparation, server: ServerFacts): Promise<ReadonlyMap<string, RoleState>> {
  const member = server.hasRdsReplication ? "pg_has_role(oid, 'rds_replication', 'member')" : 'false';
  const { rows } = await client.query<RoleState>(
    `select rolname as name, rolsuper as superuser, rolcanlogin as login, rolreplication or ${member} as replication
       from pg_roles where rolname = any ($1)`,
    [[names.streamerRole, names.applyRole]],
  );
  return new Map(rows.map((role) => [role.name, role]));
}

/** What the streamer writes down, and the comparisons that it finds due; it may read nothing else, and no mapped table. */
const STREAMER_TABLES = ['stream', 'mapped_table', 'comparison'];

/** What the Lambdas' role may do: the mapped tables, schema `sfsync`, and to carry a replication origin. */
export async function grantRights(
  preparation: Preparation,
  configuration: SyncConfiguration,
  tables: ReadonlyMap<string, CatalogTable | undefined>,
): Promise<void> {
  const name = pg.escapeIdentifier;
  const { schema: ownSchema, applyRole, streamerRole } = preparation.names;
  const schemas = [...new Set([ownSchema, ...configuration.objects.map(({ schema }) => schema)])];
  const mapped = [...new Set(configuration.objects.map(({ schema, table }) => `${name(schema)}.${name(table)}`))];
  const sequences = [...new Set([...tables.values()].flatMap((table) => table?.sequences ?? []))];
  await preparation.execute(`grant usage on schema ${schemas.map(name).join(', ')} to ${applyRole}`);
  await preparation.execute(`grant select, insert, update, delete on ${mapped.join(', ')} to ${applyRole}`);
  await preparation.execute(
    `grant select, insert, update, delete on all tables in schema ${ownSchema} to ${applyRole}`,
  );
  await preparation.execute(`grant usage on schema ${name(ownSchema)} to ${streamerRole}`);
  const own = STREAMER_TABLES.map((table) => `${name(ownSchema)}.${table}`).join(', ');
  await preparation.execute(`grant select, insert, update on ${own} to ${streamerRole}`);
  await preparation.execute(`grant execute on all functions in schema ${ownSchema} to ${applyRole}`);
  if (sequences.length > 0)
    await preparation.execute(`grant usage on sequence ${sequences.join(', ')} to ${applyRole}`);
  for (const statement of await lackingGrants(preparation.client, configuration)) {
    // What it is about may belong to others.
    if (!(await preparation.tryTo(statement))) preparation.warn(`${statement}, as the owner of what it names`);
  }
  preparation.note(`rights of ${applyRole} on ${mapped.length} tables`, 'made sure');
}
