/** Applies versions from Salesforce to links and rows, set by set; a record that the database refuses is rejected alone. */
import type { z } from 'zod';
import type { ObjectMapping, SyncConfiguration } from '../../core/configuration.ts';
import type { Received } from '../../core/inbound.ts';
import { acceptReread, receive } from '../../core/inbound.ts';
import type { mappedLine, ReasonCount, readLine } from '../../core/inbound-tasks.ts';
import type { Instant, SalesforceVersion } from '../../core/link.ts';
import { bisect } from './bisect.ts';
import type { Session } from './connection.ts';
import { anyDue } from './due.ts';
import { claimLinks, dropLinks } from './links.ts';
import { inOwnTransaction } from './origin.ts';
import type { PairChange, StoredPair } from './pairs.ts';
import { lockPairs, writePairs } from './pairs.ts';
import type { Reject } from './reports.ts';
import { NOT_VISIBLE, rejectOf, reportConflicts, reportRejects, resolveRejects } from './reports.ts';
import { joinWaiting } from './waiting.ts';

/** Records in one set: enough for set-based statements to pay, few enough for their parameters to stay small. */
const SET_RECORDS = 2000;

export interface ApplyContext {
  readonly configuration: SyncConfiguration;
  readonly mapping: ObjectMapping;
  /** Key of the file that the versions came in. */
  readonly source: string;
  readonly execution: string;
}

export interface AppliedVersions {
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  readonly unchanged: number;
  readonly rejected: number;
  readonly conflicts: number;
  readonly reasons: ReasonCount[];
  readonly due: boolean;
  readonly toRead: readonly { id: string; revision: number }[];
}

interface Item {
  readonly version: SalesforceVersion;
  readonly line: number | undefined;
  /** The link's revision when a fresh read began. */
  readonly revision: number | undefined;
}

type Rule = (mapping: ObjectMapping, pair: StoredPair, item: Item) => Received | { readonly outcome: 'again' };

/** Applies the records of a file. `readAfter`: the earliest moment at which they may have been read. */
export function applyVersions(
  session: Session,
  context: ApplyContext,
  lines: readonly z.output<typeof mappedLine>[],
  readAfter: Instant,
): Promise<AppliedVersions> {
  const items: Item[] = [];
  const rejects: Reject[] = [];
  for (const { line, ...what } of lines) {
    if ('version' in what) items.push({ version: complete(what.version), line, revision: undefined });
    else rejects.push(rejectOf(what.rejected, line));
  }
  return apply(session, context, items, rejects, (mapping, pair, { version }) =>
    receive(mapping, pair, version, readAfter),
  );
}

/** Applies records that were read again because a file left open which version is newer. */
export function applyRereads(
  session: Session,
  context: ApplyContext,
  lines: readonly z.output<typeof readLine>[],
  readAt: Instant,
): Promise<AppliedVersions> {
  const items: Item[] = [];
  const rejects: Reject[] = [];
  for (const { id, revision, version, rejected } of lines) {
    if (version !== undefined) items.push({ version: complete(version), line: undefined, revision });
    else rejects.push(rejectOf(rejected ?? { ...NOT_VISIBLE, id }));
  }
  return apply(session, context, items, rejects, (mapping, pair, { version, revision }) =>
    acceptReread(mapping, pair, version, { revision: revision ?? 0, readAt }),
  );
}

function complete(
  version: Omit<SalesforceVersion, 'mergedInto'> & { mergedInto?: string | undefined },
): SalesforceVersion {
  return { ...version, mergedInto: version.mergedInto };
}

async function apply(
  session: Session,
  context: ApplyContext,
  items: readonly Item[],
  refusedBefore: readonly Reject[],
  rule: Rule,
): Promise<AppliedVersions> {
  const { configuration, mapping, source, execution } = context;
  const { origins } = configuration.settings;
  const rejects: Reject[] = [...refusedBefore];
  const parts: SetResult[] = [];
  await inOwnTransaction(session, origins, async () => {
    for (const set of sets(items)) {
      const applied = await bisect(
        session,
        set,
        (part) => applySet(session, context, part, rule),
        async ({ version, line }, error) => {
          const field = mapping.fields.find(({ column }) => 'column' in error && error.column === column)?.field;
          rejects.push(rejectOf({ id: version.id, code: error.code, reason: error.message, field }, line));
        },
      );
      parts.push(...applied);
    }
    await reportRejects(session, { object: mapping.object, direction: 'to-postgres', source, execution }, rejects);
  });
  await inOwnTransaction(session, origins, () => joinWaiting(session, configuration, mapping.object));
  const sum = (count: (part: SetResult) => number) => parts.reduce((total, part) => total + count(part), 0);
  return {
    inserted: sum((part) => part.inserted),
    updated: sum((part) => part.updated),
    deleted: sum((part) => part.deleted),
    unchanged: sum((part) => part.unchanged),
    conflicts: sum((part) => part.conflicts),
    rejected: rejects.length,
    reasons: reasonCounts(rejects),
    toRead: parts.flatMap((part) => part.toRead),
    due: await anyDue(session, mapping.object),
  };
}

