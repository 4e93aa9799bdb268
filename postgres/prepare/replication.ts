/**
 * Publication, slot and origins. The publication comes before the slot: a slot that is older than its publication fails at
 * the first change before it, on PostgreSQL 15 for good.
 */
import pg from 'pg';
import { ConfigurationError } from '../../core/errors.ts';
import type { OutputPlugin, SyncConfiguration } from '../../core/mapping/configuration.ts';
import { hasLinks, orderComparison } from '../ledger/comparison.ts';
import { beginStream } from '../ledger/stream.ts';
import type { Preparation } from './preparation.ts';

/** duplicate_object, and unique_violation when two create at the same moment. */
const ALREADY_THERE = ['42710', '23505'];

interface PublicationState {
  readonly allTables: boolean;
  readonly complete: boolean;
  readonly viaRoot: boolean;
  readonly tables: readonly string[];
  readonly restricted: readonly string[];
}

/** Publishes exactly the mapped tables, whole. Answers whether they had not been published like that before. */
export async function ensurePublication(
  preparation: Preparation,
  configuration: SyncConfiguration,
  slot: string,
): Promise<boolean> {
  const { publication } = preparation.names;
  const wanted = [...new Set(configuration.objects.map(({ schema, table }) => quoted(schema, table)))];
  const state = await readPublication(preparation);
  const what = `publication ${publication} of ${wanted.length} tables`;
  if (state === undefined) {
    const tables = wanted.length === 0 ? '' : `for table ${wanted.join(', ')} `;
    await preparation.execute(`create publication ${publication} ${tables}with (publish_via_partition_root = true)`);
    preparation.note(what, 'created');
    await warnOfOlderSlot(preparation, slot);
    return true;
  }
  const fault = publicationFault(publication, state);
  if (fault !== undefined) throw fault;
  const same = [...wanted].sort().join() === [...state.tables].sort().join() && state.restricted.length === 0;
  // Where all objects are read-only, none is left, and `set table` takes no empty list.
  const change = wanted.length === 0 ? `drop table ${state.tables.join(', ')}` : `set table ${wanted.join(', ')}`;
  if (!same) await preparation.execute(`alter publication ${publication} ${change}`);
  if (!state.complete || !state.viaRoot) {
    await preparation.execute(
      `alter publication ${publication} set (publish = 'insert, update, delete, truncate', publish_via_partition_root = true)`,
    );
  }
  const isUnchanged = same && state.complete && state.viaRoot;
  preparation.note(what, isUnchanged ? 'unchanged' : 'changed');
  return !isUnchanged;
}

function publicationFault(publication: string, { allTables }: PublicationState): ConfigurationError | undefined {
  if (!allTables) return undefined;
  return new ConfigurationError(
    'FOR_ALL_TABLES',
    `Publication ${publication} is for all tables or schemas, and cannot be narrowed: drop publication ${publication}, then prepare again.`,
  );
}

/** What prepare cannot mend of a publication and a slot that are there. */
export async function replicationFaults(
  preparation: Preparation,
  { settings: { plugin } }: SyncConfiguration,
  slot: string,
): Promise<ConfigurationError[]> {
  const publication = await readPublication(preparation);
  const slotState = await readSlot(preparation.client, slot);
  return [
    publication && publicationFault(preparation.names.publication, publication),
    slotState && slotFault(slot, slotState, plugin),
  ].filter((fault) => fault !== undefined);
}

/** The publication was dropped: what was changed since the slot stopped is not in it. */
async function warnOfOlderSlot(preparation: Preparation, slot: string): Promise<void> {
  const { rows } = await preparation.client.query('select from pg_replication_slots where slot_name = $1', [slot]);
  if (rows.length === 0) return;
  preparation.warn(
    `Replication slot ${slot} is older than its publication: changes made while there was none are not published (PostgreSQL 15 stops at the first of them: then drop the slot and prepare again). Compare both sides.`,
  );
}

