/** Records of a batch that cannot be merged: they are no longer due, until something changes. */
import { becomesDue, putOff } from '../core/agreement/due.ts';
import type { Outcome } from '../core/agreement/outbound.ts';
import { anythingToSend, giveUp, mayBeMissing, setAside, tryLater } from '../core/agreement/unmerged.ts';
import { NOT_VISIBLE, type Reject } from '../core/contracts/rejects.ts';
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
  /** Ids of those that both sides wanted gone, and that are: no fault. */
  readonly gone: ReadonlySet<string>;
}

/**
 * Rejected records are no longer due; they are listed, and taken up again when the row or the record changes, or when
 * they are redriven. `accepted`: ids of those whose open push Salesforce has accepted.
 */
export async function giveUpOn(
  context: StepContext,
  rejects: readonly Reject[],
  accepted: ReadonlySet<string> = new Set(),
): Promise<GivenUp> {
  const { session, mapping } = context;
  const ids = rejects.flatMap(({ salesforceId }) => salesforceId ?? []);
  const pairs = await lockPairs(context, ids, 'read');
  await saveLinks(
    session,
    [...pairs.values()].map((pair) => ({
      linkId: pair.linkId,
      stored: pair.stored,
      link: giveUp(mapping, pair, accepted.has(pair.link.salesforceId)),
    })),
  );
  const missing = new Set(
    rejects.flatMap(({ code, salesforceId }) => (code === NOT_VISIBLE.code ? (salesforceId ?? []) : [])),
  );
  const gone = new Set(
    [...pairs].filter(([id, pair]) => missing.has(id) && mayBeMissing(pair, accepted.has(id))).map(([id]) => id),
  );
  await resolveRejects(session, { object: mapping.object, direction: 'to-salesforce', salesforceIds: [...gone] });
  return { stuck: new Set([...pairs].filter(([, pair]) => anythingToSend(mapping, pair)).map(([id]) => id)), gone };
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
