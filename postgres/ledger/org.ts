/** `sfsync.org`: the org that this database was linked with. Written at the first contact, and then when an operator accepts another. */
import type pg from 'pg';
import { ConfigurationError } from '../../core/errors.ts';
import { query, type Session } from '../session/connection.ts';
import { hasTable } from '../session/names.ts';

export interface LinkedOrg {
  readonly id: string;
  readonly since: Date;
  /** Another one, in which steps have found themselves. */
  readonly other: string | null;
  readonly otherSince: Date | null;
}

/** undefined: there was no contact yet. */
export async function readOrg(client: pg.ClientBase): Promise<LinkedOrg | undefined> {
  if (!(await hasTable(client, 'org'))) return undefined;
  const { rows } = await client.query<LinkedOrg>(
    'select id, since, other, other_since as "otherSince" from sfsync.org',
  );
  return rows[0];
}

/**
 * Makes sure that the org is the linked one; in a statement of its own, for what it finds has to stay. `seen`: the org that was
 * read; undefined: what is worked on does not say, and then none may have been found that is another. Throws ConfigurationError.
 */
export async function requireOrg(session: Session, seen: string | undefined): Promise<void> {
  const { rows } = await query<{ id: string; other: string | null }>(session, 'select id, other from sfsync.org');
  const linked = rows[0];
  if (seen === undefined) {
    if (typeof linked?.other === 'string') throw otherOrg(linked.id, linked.other);
    return;
  }
  if (linked?.id === seen && linked.other === null) return;
  const { rows: noted } = await query<{ id: string }>(
    session,
    `insert into sfsync.org as o (id) values ($1)
     on conflict (only_row) do update
       set other = nullif(excluded.id, o.id),
           other_since = case when o.id = excluded.id then null when o.other = excluded.id then o.other_since else now() end
     returning id`,
    [seen],
  );
  const id = noted[0]?.id ?? seen;
  if (id !== seen) throw otherOrg(id, seen);
}

/** An operator says that it is meant: the records of this org are those that are linked. */
export async function acceptOrg(client: pg.ClientBase, id: string): Promise<void> {
  await client.query(
    `insert into sfsync.org (id) values ($1)
     on conflict (only_row) do update set id = excluded.id, since = now(), other = null, other_since = null`,
    [id],
  );
}

function otherOrg(linked: string, seen: string): ConfigurationError {
  return new ConfigurationError(
    'OTHER_ORG',
    `This database is linked with org ${linked}, and the secret leads to org ${seen}: nothing was written to either side. Correct the secret (and the flows' connection); or, if it is meant (a refreshed sandbox), run \`sfsync org --accept ${seen}\`, which says what follows. What failed can be redriven then.`,
  );
}
