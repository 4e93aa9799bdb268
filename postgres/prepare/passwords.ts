/** Roles belong to the whole server: what a password is changed to here, another database's deployment logs in with. */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { Preparation } from './preparation.ts';
import type { RolePasswords } from './roles.ts';
import { fitsScram } from './scram.ts';

interface RoleUse {
  readonly name: string;
  /** Databases in which the role has rights or objects. */
  readonly databases: string[];
}

/** How the server keeps it; null: it has none; undefined: this role may not look. */
type Verifier = string | null | undefined;

export async function verifierOf(client: pg.ClientBase, role: string): Promise<Verifier> {
  const { rows: may } = await client.query<{ may: boolean }>(
    `select has_table_privilege('pg_authid', 'select') as may`,
  );
  if (may[0]?.may !== true) return undefined;
  const { rows } = await client.query<{ verifier: string | null }>(
    'select rolpassword as verifier from pg_authid where rolname = $1',
    [role],
  );
  return rows[0]?.verifier ?? null;
}

export function fits(password: string, role: string, verifier: Verifier): boolean {
  if (typeof verifier !== 'string') return false;
  if (verifier.startsWith('md5'))
    return (
      verifier ===
      `md5${createHash('md5')
        .update(password + role)
        .digest('hex')}`
    );
  return fitsScram(password, verifier);
}

/** Databases that a sentence names. */
const NAMED = 3;

/**
 * What setting the passwords would change for others: roles that other databases use, or that this deployment has not made here.
 * Each as a sentence without an end.
 */
export async function passwordChanges(preparation: Preparation, passwords: RolePasswords): Promise<string[]> {
  const { client, names } = preparation;
  const { streamerRole, applyRole } = names;
  const given = [
    [streamerRole, passwords.streamer],
    [applyRole, passwords.apply],
  ] as const;
  const uses = await readUses(client, [streamerRole, applyRole]);
  const databases = [...new Set([...uses.values()].flatMap((use) => use.databases))].sort();
  const here = (await client.query<{ name: string }>('select current_database() as name')).rows[0]?.name ?? '';
  const others = databases.filter((name) => name !== here);
  if (others.length === 0 && databases.includes(here)) return [];
  const changes: string[] = [];
  for (const [role, password] of given) {
    if (password === undefined || !uses.has(role)) continue;
    const verifier = await verifierOf(client, role);
    if (verifier === null || fits(password, role, verifier)) continue;
    const more = others.length > NAMED ? ` and ${others.length - NAMED} more` : '';
    const whose =
      others.length > 0
        ? `database ${others.slice(0, NAMED).join(', ')}${more} use(s) it, too`
        : 'it was not made by sfsync in this database';
    const certain = verifier === undefined ? 'may be' : 'is';
    changes.push(`role ${role} exists, and ${whose}; the password that is given ${certain} another than it has`);
  }
  return changes;
}

async function readUses(client: pg.ClientBase, roles: readonly string[]): Promise<ReadonlyMap<string, RoleUse>> {
  const { rows } = await client.query<RoleUse>(
    `select r.rolname::text as name,
            array(select distinct d.datname::text from pg_shdepend s join pg_database d on d.oid = s.dbid
                   where s.refclassid = 'pg_authid'::regclass and s.refobjid = r.oid) as databases
       from pg_roles r where r.rolname = any ($1)`,
    [roles],
  );
  return new Map(rows.map((use) => [use.name, use]));
}
