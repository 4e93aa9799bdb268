/** What would stop `sfsync prepare` half-way, found before it begins: what it cannot mend, and rights that its role lacks. */
import pg from 'pg';
import { ConfigurationError } from '../../core/errors.ts';
import type { SyncConfiguration } from '../../core/mapping/configuration.ts';
import { spelledTable } from '../../core/mapping/identifiers.ts';
import type { Preparation } from './preparation.ts';
import { NO_SUCH_FILE, noPlugin, readSlot, replicationFaults } from './replication.ts';
import type { ServerFacts } from './server-facts.ts';
import type { CatalogTable } from './table-catalog.ts';

interface Undertaking {
  readonly configuration: SyncConfiguration;
  readonly server: ServerFacts;
  readonly tables: ReadonlyMap<string, CatalogTable | undefined>;
  readonly slot: string;
}

export async function foreseenFaults(
  preparation: Preparation,
  { configuration, server, tables, slot }: Undertaking,
): Promise<ConfigurationError[]> {
  return [
    ...(await roleFaults(preparation, server)),
    ...(await replicationFaults(preparation, configuration, slot)),
    ...ownerFaults(configuration, server, tables),
    ...(await slotFaults(preparation, configuration, slot)),
  ];
}

interface Rights {
  readonly superuser: string[];
  readonly missing: string[];
  readonly createsRoles: boolean;
  readonly createsSchemas: boolean;
}

async function roleFaults({ client, names }: Preparation, { ownRole }: ServerFacts): Promise<ConfigurationError[]> {
  const { streamerRole, applyRole, schema } = names;
  const { rows } = await client.query<Rights>(
    `select array(select rolname::text from pg_roles where rolname = $1 and rolsuper) as superuser,
            array(select w from unnest($2::text[]) as w where not exists (select from pg_roles where rolname = w)) as missing,
            (select rolsuper or rolcreaterole from pg_roles where rolname = current_user) as "createsRoles",
            has_database_privilege(current_database(), 'create')
              or exists (select from pg_namespace where nspname = $3 and pg_has_role(nspowner, 'usage')) as "createsSchemas"`,
    [applyRole, [streamerRole, applyRole], schema],
  );
  const { superuser = [], missing = [], createsRoles, createsSchemas } = rows[0] ?? ({} as Partial<Rights>);
  const faults = superuser.map(
    (role) =>
      new ConfigurationError(
        'SUPERUSER',
        `Role ${role} is a superuser, which hides missing grants: alter role ${role} nosuperuser.`,
      ),
  );
  if (missing.length > 0 && createsRoles !== true) {
    faults.push(
      lacking(`${ownRole} may not create the role(s) ${missing.join(', ')}: alter role ${ownRole} createrole`),
    );
  }
  if (createsSchemas !== true) {
    faults.push(lacking(`${ownRole} may not create schema ${schema}: grant create on database ... to ${ownRole}`));
  }
  return faults;
}

/** Tables are published, and rights to them granted, by their owners. */
function ownerFaults(
  { objects }: SyncConfiguration,
  { ownRole }: ServerFacts,
  tables: Undertaking['tables'],
): ConfigurationError[] {
  return objects.flatMap((mapping) => {
    const found = tables.get(mapping.object);
    if (found === undefined || found.isOurs) return [];
    const remedy = found.ownerIsSuperuser
      ? `run prepare as ${found.owner}, or alter table ... owner to ${ownRole}`
      : `grant ${found.owner} to ${ownRole}, or run prepare as it`;
    return [lacking(`${spelledTable(mapping)} belongs to ${found.owner}, not to ${ownRole}: ${remedy}`)];
  });
}

const MISSING_RIGHT = '42501';
const LOOK_FOR_MS = 5_000;

/** A slot of the same kind that is gone with this session says whether there may be one. */
async function slotFaults(
  preparation: Preparation,
  { settings: { plugin } }: SyncConfiguration,
  slot: string,
): Promise<ConfigurationError[]> {
  const { client, isDryRun } = preparation;
  if ((await readSlot(client, slot)) !== undefined) return [];
  const trial = `sfsync_trial_${process.pid}_${Date.now()}`;
  try {
    // It waits for every transaction of the server, as the slot itself has to; who only looks does not.
    if (isDryRun) await client.query(`set statement_timeout = '${LOOK_FOR_MS}'`);
    await client.query('select pg_create_logical_replication_slot($1, $2, true)', [trial, plugin]);
    await client.query('select pg_drop_replication_slot($1)', [trial]);
    return [];
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    if (error.code === NO_SUCH_FILE) return [noPlugin(plugin, error)];
    if (error.code === MISSING_RIGHT)
      return [lacking(`no replication slot can be made by this role (${error.message})`)];
    // Settings of the server: they are faults of their own. A look may also have been too short.
    return [];
  } finally {
    if (isDryRun) await client.query('set statement_timeout = 0');
  }
}

function lacking(text: string): ConfigurationError {
  return new ConfigurationError(MISSING_RIGHT, text);
}
