/** Records of a batch that cannot be merged: they are no longer due, until something changes. */
import type { z } from 'zod';
import { becomesDue, putOff } from '../core/agreement/due.ts';
import type { Outcome } from '../core/agreement/outbound.ts';
import { anythingToSend, giveUp, mayBeMissing, setAside, tryLater } from '../core/agreement/unmerged.ts';
import type { readLine } from '../core/contracts/inbound-tasks.ts';
import { NOT_VISIBLE, type Reject, rejectsOfReads } from '../core/contracts/rejects.ts';
import { isCollision } from '../core/error-classification.ts';
import type { Instant } from '../core/mapping/instant.ts';
import type { SalesforceVersion } from '../core/mapping/salesforce-version.ts';
import { saveLinks } from '../postgres/ledger/links.ts';
import { resolveRejects } from '../postgres/ledger/rejects.ts';
import { lockPairs, type StoredPair } from './pairs/pairs.ts';
import type { StepContext } from './step.ts';

export interface GivenUp {
  /** Ids of those that had something to send. */
  readonly stuck: ReadonlySet<string>;
  /** Rejects, without those of records that both sides wanted gone, and that are: no fault. */
  readonly listed: readonly Reject[];
}

/**
 * Records of which a read shows nothing are no longer due; they are listed, and taken up again when a version is merged or the row
 * changes, or when they are redriven. `outcomeOf`: of the open push; `left`: it is another one. A link that has changed since the
 * read began stays as it is, too: a version may have been merged meanwhile.
 */
export async function giveUpOn(
  context: StepContext,
  reads: readonly z.output<typeof readLine>[],
  outcomeOf: (pair: StoredPair) => Outcome | undefined | 'left',
  round: { readonly readAt: Instant; readonly now: Instant },
): Promise<GivenUp> {
  const { session, mapping } = context;
  const rejects = rejectsOfReads(reads);
  const revisions = new Map(reads.map(({ id, revision }) => [id, revision]));
  const ids = rejects.flatMap(({ salesforceId }) => salesforceId ?? []);
  const missing = new Set(
    rejects.flatMap(({ code, salesforceId }) => (code === NOT_VISIBLE.code ? (salesforceId ?? []) : [])),
  );
  const found = [...(await lockPairs(context, ids))].flatMap(([id, pair]) => {
    const outcome = outcomeOf(pair);
    if (outcome === 'left' || pair.link.revision !== revisions.get(id)) return [];
    const isMissing = missing.has(id);
    return [{ id, pair, isMissing, outcome, link: giveUp(mapping, pair, { isMissing, outcome, ...round }) }];
  });
  await saveLinks(
    session,
    found.map(({ pair: { linkId, stored }, link }) => ({ linkId, stored, link })),
  );
  const idsOf = (which: (each: (typeof found)[number]) => boolean) => new Set(found.filter(which).map(({ id }) => id));
  const gone = idsOf(({ pair, isMissing, outcome }) => isMissing && mayBeMissing(pair, outcome === 'accepted'));
  await resolveRejects(session, { object: mapping.object, direction: 'to-salesforce', salesforceIds: [...gone] });
  const listed = idsOf(({ id }) => !gone.has(id));
  const open = idsOf(({ link }) => link.push !== undefined);
  return {
    stuck: idsOf(({ pair }) => anythingToSend(mapping, pair)),
    listed: rejects
      .filter(({ salesforceId }) => listed.has(salesforceId ?? ''))
      .map((reject) => (open.has(reject.salesforceId ?? '') ? { ...reject, isTriedAgain: true } : reject)),
  };
}

/** A version of which PostgreSQL has refused the row, and what is known of the push that was open. */
export interface Unwritten {
  readonly version: SalesforceVersion;
  readonly outcome: Outcome | undefined;
}

/**
 * Sets records aside whose rows PostgreSQL does not take. `of`: undefined leaves the link as it is. `again`: another transaction holds
 * the row; the record is read again after a pause. Answers the pairs as they were.
 */
export async function setAsideAll(
  context: StepContext,
  records: readonly { readonly salesforceId: string | undefined; readonly code?: string }[],
  of: (pair: StoredPair) => Unwritten | undefined,
  round: { readonly readAt: Instant; readonly now: Instant; readonly again?: boolean },
): Promise<readonly StoredPair[]> {
  const ids = records.flatMap(({ salesforceId }) => salesforceId ?? []);
  const collided = new Set(
    records.flatMap(({ code, salesforceId }) => (code !== undefined && isCollision(code) ? salesforceId : [])),
  );
  const pairs = [...(await lockPairs(context, ids, 'read')).values()];
  const aside = pairs.flatMap((pair) => {
    const unwritten = of(pair);
    if (unwritten === undefined) return [];
    const unmerged = setAside(pair, unwritten.version, unwritten.outcome, round);
    const link = collided.has(pair.link.salesforceId) ? tryLater(pair.link, unmerged, round.now) : unmerged;
    const later = round.again === true ? putOff(becomesDue(link, 'read again'), round.now) : link;
    return [{ linkId: pair.linkId, stored: pair.stored, link: later, pair }];
  });
  await saveLinks(context.session, aside);
  return aside.map(({ pair }) => pair);
}
