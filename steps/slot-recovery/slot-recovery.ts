/**
 * Makes a replication slot anew that is missing or of no use, and then finds what was changed while there was none. The
 * order is the point: what is committed after the slot was made comes through the slot, and what was committed before is
 * there to be compared, for a new slot waits for every transaction that is older. The comparison is one like any other
 * (steps/comparison): what is interrupted here, the deployment goes on with.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { ComparisonReason } from '../../core/contracts/comparison.ts';
import { ConfigurationError } from '../../core/errors.ts';
import type { SyncConfiguration } from '../../core/mapping/configuration.ts';
import { dueComparisons, orderComparison } from '../../postgres/ledger/comparison.ts';
import { applyMigrations } from '../../postgres/prepare/migrations.ts';
import { Preparation } from '../../postgres/prepare/preparation.ts';
import { createSlot, ensurePublication, readSlot, refuseForeignSlot } from '../../postgres/prepare/replication.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { quoteText } from '../../postgres/session/quote.ts';
import { compareNext } from '../comparison/compare.ts';
import { countCompared } from '../comparison/pages.ts';

export interface RecoveryOptions {
  readonly slot: string;
  /** Reads only, and hands every statement to `log`. */
  readonly dryRun?: boolean;
  /** `anew`: also a slot that looks healthy; `compare`: the slot is left alone. */
  readonly slotIs?: 'anew if need be' | 'anew' | 'left alone';
  readonly log?: (line: string) => void;
  readonly progress?: (state: RecoveryProgress) => void;
}

export interface RecoveryProgress {
  readonly object: string;
  /** Links and rows that were looked at, and how many there were in all when it began. */
  readonly looked: number;
  readonly all: number;
  readonly marked: number;
}

export interface Recovery {
  readonly slotMade: boolean;
  /** An earlier run was interrupted; this one went on. */
  readonly resumed: boolean;
  /** By object: links that are due now, and rows that were looked into. */
  readonly marked: ReadonlyMap<string, number>;
  /** Links and rows that were, or would be, looked at. */
  readonly compared: number;
}

/** Two runs wait for each other, and for `sfsync prepare`, which has the same lock. */
const LOCK = 'select pg_advisory_lock(7347739624)';
const UNLOCK = 'select pg_advisory_unlock(7347739624)';

/** How long it waits for transactions that are older than the order before it looks again. */
const OLDER_TRANSACTIONS_MS = 500;

/** The texts of values must be those that base holds, whatever the role or the database is set to. */
const TEXT_FORMS = "set datestyle to 'ISO, YMD'; set timezone to 'UTC'; set intervalstyle to 'postgres'";

/**
 * Over a connected client whose role may do what `sfsync prepare` does. Throws ConfigurationError when the slot is
 * healthy, of another program, or still read.
 */
export async function recoverSlot(
  client: Session,
  configuration: SyncConfiguration,
  options: RecoveryOptions,
): Promise<Recovery> {
  const { slot, dryRun = false, log = () => undefined, slotIs = 'anew if need be' } = options;
  await client.query(LOCK);
  try {
    await client.query(TEXT_FORMS);
    const preparation = new Preparation(client, dryRun, log);
    await applyMigrations(preparation);
    const begun = await dueComparisons(client);
    const remake = slotIs !== 'left alone' && (await mustBeMade(client, configuration, options));
    const resumed = begun.length > 0 && !remake;
    if (!remake && !resumed && slotIs !== 'left alone') {
      throw new ConfigurationError(
        'HEALTHY_SLOT',
        `Replication slot ${slot} is healthy, nothing was done. --compare only compares the rows with what was last agreed; --force makes the slot anew all the same.`,
      );
    }
    if (remake) await makeSlot(preparation, configuration, { slot, dryRun });
    else if (!resumed && !dryRun) await orderAll(client, configuration, 'asked');
    const all = await countCompared(client, configuration.objects);
    if (dryRun) return { slotMade: remake, resumed, marked: new Map(), compared: all };
    const marked = await compareAll(client, configuration, (state) => options.progress?.({ ...state, all }));
    return { slotMade: remake, resumed, marked, compared: all };
  } finally {
    await client.query(UNLOCK).catch(() => undefined);
  }
}

async function mustBeMade(
  client: Session,
  configuration: SyncConfiguration,
  { slot, slotIs }: RecoveryOptions,
): Promise<boolean> {
  const state = await readSlot(client, slot);
  if (state === undefined) return true;
  refuseForeignSlot(slot, state);
  const useless = state.lost || state.plugin !== configuration.settings.plugin;
  if (!useless && slotIs !== 'anew') return false;
  if (state.activePid === null) return true;
  throw new ConfigurationError(
    'ACTIVE_SLOT',
    `Replication slot ${slot} is read by process ${state.activePid}: stop the streamer first, then run this again.`,
  );
}

/** That a comparison is due is written down before the slot is there: a healthy slot alone does not show it. */
async function makeSlot(
  preparation: Preparation,
  configuration: SyncConfiguration,
  { slot, dryRun }: { readonly slot: string; readonly dryRun: boolean },
): Promise<void> {
  if (!dryRun) await orderAll(preparation.client, configuration, 'slot made anew');
  await ensurePublication(preparation, configuration, slot);
  if ((await readSlot(preparation.client, slot)) !== undefined) {
    await preparation.execute(`select pg_drop_replication_slot(${quoteText(slot)})`);
  }
  await createSlot(preparation, slot, configuration.settings.plugin);
}

async function orderAll(
  client: Preparation['client'],
  { objects }: SyncConfiguration,
  reason: ComparisonReason,
): Promise<void> {
  for (const { object } of objects) await orderComparison(client, object, reason);
}

/** Steps of the deployment may be at it at the same time: each goes on where the other has come to. */
async function compareAll(
  client: Session,
  configuration: SyncConfiguration,
  progress: (state: Omit<RecoveryProgress, 'all'>) => void,
): Promise<Map<string, number>> {
  const marked = new Map<string, number>();
  let looked = 0;
  for (const mapping of configuration.objects) {
    const { object } = mapping;
    for (;;) {
      const page = await compareNext({ session: client, configuration, mapping, execution: 'recover-slot' });
      if (page === 'nothing due' || page === 'no table') break;
      if (page === 'older transactions') {
        await pause(OLDER_TRANSACTIONS_MS);
        continue;
      }
      looked += page.looked;
      marked.set(object, (marked.get(object) ?? 0) + page.marked);
      progress({ object, looked, marked: [...marked.values()].reduce((sum, each) => sum + each, 0) });
    }
  }
  return marked;
}
