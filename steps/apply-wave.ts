/** Applies records in waves, in which none occurs twice, and these part by part. */
import { isUnderWay } from '../core/agreement/inbound.ts';
import type { RejectedRecordError } from '../core/errors.ts';
import { reportConflicts } from '../postgres/ledger/conflicts.ts';
import { claimLinks, lockLinks, saveLinks } from '../postgres/ledger/links.ts';
import { leaveToRead } from '../postgres/ledger/put-off.ts';
import type { Item, RefusedItem, Rule, SetResult } from './apply-set.ts';
import { judgeSet, readSet, writeSet } from './apply-set.ts';
import type { StepContext } from './step.ts';

/** Sets in which no record occurs twice, in the order of the input for each record. */
export function waves(items: readonly Item[]): Item[][] {
  const found: Item[][] = [];
  const seen = new Map<string, number>();
  for (const item of items) {
    const wave = seen.get(item.version.id) ?? 0;
    seen.set(item.version.id, wave + 1);
    found[wave] ??= [];
    found[wave].push(item);
  }
  for (const wave of found) wave.sort((a, b) => (a.version.id < b.version.id ? -1 : 1));
  return found;
}

/** Records for which nothing decides which row is theirs, by their id: nor does it among fewer of them. */
export type Undecided = Map<string, RejectedRecordError>;

/**
 * Applies a part. `again`: it was refused, because of one of its rows or because another execution makes the same links. Then links
 * are claimed first, so that the second execution waits for the first.
 */
export async function applyPart(
  context: StepContext,
  part: readonly Item[],
  rule: Rule,
  { again, undecided }: { readonly again: boolean; readonly undecided: Undecided },
): Promise<SetResult> {
  const before = part.flatMap((item): RefusedItem[] => {
    const error = undecided.get(item.version.id);
    return error === undefined ? [] : [{ item, error }];
  });
  const { records, refused: found } = await readSet(
    context,
    withoutRefused(part, before),
    again ? 'claimed' : 'at once',
  );
  for (const { item, error } of found) undecided.set(item.version.id, error);
  const judged = await judgeSet(context.mapping, records, rule);
  const refused = [...before, ...found];
  const written = await writeSet(context, judged, withoutRefused(part, refused));
  return { ...written, refused: [...refused, ...written.refused] };
}

function withoutRefused(set: readonly Item[], refused: readonly RefusedItem[]): readonly Item[] {
  const out = new Set(refused.map(({ item }) => item));
  return out.size === 0 ? set : set.filter((item) => !out.has(item));
}

/**
 * Records whose rows another transaction holds: they become due to be read again, after a pause. While a push of one is open its row
 * plays no part in what a file says of it, and nothing else may show it again: that is noted.
 */
export async function leaveLocked(context: StepContext, items: readonly Item[], rule: Rule): Promise<void> {
  const { session, mapping, execution } = context;
  const { object } = mapping;
  const byId = new Map(items.map((item) => [item.version.id, item]));
  const salesforceIds = [...byId.keys()];
  await claimLinks(session, object, salesforceIds);
  const links = await lockLinks(session, object, { salesforceIds });
  const noted = [...links].flatMap(([id, { linkId, link }]) => {
    const item = byId.get(id);
    if (item === undefined || !isUnderWay(link)) return [];
    const received = rule(mapping, { link, row: undefined }, item);
    return received.outcome === 'again' ? [] : [{ linkId, stored: link, link: received.link, received }];
  });
  await saveLinks(session, noted);
  const conflicts = noted.flatMap(({ link: { salesforceId, rowKey }, received }) =>
    received.conflicts.map((conflict) => ({ salesforceId, rowKey, conflict })),
  );
  await reportConflicts(session, object, execution, conflicts);
  await leaveToRead(session, object, salesforceIds, Date.now());
}