async function readPublication({ client, names }: Preparation): Promise<PublicationState | undefined> {
  const { rows } = await client.query<PublicationState>(
    `select p.puballtables or exists (select from pg_publication_namespace n where n.pnpubid = p.oid) as "allTables",
            p.pubinsert and p.pubupdate and p.pubdelete and p.pubtruncate as complete,
            p.pubviaroot as "viaRoot",
            array(select ${QUOTED} ${MEMBERS}) as tables,
            array(select ${QUOTED} ${MEMBERS}
                   and (r.prqual is not null or r.prattrs is not null)) as restricted
       from pg_publication p where p.pubname = $1`,
    [names.publication],
  );
  return rows[0];
}

/** As `quoted` writes it: format('%I') quotes only where it must. */
const QUOTED = `concat('"', replace(n.nspname, '"', '""'), '"."', replace(c.relname, '"', '""'), '"')`;

const MEMBERS = `from pg_publication_rel r join pg_class c on c.oid = r.prrelid join pg_namespace n on n.oid = c.relnamespace
  where r.prpubid = p.oid`;

function quoted(schema: string, table: string): string {
  return `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(table)}`;
}

export interface SlotState {
  readonly plugin: string | null;
  readonly database: string | null;
  /** It belongs to this database. */
  readonly here: boolean;
  readonly lost: boolean;
  /** The process that reads it. */
  readonly activePid: number | null;
}

/** undefined: there is none of that name. */
export async function readSlot(client: pg.ClientBase, slot: string): Promise<SlotState | undefined> {
  const { rows } = await client.query<SlotState>(
    `select plugin, database, database is not distinct from current_database() as here,
            coalesce(wal_status = 'lost', false) as lost, active_pid as "activePid"
       from pg_replication_slots where slot_name = $1`,
    [slot],
  );
  return rows[0];
}

const PLUGINS: readonly (string | null)[] = ['pgoutput', 'wal2json'];

/** Throws ConfigurationError for a slot that another program must have made. */
export function refuseForeignSlot(slot: string, state: SlotState): void {
  if (isForeign(state)) throw foreignSlot(slot, state);
}

function isForeign({ here, plugin }: SlotState): boolean {
  return !here || !PLUGINS.includes(plugin);
}

function foreignSlot(slot: string, { database, plugin }: SlotState): ConfigurationError {
  return new ConfigurationError(
    'FOREIGN_SLOT',
    `Replication slot ${slot} belongs to database ${database ?? '(none)'}, plugin ${plugin ?? '(none)'}: a slot's name is unique on the server. Choose another name with --slot.`,
  );
}

/** The output plugin is not installed on the server. */
export const NO_SUCH_FILE = '58P01';

/** Creates the slot. It waits for open transactions. Throws ConfigurationError when the server has no such plugin. */
export async function createSlot(preparation: Preparation, slot: string, plugin: OutputPlugin): Promise<void> {
  try {
    await preparation.execute(
      `select pg_create_logical_replication_slot(${pg.escapeLiteral(slot)}, ${pg.escapeLiteral(plugin)})`,
      { alreadyDone: ALREADY_THERE },
    );
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== NO_SUCH_FILE) throw error;
    throw noPlugin(plugin, error);
  }
  await preparation.change((client) => beginStream(client, slot));
  preparation.note(`replication slot ${slot}`, 'created');
}

export function noPlugin(plugin: OutputPlugin, error: pg.DatabaseError): ConfigurationError {
  return new ConfigurationError(
    NO_SUCH_FILE,
    `The server has no output plugin ${plugin} (${error.message}). Install it there (Debian: package postgresql-<version>-${plugin}), or set settings.plugin to 'pgoutput', which every server has.`,
    { cause: error },
  );
}

