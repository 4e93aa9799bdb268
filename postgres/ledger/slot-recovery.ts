/** How far the comparison after a slot was made anew has come: kept in the database, for a healthy slot does not show it. */
import pg from 'pg';
import type { SyncConfiguration } from '../../core/mapping/configuration.ts';
import { hasTable } from '../session/names.ts';

export interface RecoveryPlace {
  readonly object: string;
  readonly stage: 'links' | 'rows';
  /** Id of the last link, or key of the last row, that was looked at. */
  readonly after: string | null;
}

export function firstPlace({ objects: [first] }: SyncConfiguration): RecoveryPlace {
  return { object: first?.object ?? '', stage: 'links', after: null };
}

/** undefined: that was all. */
export function nextPlace({ objects }: SyncConfiguration, { object, stage }: RecoveryPlace): RecoveryPlace | undefined {
  if (stage === 'links') return { object, stage: 'rows', after: null };
  const next = objects[objects.findIndex((mapping) => mapping.object === object) + 1];
  return next === undefined ? undefined : { object: next.object, stage: 'links', after: null };
}

/** undefined: no comparison is due. */
export async function readPlace(client: pg.ClientBase, slot: string): Promise<RecoveryPlace | undefined> {
  if (!(await hasTable(client, 'slot_recovery'))) return undefined;
  const { rows } = await client.query<RecoveryPlace>(
    'select object, stage, after from sfsync.slot_recovery where slot = $1',
    [slot],
  );
  return rows[0];
}

/** The statement that writes it down. */
export function savePlace(slot: string, { object, stage, after }: RecoveryPlace): string {
  const values = [slot, object, stage].map((value) => pg.escapeLiteral(value));
  const position = after === null ? 'null' : pg.escapeLiteral(after);
  return `insert into sfsync.slot_recovery (slot, object, stage, after) values (${values.join(', ')}, ${position})
  on conflict (slot) do update set object = excluded.object, stage = excluded.stage, after = excluded.after`;
}

/** The statement for when the comparison is done. */
export function forgetPlace(slot: string): string {
  return `delete from sfsync.slot_recovery where slot = ${pg.escapeLiteral(slot)}`;
}

/** Records and rows are linked: so there has been a slot, and one that is missing has left a gap. */
export async function hasLinks(client: pg.ClientBase): Promise<boolean> {
  if (!(await hasTable(client, 'link'))) return false;
  const { rows } = await client.query<{ linked: boolean }>('select exists (select from sfsync.link) as linked');
  return rows[0]?.linked === true;
}
