/** Applies versions from Salesforce to links and rows, part by part; a record that the database refuses is rejected alone. */
import type { z } from 'zod';
import { acceptReread, receive } from '../core/agreement/inbound.ts';
import { isUntouchedClaim } from '../core/agreement/link.ts';
import { passBy, tryLater } from '../core/agreement/unmerged.ts';
import type { MappedLine, readLine, recordToRead } from '../core/contracts/inbound-tasks.ts';
import { NOT_VISIBLE, type Reject, rejectOf, valueAtFault } from '../core/contracts/rejects.ts';
import { isCollision } from '../core/error-classification.ts';
import type { Instant } from '../core/mapping/instant.ts';
import { usableWithout } from '../core/mapping/salesforce-record.ts';
import type { SalesforceVersion } from '../core/mapping/salesforce-version.ts';
import { changeLinks, claimLinks } from '../postgres/ledger/links.ts';
import type { Item, RefusedItem, Rule, SetResult } from './apply-set.ts';
import { applyPart, leaveLocked, type Undecided, waves } from './apply-wave.ts';
import type { PartsDone } from './parts.ts';
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
  readonly toRead: readonly z.output<typeof recordToRead>[];
  /** Lines that were not worked on yet. */
  readonly left: readonly MappedLine[];
  /** Why; undefined: none are left. */
  readonly because: PartsDone<unknown, unknown>['because'];
}

interface Left {
  readonly left: readonly Item[];
  readonly because: PartsDone<unknown, unknown>['because'];
}