/** Creates the slot, or makes sure that the one of that name is ours and can be read from. */
export async function ensureSlot(
  preparation: Preparation,
  configuration: SyncConfiguration,
  slot: string,
): Promise<void> {
  const { plugin } = configuration.settings;
  const state = await readSlot(preparation.client, slot);
  if (state === undefined) {
    if (await hasLinks(preparation.client)) {
      // Written down before the slot is there: a healthy slot would not show that there is a gap.
      await preparation.change(async (client) => {
        for (const { object } of configuration.objects) await orderComparison(client, object, 'slot made anew');
      });
      preparation.warn(
        `Replication slot ${slot} was missing although records are linked: what was changed while there was none is not in it. All rows are compared by the deployment now; \`sfsync recover-slot\` does it at once.`,
      );
    }
    await createSlot(preparation, slot, plugin);
    return;
  }
  const fault = slotFault(slot, state, plugin);
  if (fault !== undefined) throw fault;
  preparation.note(`replication slot ${slot}`, 'unchanged');
}

function slotFault(slot: string, state: SlotState, plugin: OutputPlugin): ConfigurationError | undefined {
  if (isForeign(state)) return foreignSlot(slot, state);
  if (state.lost) {
    return new ConfigurationError(
      'LOST_SLOT',
      `Replication slot ${slot} was invalidated: WAL that it needed is gone. Run \`sfsync recover-slot\`, which makes it anew and finds what was changed without it.`,
    );
  }
  if (state.plugin !== plugin) {
    return new ConfigurationError(
      'OTHER_PLUGIN',
      `Replication slot ${slot} was made for the output plugin ${state.plugin ?? '(none)'}, settings.plugin is ${plugin}. If the slot is sfsync's own, stop the streamer and run \`sfsync recover-slot\`; otherwise choose another name with --slot.`,
    );
  }
  return undefined;
}

const ORIGIN_FUNCTIONS = [
  'pg_replication_origin_session_setup(text)',
  'pg_replication_origin_session_reset()',
  'pg_replication_origin_xact_setup(pg_lsn, timestamptz)',
  'pg_replication_origin_session_is_setup()',
];

/**
 * Creates the origins and lets the Lambdas' role carry them. Answers how own transactions will be marked: where the
 * server does not allow origins to us, by a logical message, and the execute right is not given.
 */
export async function ensureOrigins(preparation: Preparation, count: number): Promise<'origin' | 'message'> {
  const { client, names } = preparation;
  const { applyRole, originPrefix } = names;
  const { rows } = await client.query<{ name: string }>('select roname as name from pg_replication_origin');
  const existing = new Set(rows.map(({ name }) => name));
  const missing = Array.from({ length: count }, (_, i) => `${originPrefix}${i}`).filter((name) => !existing.has(name));
  for (const name of missing) {
    const created = await preparation.tryTo(`select pg_replication_origin_create(${pg.escapeLiteral(name)})`, {
      alreadyDone: ALREADY_THERE,
    });
    if (!created) return withoutOrigins(preparation, 'create replication origins');
  }
  preparation.note(`${count} replication origins`, missing.length > 0 ? 'created' : 'unchanged');
  const may = await client.query<{ may: boolean }>(
    `select bool_and(has_function_privilege($1, f.name, 'execute')) as may from unnest($2::text[]) as f (name)
      where exists (select from pg_roles where rolname = $1)`,
    [applyRole, ORIGIN_FUNCTIONS],
  );
  if (may.rows[0]?.may !== true) {
    const granted = await preparation.tryTo(`grant execute on function ${ORIGIN_FUNCTIONS.join(', ')} to ${applyRole}`);
    if (!granted) return withoutOrigins(preparation, 'grant the origin functions');
  }
  preparation.note(`origin functions for ${applyRole}`, may.rows[0]?.may === true ? 'unchanged' : 'created');
  return 'origin';
}

function withoutOrigins(preparation: Preparation, lacking: string): 'message' {
  preparation.note('replication origins', 'not possible');
  preparation.warn(`This role may not ${lacking}; sfsync marks its transactions by a logical message instead.`);
  return 'message';
}
