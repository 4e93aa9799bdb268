/**
 * What the first load writes besides the merge itself. It may run beside the inbound pipeline, so every record is claimed
 * before it is read: a file that comes between read and merge then finds the claim and raises its revision, also a file
 * that says the record was deleted, and the merge of the older read is refused (see `acceptReread`).
 */

import { matchingKey } from '../../core/agreement/first-load.ts';
import type { Instant } from '../../core/mapping/instant.ts';
import { claimLinks, dropClaims, lockLinks } from '../../postgres/ledger/links.ts';
import type { Reject } from '../../postgres/ledger/rejects.ts';
import { rejectOf, reportRejects } from '../../postgres/ledger/rejects.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { inTransaction, query } from '../../postgres/session/connection.ts';
import { inOwnTransaction } from '../../postgres/session/origin.ts';
import { bisect } from '../../postgres/session/savepoint.ts';
import { lockRows } from '../../postgres/tables/rows.ts';
import type { KeyPair } from '../../postgres/tables/salesforce-ids.ts';
import { writeIds } from '../../postgres/tables/salesforce-ids.ts';
import { withColumns } from '../mapping-in-force/columns.ts';
import { wakeChildren } from '../parents/wake-children.ts';
import type { StepContext } from '../step.ts';

export interface Claim {
  readonly revision: number;
  /** A version was merged already: the record is none of the first load's business any more. */
  readonly linked: boolean;
}

export interface Claims {
  readonly claims: ReadonlyMap<string, Claim>;
  /** The moment after, by the database's clock, which all writers share. */
  readonly claimedAt: Instant;
}

/** Makes links for records that have none, and tells how all of them stand. */
export async function claimRecords(
  session: Session,
  object: string,
  salesforceIds: readonly string[],
): Promise<Claims> {
  // Not revision 0, as the claim of a file has it: a claim that was dropped and made again is not the same one.
  await claimLinks(session, object, salesforceIds, 1);
  const { rows } = await query<{ id: string; revision: string; linked: boolean }>(
    session,
    `select salesforce_id as id, revision::text, base is not null as linked
       from sfsync.link where object = $1 and salesforce_id = any ($2::text[])`,
    [object, salesforceIds],
  );
  const claims = new Map(rows.map(({ id, revision, linked }) => [id, { revision: Number(revision), linked }]));
  const { rows: times } = await query<{ now: Date }>(session, 'select clock_timestamp() as now');
  return { claims, claimedAt: times[0]?.now.getTime() ?? 0 };
}

/** Gives back claims that came to nothing: the record was deleted meanwhile, or its row was refused. */
export function releaseClaims(session: Session, object: string, salesforceIds: readonly string[]): Promise<void> {
  return inTransaction(session, () => dropClaims(session, object, salesforceIds));
}

export interface Adopted {
  /** Rows that got an id. */
  readonly adopted: number;
  /** Rows that the database would not let have it, listed as rejects. */
  readonly refused: readonly Reject[];
}

/**
 * Writes the ids of records into the rows that have their key, in one transaction of our own. A row or record that has
 * changed since they were compared is left out. From here on everything that arrives for the record finds the row.
 */
export async function adoptRows(context: StepContext, pairs: readonly KeyPair[]): Promise<Adopted> {
  return withColumns(context, undefined, (inForce) => adoptInForce(inForce, pairs));
}

function adoptInForce(context: StepContext, pairs: readonly KeyPair[]): Promise<Adopted> {
  const { session, configuration, mapping, execution } = context;
  return inOwnTransaction(session, configuration.settings.origins, async () => {
    const ids = pairs.map(({ salesforceId }) => salesforceId);
    await claimRecords(session, mapping.object, ids);
    const free = await stillFree(context, pairs);
    const refused: Reject[] = [];
    const adopted = await bisect(
      session,
      free,
      (part) => writeIds(session, mapping, part),
      async ({ salesforceId, rowKey }, { code, message }) => {
        refused.push({ ...rejectOf({ id: salesforceId, code, reason: message }), rowKey });
      },
    );
    const without = new Set(refused.map(({ rowKey }) => rowKey));
    const keys = free.map(({ rowKey }) => rowKey).filter((key) => !without.has(key));
    await wakeChildren(session, configuration, mapping, keys);
    const place = { object: mapping.object, direction: 'to-postgres', source: execution, execution } as const;
    await reportRejects(session, place, refused);
    // The claims have held others off until here. Left standing for as long as the load takes, they would let a file of
    // a deleted record find a link where there is none yet.
    await dropClaims(session, mapping.object, ids);
    return { adopted: adopted.reduce((sum, count) => sum + count, 0), refused };
  });
}

/** The pairs that nobody has linked meanwhile, and whose row still has the key and no id. Locks links, then rows. */
async function stillFree(
  { session, configuration, mapping }: StepContext,
  pairs: readonly KeyPair[],
): Promise<KeyPair[]> {
  const salesforceIds = pairs.map(({ salesforceId }) => salesforceId);
  const links = await lockLinks(session, mapping.object, { salesforceIds });
  const unlinked = pairs.filter(({ salesforceId }) => {
    const link = links.get(salesforceId)?.link;
    return link !== undefined && link.base === undefined && link.rowKey === undefined;
  });
  const keys = unlinked.map(({ rowKey }) => rowKey);
  const rows = new Map((await lockRows(session, configuration, mapping, { keys })).map((row) => [row.key, row]));
  return unlinked.filter(({ rowKey, key }) => {
    const row = rows.get(rowKey);
    if (row === undefined || row.salesforceId !== undefined || row.softDeleted) return false;
    return matchingKey(row.fields[mapping.matchBy?.field ?? '']) === key;
  });
}