/** Applies the records of a file; `source` is its key. `readAfter`: the earliest moment at which they may have been read. */
export async function applyVersions(
  context: StepContext,
  source: string,
  lines: readonly MappedLine[],
  readAfter: Instant,
): Promise<AppliedVersions> {
  const ids = lines.flatMap((line) => ('rejected' in line ? line.rejected.id : line.version.id) ?? []);
  const request = {
    reporter: `apply ${context.execution}`,
    fields: 'of a file',
    source,
    joins: ids,
    comesAgain: true,
  } as const;
  const { left, ...applied } = await apply(
    context,
    request,
    (drifted) => sortedOut(lines, drifted),
    (rules, pair, { version }) => receive(rules, pair, version, readAfter),
  );
  const wanted = new Set(left.map(({ line }) => line));
  return { ...applied, left: lines.filter(({ line }) => wanted.has(line)) };
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
export async function applyRereads(
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
  const request = {
    reporter: `apply ${context.execution}`,
    fields: { read: lines },
    source,
    joins: ids,
    comesAgain: false,
  };
  const applied = await apply(
    context,
    request,
    () => ({ items, rejects, toAsk: [] }),
    (rules, pair, { version, revision }) => acceptReread(rules, pair, version, { revision: revision ?? 0, readAt }),
  );
  return { ...applied, left: [] };
}

function complete(
  version: Omit<SalesforceVersion, 'mergedInto'> & { mergedInto?: string | undefined },
): SalesforceVersion {
  return { ...version, mergedInto: version.mergedInto };
}

interface ApplyRequest
  extends Pick<Extract<StepRequest, { reporter: string }>, 'reporter' | 'fields' | 'source' | 'joins'> {
  /** The caller hands in again what is left; else it becomes due to be read. */
  readonly comesAgain: boolean;
}

async function apply(
  context: StepContext,
  { comesAgain, ...request }: ApplyRequest,
  sort: (drifted: ReadonlySet<string>) => Sorted,
  rule: Rule,
): Promise<Omit<AppliedVersions, 'left'> & Left> {
  const whole = { ...request, lease: false, setting: BY_INDEX };
  const { done, ...result } = await runStep(context, whole, async (step) => {
    const { items, rejects, toAsk } = sort(step.drifted);
    step.reject('to-postgres', rejects);
    const reject = ({ item: { version, line }, error }: RefusedItem) =>
      step.reject('to-postgres', [
        { ...rejectOfRow(step.mapping, version.id, error, line), value: valueAtFault(version, error) },
      ]);
    const parts: SetResult[] = [];
    let rest: Left = { left: [], because: undefined };
    const applyItems = async (wave: readonly Item[], refuse: (refused: RefusedItem) => void, atOnce = false) => {
      const undecided: Undecided = new Map();
      const applied = await step.inPartsOf(wave, {
        idOf: ({ version }) => version.id,
        atOnce,
        work: (part, again) => applyPart(step, part, rule, { again, undecided }),
        refuse: (item, error) => refuse({ item, error }),
        done: (part) => part.refused.forEach(reject),
      });
      parts.push(...applied.parts);
      const { locked, left, because } = applied;
      rest = comesAgain ? { left, because } : rest;
      const later = comesAgain ? locked : [...locked, ...left];
      if (later.length > 0) await step.inTransaction(() => leaveLocked(step, later, rule));
      return applied;
    };
    const passedBy: RefusedItem[] = [];
    let collided: readonly RefusedItem[] = [];
    for (const wave of waves(items)) {
      // A later version of a record waits for the one before.
      if (rest.left.length > 0) {
        rest = { ...rest, left: [...rest.left, ...wave] };
        continue;
      }
      const applied = await applyItems(wave, (each) => (isCollision(each.error.code) ? undefined : reject(each)));
      passedBy.push(...applied.refused, ...applied.parts.flatMap((part) => part.refused));
      collided = [...collided, ...applied.refused.filter(({ error }) => isCollision(error.code))];
    }
    const newest = new Map(items.map((item) => [item.version.id, item]));
    collided = collided.filter(({ item }) => newest.get(item.version.id) === item);
    // By now another row may have given up the value that it had. They are tried together, as long as some go
    // through, and in the end all at once: those that exchange values may have been in different parts.
    for (let before = Number.POSITIVE_INFINITY; rest.left.length === 0 && collided.length > 0; ) {
      const isLast = collided.length === before;
      before = collided.length;
      const again = collided.map(({ item }) => item);
      const applied = await applyItems(again, (each) => (isLast ? reject(each) : undefined), isLast);
      collided = applied.refused;
      passedBy.push(...applied.parts.flatMap((part) => part.refused));
      if (isLast) break;
    }
    if (passedBy.length + collided.length > 0) {
      await step.inTransaction(async () => {
        if (rest.left.length > 0) collided.forEach(reject);
        await passByAll(step, passedBy, new Set(collided.map(({ item }) => item.version.id)));
      });
    }
    const sum = (count: (part: SetResult) => number) => parts.reduce((total, part) => total + count(part), 0);
    return {
      inserted: sum((part) => part.inserted),
      updated: sum((part) => part.updated),
      deleted: sum((part) => part.deleted),
      unchanged: sum((part) => part.unchanged),
      toRead: [...parts.flatMap((part) => part.toRead), ...toAsk],
      ...rest,
    };
  });
  return { ...done, ...result };
}

/** `tried`: ids of those that another row keeps from being written; they become due, and are tried again later. */
async function passByAll(
  { session, mapping: { object } }: StepContext,
  refused: readonly RefusedItem[],
  tried: ReadonlySet<string>,
): Promise<void> {
  const stamps = new Map<string, Instant>();
  for (const { item } of refused) {
    const { id, stamp } = item.version;
    stamps.set(id, Math.max(stamp, stamps.get(id) ?? 0));
  }
  await claimLinks(session, object, [...tried]);
  await changeLinks(session, object, { salesforceIds: [...new Set([...stamps.keys(), ...tried])] }, (link) => {
    const isClaim = isUntouchedClaim(link);
    const passed = isClaim ? link : passBy(link, stamps.get(link.salesforceId) ?? 0);
    if (tried.has(link.salesforceId)) return tryLater(link, passed, Date.now());
    return isClaim ? undefined : passed;
  });
}
