/** `sfsync prepare`: everything that the database needs, made in the right order; a second run changes nothing. */
import type pg from 'pg';
import { comparisonReason } from '../../core/contracts/comparison.ts';
import { ConfigurationError } from '../../core/errors.ts';
import { outgoingConfiguration, type SyncConfiguration } from '../../core/mapping/configuration.ts';
import { hasLinks } from '../ledger/comparison.ts';
import { noteAllInside } from '../ledger/inside-filter.ts';
import { noteTables } from '../ledger/mapped-tables.ts';
import type { Session } from '../session/connection.ts';
import { namesOf } from '../session/names.ts';
import { codeFindings } from './code-check.ts';
import { expressionFaults, serverFaults, tableFindings } from './database-check.ts';
import { foreseenFaults } from './foreseen-faults.ts';
import { keyWarnings } from './key-check.ts';
import { applyMigrations } from './migrations.ts';
import { passwordChanges } from './passwords.ts';
import type { Action } from './preparation.ts';
import { Preparation } from './preparation.ts';
import { ensureOrigins, ensurePublication, ensureSlot } from './replication.ts';
import type { RolePasswords } from './roles.ts';
import { ensureRoles, grantRights } from './roles.ts';
import { readServerFacts } from './server-facts.ts';
import { readTables, tablesAlike } from './table-catalog.ts';
import { copiedKeys, ownVisibilityFaults } from './visibility.ts';
import { mayWrite, tryWrites } from './write-trial.ts';

export interface PrepareOptions {
  /** Set when given; otherwise the roles keep the passwords they have. Never printed or sent in clear. */
  readonly passwords?: RolePasswords;
  /** Changes nothing, and hands every statement to `log`. What has to be tried is undone. */
  readonly dryRun?: boolean;
  /** Name of the replication slot, unique on the server. @default that of the deployment */
  readonly slot?: string;
  readonly log?: (line: string) => void;
  /**
   * Whether passwords that others may use are changed, or who is asked. Roles belong to the whole server.
   * @default false
   */
  readonly mayChangePasswords?: boolean | ((changes: readonly string[]) => Promise<boolean>);
}

export interface Prepared {
  readonly actions: readonly Action[];
  /** What may make records be rejected later. */
  readonly warnings: readonly string[];
  /** How own transactions are marked. */
  readonly marking: 'origin' | 'message';
}

/** Two runs on one database wait for each other. The number is ours; advisory locks are the database's. */
const LOCK = 'select pg_advisory_lock(7347739624)';
const UNLOCK = 'select pg_advisory_unlock(7347739624)';

/**
 * Prepares the database over a connected client, whose role owns the mapped tables and may create roles and slots (a
 * superuser, or the master user of RDS). Throws one ConfigurationError with every fault of the database.
 */
