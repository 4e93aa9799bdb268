/** Applies versions from Salesforce to links and rows, set by set; a record that the database refuses is rejected alone. */
import type { z } from 'zod';
import { acceptReread, receive } from '../core/agreement/inbound.ts';
import { isUntouchedClaim } from '../core/agreement/link.ts';
import { passBy, tryLater } from '../core/agreement/unmerged.ts';
import type { MappedLine, readLine, recordToRead } from '../core/contracts/inbound-tasks.ts';
import { NOT_VISIBLE, type Reject, rejectOf } from '../core/contracts/rejects.ts';
import { isCollision } from '../core/error-classification.ts';
import type { RejectedRecordError } from '../core/errors.ts';
import type { Instant } from '../core/mapping/instant.ts';
import { usableWithout } from '../core/mapping/salesforce-record.ts';
import type { SalesforceVersion } from '../core/mapping/salesforce-version.ts';
import { changeLinks, claimLinks } from '../postgres/ledger/links.ts';
import type { Item, Rule, SetResult } from './apply-set.ts';
import { applyCollided, applyWave, waves } from './apply-wave.ts';
import { rejectOfRow } from './refused-row.ts';
import { runStep, type StepContext, type StepRequest, type StepResult } from './step.ts';

/**
 * Records are found by their keys. An index lookup for each is right whatever the statistics say, and a table that is
 * being filled has none: the planner would read all of it for every set.
 */
const BY_INDEX = 'set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off';

export interface AppliedVersions extends Omit<StepResult<unknown>, 'done'> {
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  readonly unchanged: number;
  readonly conflicts: number;
  readonly toRead: readonly z.output<typeof recordToRead>[];
}

/** Applies the records of a file; `source` is its key. `readAfter`: the earliest moment at which they may have been read. */
export function applyVersions(
  context: StepContext,
  source: string,
  lines: readonly MappedLine[],
  readAfter: Instant,
): Promise<AppliedVersions> {
  const ids = lines.flatMap((line) => ('rejected' in line ? line.rejected.id : line.version.id) ?? []);
  const request = { reporter: `apply ${context.execution}`, fields: 'of a file', source, joins: ids } as const;
  return apply(
    context,
    request,
    (drifted) => sortedOut(lines, drifted),
    (rules, pair, { version }) => receive(rules, pair, version, readAfter),
  );
}

interface Sorted {
  readonly items: readonly Item[];
  readonly rejects: readonly Reject[];
  readonly toAsk: readonly z.output<typeof recordToRead>[];
}

/**
 * Lines of a file that go on, also without fields that have drifted, and those that are rejected. Whether values that do not
 * fit are their records' fault or the field's, only Salesforce knows: of each such field it is asked with one record.
 */
function sortedOut(lines: readonly MappedLine[], drifted: ReadonlySet<string>): Sorted {
  const items: Item[] = [];
  const rejects: Reject[] = [];
  const toAsk: z.output<typeof recordToRead>[] = [];
  const asked = new Set(drifted);
  for (const { line, ...mapped } of lines) {
    const version = 'rejected' in mapped ? usableWithout(mapped.readable, drifted) : mapped.version;
    if (version !== undefined) items.push({ version: complete(version), line, revision: undefined });
    else if ('rejected' in mapped) {
      rejects.push(rejectOf(mapped.rejected, line));
      const doubted = mapped.readable?.misfits.filter((field) => !asked.has(field)) ?? [];
      for (const field of doubted) asked.add(field);
      const id = mapped.rejected.id;
      if (id !== undefined && doubted.length > 0) toAsk.push({ id, revision: 0, doubted, isListed: true });
    }
  }
  return { items, rejects, toAsk };
}

/** Applies records that were read again because a file left open which version is newer. */
export function applyRereads(
  context: StepContext,
  source: string,
  lines: readonly z.output<typeof readLine>[],
  readAt: Instant,
): Promise<AppliedVersions> {
  const items: Item[] = [];
  const rejects: Reject[] = [];
  for (const { id, revision, version, rejected, isListed } of lines) {
    // What was rejected with its line is read for the fields in doubt alone: once they are known, it becomes due by itself.
    if (isListed === true) continue;
    if (version !== undefined) items.push({ version: complete(version), line: undefined, revision });
    else rejects.push(rejectOf(rejected ?? { ...NOT_VISIBLE, id }));
  }
  const ids = lines.map(({ id }) => id);
  const request = { reporter: `apply ${context.execution}`, fields: { read: lines }, source, joins: ids };
  return apply(
    context,
    request,
    () => ({ items, rejects, toAsk: [] }),
    (rules, pair, { version, revision }) => acceptReread(rules, pair, version, { revision: revision ?? 0, readAt }),
  );
}

function complete(
  version: Omit<SalesforceVersion, 'mergedInto'> & { mergedInto?: string | undefined },
): SalesforceVersion {
  return { ...version, mergedInto: version.mergedInto };
}

async function apply(
  context: StepContext,
  request: Pick<Extract<StepRequest, { reporter: string }>, 'reporter' | 'fields' | 'source' | 'joins'>,
  sort: (drifted: ReadonlySet<string>) => Sorted,
  rule: Rule,
): Promise<AppliedVersions> {
  const whole = { ...request, lease: false, setting: BY_INDEX };
  const { done, ...result } = await runStep(context, whole, async (step) => {
    const { items, rejects, toAsk } = sort(step.drifted);
    step.reject('to-postgres', rejects);
    const passedBy = new Map<string, Instant>();
    const tried = new Set<string>();
    const refuse = ({ version, line }: Item, error: RejectedRecordError) => {
      if (isCollision(error.code)) tried.add(version.id);
      passedBy.set(version.id, Math.max(version.stamp, passedBy.get(version.id) ?? 0));
      step.reject('to-postgres', [rejectOfRow(step.mapping, version.id, error, line)]);
    };
    const parts: SetResult[] = [];
    const collided = new Set<Item>();
    for (const wave of waves(items)) {
      const refuseOrTry = (item: Item, error: RejectedRecordError) =>
        isCollision(error.code) ? void collided.add(item) : refuse(item, error);
      parts.push(...(await applyWave(step, wave, rule, refuseOrTry)));
    }
    const newest = new Map(items.map((item) => [item.version.id, item]));
    const again = [...collided].filter((item) => newest.get(item.version.id) === item);
    parts.push(...(await applyCollided(step, again, rule, refuse)));
    // What another row keeps from being written becomes due, and is tried again later.
    await claimLinks(step.session, step.mapping.object, [...tried]);
    await changeLinks(step.session, step.mapping.object, { salesforceIds: [...passedBy.keys()] }, (link) => {
      const isClaim = isUntouchedClaim(link);
      const passed = isClaim ? link : passBy(link, passedBy.get(link.salesforceId) ?? 0);
      if (tried.has(link.salesforceId)) return tryLater(link, passed, Date.now());
      return isClaim ? undefined : passed;
    });
    const sum = (count: (part: SetResult) => number) => parts.reduce((total, part) => total + count(part), 0);
    return {
      inserted: sum((part) => part.inserted),
      updated: sum((part) => part.updated),
      deleted: sum((part) => part.deleted),
      unchanged: sum((part) => part.unchanged),
      conflicts: sum((part) => part.conflicts),
      toRead: [...parts.flatMap((part) => part.toRead), ...toAsk],
    };
  });
  return { ...done, ...result };
}