/** Sets in which no record occurs twice, in the order of the input for each record. */
function sets(items: readonly Item[]): Item[][] {
  const waves: Item[][] = [];
  const seen = new Map<string, number>();
  for (const item of items) {
    const wave = seen.get(item.version.id) ?? 0;
    seen.set(item.version.id, wave + 1);
    waves[wave] ??= [];
    waves[wave].push(item);
  }
  return waves.flatMap((wave) =>
    Array.from({ length: Math.ceil(wave.length / SET_RECORDS) }, (_, i) =>
      wave.slice(i * SET_RECORDS, (i + 1) * SET_RECORDS),
    ),
  );
}

interface SetResult {
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  readonly unchanged: number;
  readonly conflicts: number;
  readonly toRead: readonly { id: string; revision: number }[];
}

async function applySet(
  session: Session,
  context: ApplyContext,
  items: readonly Item[],
  rule: Rule,
): Promise<SetResult> {
  const { configuration, mapping, execution } = context;
  const live = items.filter(({ version }) => !version.deleted).map(({ version }) => version.id);
  await claimLinks(session, mapping.object, live);
  const pairs = await lockPairs(
    session,
    configuration,
    mapping,
    items.map(({ version }) => version.id),
  );

  const results = items.flatMap((item) => {
    const pair = pairs.get(item.version.id);
    // Deleted in Salesforce and never linked: nothing to do.
    const survivor = item.version.mergedInto;
    return pair === undefined ? [] : [{ id: item.version.id, survivor, pair, result: rule(mapping, pair, item) }];
  });
  const received = results.flatMap(({ id, survivor, pair, result }) =>
    result.outcome === 'again' ? [] : [{ id, survivor, pair, result }],
  );
  const changes = received.map(
    ({ survivor, pair, result }): PairChange => ({ before: pair, link: result.link, row: result.row, survivor }),
  );
  const written = await writePairs(session, configuration, mapping, changes);
  await dropLinks(
    session,
    received.filter(isVoid).map(({ pair }) => pair.linkId),
  );

  const conflicts = received.flatMap(({ id, result }) =>
    result.conflicts.map((conflict) => ({ salesforceId: id, rowKey: result.link.rowKey, conflict })),
  );
  await reportConflicts(session, mapping.object, execution, conflicts);
  const merged = received.filter(({ result }) => result.outcome === 'merged').map(({ id }) => id);
  await resolveRejects(session, mapping.object, 'to-postgres', merged);

  const changed = written.inserted + written.updated + written.deleted;
  const toRead = results.flatMap(({ id, pair, result }) => {
    if (result.outcome === 'again') return [{ id, revision: pair.link.revision }];
    return result.outcome === 'reread' ? [{ id, revision: result.link.revision }] : [];
  });
  return { ...written, unchanged: items.length - changed - toRead.length, conflicts: conflicts.length, toRead };
}

/** A claimed link that got neither a base nor a row. */
function isVoid({ result }: { result: Received }): boolean {
  return result.link.base === undefined && result.row === undefined && result.outcome !== 'reread';
}

/** Counts by code and field: what may be said of rejects without naming a value. */
export function reasonCounts(rejects: readonly { code: string; field: string | undefined }[]): ReasonCount[] {
  const groups = Map.groupBy(rejects, ({ code, field }) => `${code} ${field ?? ''}`);
  return [...groups.values()]
    .map((group) => {
      const [first] = group;
      const field = first?.field;
      return { code: first?.code ?? '', count: group.length, ...(field === undefined ? {} : { field }) };
    })
    .sort((a, b) => b.count - a.count);
}