export async function prepareDatabase(
  client: pg.ClientBase,
  configuration: SyncConfiguration,
  options: PrepareOptions = {},
): Promise<Prepared> {
  const { passwords = {}, dryRun = false, slot = namesOf(client).slot, log = () => undefined } = options;
  await client.query(LOCK);
  try {
    const server = await readServerFacts(client, slot);
    const tables = await readTables(client, configuration.objects);
    const outgoing = outgoingConfiguration(configuration);
    const preparation = new Preparation(client, dryRun, log);
    const alike = await tablesAlike(client, configuration.objects, tables);
    const findings = configuration.objects.map((mapping) =>
      tableFindings(mapping, server, tables, configuration, alike),
    );
    const ofCodes = await codeFindings(client, configuration, tables);
    const faults = [
      ...serverFaults(server, configuration.settings.origins),
      ...findings.flatMap((finding) => finding.faults),
      ...(await copiedKeys(client, configuration, tables)),
      ...(await ownVisibilityFaults(client)),
      ...(await expressionFaults(client, configuration, tables)),
      ...ofCodes.faults,
    ];
    const foreseen = await foreseenFaults(preparation, { configuration, server, tables, slot });
    const changes = await passwordChanges(preparation, passwords);
    if (dryRun) for (const change of changes) preparation.warn(`${change}; ${HOW_TO_CHANGE}`);
    else if (changes.length > 0 && !(await mayChange(changes, faults.length + foreseen.length, options))) {
      faults.push(...changes.map((change) => `${change}; ${HOW_TO_CHANGE}`));
    }
    refuse(faults, foreseen);
    const ofKeys = await keyWarnings(client, configuration, tables);
    const ofTables = findings.flatMap((finding) => finding.warnings);
    for (const warning of [...ofTables, ...ofCodes.warnings, ...ofKeys]) preparation.warn(warning);

    let marking: Prepared['marking'] = 'origin';
    let isPublicationNew = false;
    await preparation.together(async () => {
      await applyMigrations(preparation);
      await ensureRoles(preparation, server, passwords);
      isPublicationNew = await ensurePublication(preparation, outgoing, slot);
      await grantRights(preparation, configuration, tables);
      marking = await ensureOrigins(preparation, configuration.settings.origins);
    });
    // A slot cannot be made in a transaction that has written; it comes after its publication.
    await ensureSlot(preparation, outgoing, slot);
    await preparation.change(() => noteChanges(preparation, outgoing, isPublicationNew));
    if (!dryRun) for (const mapping of configuration.objects) await noteAllInside(client as Session, mapping);
    // In a dry run the role may not be there yet, or lack what the run grants.
    if (dryRun && !(await mayWrite(client, configuration))) {
      preparation.warn(
        `what triggers refuse to ${namesOf(client).applyRole} is found by the run: it has not its rights yet`,
      );
    } else {
      const { faults: refused, untried } = await tryWrites(client, configuration, tables);
      for (const text of [...refused, ...untried]) preparation.warn(text);
    }
    return { actions: preparation.actions, warnings: preparation.warnings, marking };
  } finally {
    // When the connection is gone, so is the lock, and the first error is on its way.
    await client.query(UNLOCK).catch(() => undefined);
  }
}

/** What was mended just now, or by others since the streamer looked last: edits in between did not come through the slot. */
async function noteChanges(
  preparation: Preparation,
  configuration: SyncConfiguration,
  isPublicationNew: boolean,
): Promise<void> {
  const { client } = preparation;
  const first = isPublicationNew && (await hasLinks(client)) ? 'publication changed' : undefined;
  const { changed } = await noteTables(client as Session, configuration, first);
  for (const [object, reasons] of changed) {
    const why = reasons.map(comparisonReason).join('; ');
    preparation.warn(
      `${object} is compared by the deployment now, for edits may not have come through the slot: ${why}`,
    );
  }
}

const HOW_TO_CHANGE =
  'give the password that it has, prepare under another --name, or say that it is meant (--change-passwords)';

/** Nothing is asked where prepare will not go on. */
async function mayChange(
  changes: readonly string[],
  faults: number,
  { mayChangePasswords }: PrepareOptions,
): Promise<boolean> {
  if (typeof mayChangePasswords === 'boolean') return mayChangePasswords;
  return faults === 0 && mayChangePasswords !== undefined && (await mayChangePasswords(changes));
}

/** Every fault at once, and nothing was changed. A single one that has a code of its own keeps it. */
function refuse(faults: readonly string[], foreseen: readonly ConfigurationError[]): void {
  const [first, ...others] = foreseen;
  if (faults.length === 0 && first !== undefined && others.length === 0) throw first;
  const all = [...faults, ...foreseen.map(({ message }) => message)];
  if (all.length === 0) return;
  const list = all.map((fault) => `  - ${fault}`).join('\n');
  throw new ConfigurationError(
    'UNSUITABLE_DATABASE',
    `Nothing was changed: the database has ${all.length} fault(s):\n${list}`,
  );
}
