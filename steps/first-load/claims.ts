/**
 * Claims of the first load. It may run beside the inbound pipeline, so every record is claimed before it is read: a file that
 * comes between read and merge then finds the claim and raises its revision, also a file that says the record was deleted, and
 * the merge of the older read is refused (see `acceptReread`).
 */
import type { Instant } from '../../core/mapping/instant.ts';
import { claimLinks, dropClaims } from '../../postgres/ledger/links.ts';
import { inTransaction, query, type Session } from '../../postgres/session/connection.ts';

/** Not revision 0, as the claim of a file has it: a claim that was dropped and made again is not the same one. */
export const CLAIMED = 1;

export interface Claim {
  readonly revision: number;
  /** A version was merged already: the first load leaves the record alone. */
  readonly linked: boolean;
}

export interface Claims {
  readonly claims: ReadonlyMap<string, Claim>;
  /** The moment after, by the database's clock, which all writers share. */
  readonly claimedAt: Instant;
}

/** Makes links for records that have none, and answers how all of them stand. */
export async function claimRecords(
  session: Session,
  object: string,
  salesforceIds: readonly string[],
): Promise<Claims> {
  await claimLinks(session, object, salesforceIds, CLAIMED);
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

/** Gives back claims that came to nothing: the record was deleted since, or its row was refused. */
export function giveBackClaims(session: Session, object: string, salesforceIds: readonly string[]): Promise<void> {
  return inTransaction(session, () => dropClaims(session, object, salesforceIds));
}
