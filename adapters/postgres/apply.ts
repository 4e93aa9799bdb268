/** Applies versions from Salesforce to links and rows, set by set; a record that the database refuses is rejected alone. */
import type { z } from 'zod';
import type { ObjectMapping, SyncConfiguration } from '../../core/configuration.ts';
import type { Received } from '../../core/inbound.ts';
import { acceptReread, receive } from '../../core/inbound.ts';
import type { mappedLine, ReasonCount, readLine } from '../../core/inbound-tasks.ts';
import type { Instant, Pair, SalesforceVersion } from '../../core/link.ts';
import { bisect, inSavepoint } from './bisect.ts';
import { query, RowRefusedError, type Session } from './connection.ts';
import { anyDue } from './due.ts';
import { claimLinks, dropLinks } from './links.ts';
import { inOwnTransaction } from './origin.ts';
import type { NewPair, PairChange, StoredPair } from './pairs.ts';
import { lockPairs, newPair, writePairs } from './pairs.ts';
import type { Reject } from './reports.ts';
import { NOT_VISIBLE, rejectOf, reportConflicts, reportRejects, resolveRejects } from './reports.ts';
import { carriedIds } from './rows.ts';
import { tableColumns } from './table-columns.ts';
import { joinWaiting } from './waiting.ts';

/** Records in one set: enough for set-based statements to pay, few enough for their parameters to stay small. */
const SET_RECORDS = 2000;

/**
 * Records are found by their keys. An index lookup for each is right whatever the statistics say, and a table that is
 * being filled has none: the planner would read all of it for every set.
 */
const BY_INDEX = 'set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off';

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

type Rule = (mapping: ObjectMapping, pair: Pair, item: Item) => Received | { readonly outcome: 'again' };

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
    await query(session, BY_INDEX);
    for (const set of sets(items)) {
      const whole = await inSavepoint(session, () => applySet(session, context, set, rule, 'at once'));
      if (!(whole instanceof RowRefusedError)) {
        parts.push(whole.result);
        continue;
      }
      const work = (part: readonly Item[]) => applySet(session, context, part, rule, 'claimed');
      const applied = await bisect(session, set, work, async ({ version, line }, error) => {
        const field = mapping.fields.find(({ column }) => 'column' in error && error.column === column)?.field;
        rejects.push(rejectOf({ id: version.id, code: error.code, reason: error.message, field }, line));
      });
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

/**
 * Sets in which no record occurs twice, in the order of the input for each record. They are in the order of ids: so that
 * two executions that make links and rows for the same new records wait for each other and do not lock each other out.
 */
function sets(items: readonly Item[]): Item[][] {
  const waves: Item[][] = [];
  const seen = new Map<string, number>();
  for (const item of items) {
    const wave = seen.get(item.version.id) ?? 0;
    seen.set(item.version.id, wave + 1);
    waves[wave] ??= [];
    waves[wave].push(item);
  }
  for (const wave of waves) wave.sort((a, b) => (a.version.id < b.version.id ? -1 : 1));
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

/**
 * How records without a link get one. `at once`: written with its final values, which is refused when another execution
 * is making a link for one of the records. `claimed`: made first, so that the second execution waits for the first, and
 * then written like any other.
 */
type NewLinks = 'at once' | 'claimed';

async function pairsOf(
  session: Session,
  { configuration, mapping }: ApplyContext,
  items: readonly Item[],
  newLinks: NewLinks,
): Promise<Map<string, StoredPair | NewPair>> {
  const live = items.flatMap(({ version }) => (version.deleted ? [] : version.id));
  // A link that is written at once names its row, whose key must be known before the row is.
  const claimed = newLinks === 'claimed' || (await tableColumns(session, mapping)).keyDefault === undefined;
  if (claimed) await claimLinks(session, mapping.object, live);
  const ids = items.map(({ version }) => version.id);
  const pairs = new Map<string, StoredPair | NewPair>(await lockPairs(session, configuration, mapping, ids));
  const unknown = live.filter((id) => !pairs.has(id));
  // A row may carry the id of a record that has no link yet: they are a pair.
  const carried = await carriedIds(session, mapping, unknown);
  if (carried.length > 0) {
    await claimLinks(session, mapping.object, carried);
    for (const [id, pair] of await lockPairs(session, configuration, mapping, carried)) pairs.set(id, pair);
  }
  for (const id of unknown) if (!pairs.has(id)) pairs.set(id, newPair(id));
  return pairs;
}

async function applySet(
  session: Session,
  context: ApplyContext,
  items: readonly Item[],
  rule: Rule,
  newLinks: NewLinks,
): Promise<SetResult> {
  const { configuration, mapping, execution } = context;
  const pairs = await pairsOf(session, context, items, newLinks);

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
    received.filter(isVoid).flatMap(({ pair }) => pair.linkId ?? []),
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
