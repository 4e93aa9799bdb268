/** Applies versions from Salesforce to links and rows, set by set; a record that the database refuses is rejected alone. */
import type { z } from 'zod';
import { acceptReread, receive } from '../core/agreement/inbound.ts';
import type { MappedLine, ReasonCount, readLine, recordToRead } from '../core/contracts/inbound-tasks.ts';
import type { RejectedRecordError } from '../core/errors.ts';
import { withoutFields } from '../core/mapping/drift.ts';
import type { Instant } from '../core/mapping/instant.ts';
import { usableWithout } from '../core/mapping/salesforce-record.ts';
import type { SalesforceVersion } from '../core/mapping/salesforce-version.ts';
import { anyDue, dueChildren } from '../postgres/ledger/mark-due.ts';
import type { Reject } from '../postgres/ledger/rejects.ts';
import { NOT_VISIBLE, rejectOf, reportRejects } from '../postgres/ledger/rejects.ts';
import { query, RowRefusedError } from '../postgres/session/connection.ts';
import { inOwnTransaction } from '../postgres/session/origin.ts';
import { bisect, inSavepoint } from '../postgres/session/savepoint.ts';
import { rowsStandAlone } from '../postgres/tables/table-columns.ts';
import type { Item, JudgedRecord, ReadSet, Rule, SetResult } from './apply-set.ts';
import { judgeSet, readSet, writeSet } from './apply-set.ts';
import { withColumns } from './mapping-in-force/columns.ts';
import { leftOutOfFile, leftOutOfRead } from './mapping-in-force/fields.ts';
import { joinWaiting, othersDue } from './parents/join-waiting.ts';
import type { StepContext } from './step.ts';

/**
 * Records in one set: its dozen statements cost a round trip each, and its parameters are some megabytes. Two or three
 * sets are in memory at a time. The first is small, for the server has nothing to do while it is judged.
 */
const SET_RECORDS = 4000;
const FIRST_SET_RECORDS = 500;

/**
 * Records are found by their keys. An index lookup for each is right whatever the statistics say, and a table that is
 * being filled has none: the planner would read all of it for every set.
 */
const BY_INDEX = 'set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off';

export interface AppliedVersions {
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  readonly unchanged: number;
  readonly rejected: number;
  readonly conflicts: number;
  readonly reasons: ReasonCount[];
  readonly due: boolean;
  /** Other objects of which records are due: their parents have landed or got an id, or their children have gone. */
  readonly alsoDue: string[];
  readonly toRead: readonly z.output<typeof recordToRead>[];
}

/** Applies the records of a file; `source` is its key. `readAfter`: the earliest moment at which they may have been read. */
export async function applyVersions(
  context: StepContext,
  source: string,
  lines: readonly MappedLine[],
  readAfter: Instant,
): Promise<AppliedVersions> {
  return withColumns(context, stepOf(context), async ({ reasons, ...columns }) => {
    const drifted = await leftOutOfFile(context);
    const { items, rejects, toAsk } = sortedOut(lines, drifted);
    const inForce = { ...columns, mapping: withoutFields(columns.mapping, drifted) };
    const applied = await apply(inForce, source, items, rejects, (rules, pair, { version }) =>
      receive(rules, pair, version, readAfter),
    );
    return { ...applied, toRead: [...applied.toRead, ...toAsk], reasons: [...reasons, ...applied.reasons] };
  });
}

/**
 * Lines of a file that go on, also without fields that have drifted, and those that are rejected. Whether values that do not
 * fit are their records' fault or the field's, only Salesforce can tell: of each such field it is asked with one record.
 */
function sortedOut(lines: readonly MappedLine[], drifted: ReadonlySet<string>) {
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

function stepOf({ execution }: StepContext): string {
  return `apply ${execution}`;
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
  return withColumns(context, stepOf(context), async ({ reasons, ...columns }) => {
    const read = await leftOutOfRead(context, lines, stepOf(context));
    const inForce = { ...columns, mapping: withoutFields(columns.mapping, read.leftOut) };
    const applied = await apply(inForce, source, items, rejects, (rules, pair, { version, revision }) =>
      acceptReread(rules, pair, version, { revision: revision ?? 0, readAt }),
    );
    return { ...applied, reasons: [...read.reasons, ...reasons, ...applied.reasons] };
  });
}

function complete(
  version: Omit<SalesforceVersion, 'mergedInto'> & { mergedInto?: string | undefined },
): SalesforceVersion {
  return { ...version, mergedInto: version.mergedInto };
}

async function apply(
  context: StepContext,
  source: string,
  items: readonly Item[],
  refusedBefore: readonly Reject[],
  rule: Rule,
): Promise<AppliedVersions> {
  const { session, configuration, mapping, execution } = context;
  const { origins } = configuration.settings;
  const rejects: Reject[] = [...refusedBefore];
  const parts: SetResult[] = [];
  await inOwnTransaction(session, origins, async () => {
    await query(session, BY_INDEX);
    for (const wave of waves(items)) {
      const applied = await applyWave(context, wave, rule, ({ version, line }, error) => {
        const refusedColumn = mapping.fields.find(({ column }) => 'column' in error && error.column === column);
        const field = error.field ?? refusedColumn?.field;
        rejects.push(rejectOf({ id: version.id, code: error.code, reason: error.message, field }, line));
      });
      parts.push(...applied);
    }
    await reportRejects(session, { object: mapping.object, direction: 'to-postgres', source, execution }, rejects);
  });
  const joined = await inOwnTransaction(session, origins, () => joinWaiting(context, source));
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
    alsoDue: othersDue(mapping, joined, await dueChildren(session, configuration, mapping)),
  };
}

/**
 * Parts in which no record occurs twice, in the order of the input for each record. They are in the order of ids: so that
 * two executions that make links and rows for the same new records wait for each other and do not lock each other out.
 */
function waves(items: readonly Item[]): Item[][] {
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

function inSets(wave: readonly Item[]): (readonly Item[])[] {
  const sets = [wave.slice(0, FIRST_SET_RECORDS)];
  for (let start = FIRST_SET_RECORDS; start < wave.length; start += SET_RECORDS) {
    sets.push(wave.slice(start, start + SET_RECORDS));
  }
  return sets;
}

/**
 * Applies a wave set by set. The next set is read before this one is written, and judged while it is being written: the
 * server and we work at the same time. (Not where a write to one row may change
 * another one of the table, or which row a record belongs to.)
 */
async function applyWave(
  context: StepContext,
  wave: readonly Item[],
  rule: Rule,
  refuse: (item: Item, error: RejectedRecordError) => void,
): Promise<SetResult[]> {
  const { session, mapping } = context;
  const isFixed = mapping.matchBy === undefined && (await rowsStandAlone(session, mapping));
  const results: SetResult[] = [];
  let ahead: ReadSet | undefined;
  let judged: JudgedRecord[] | undefined;
  const sets = inSets(wave);
  for (const [i, set] of sets.entries()) {
    const { records, refused } = ahead ?? (await readSet(context, set, 'at once'));
    for (const { item, error } of refused) refuse(item, error);
    const left = refused.length === 0 ? set : set.filter((item) => !refused.some((each) => each.item === item));
    judged ??= await judgeSet(mapping, records, rule);
    const next = isFixed ? sets[i + 1] : undefined;
    ahead = next && (await readSet(context, next, 'at once'));
    const writing = writeOrBisect(context, left, judged, rule, refuse);
    const judging = ahead && judgeSet(mapping, ahead.records, rule);
    // Both have to end before an error leaves: a statement that came after the rollback would stand for itself.
    await Promise.allSettled([writing, judging]);
    const written = await writing;
    for (const { item, error } of written.flatMap((part) => part.refused)) refuse(item, error);
    results.push(...written);
    judged = await judging;
  }
  return results;
}

/** Writes the set; when one of its rows is refused, or another execution makes the same links, part by part. */
async function writeOrBisect(
  context: StepContext,
  set: readonly Item[],
  judged: readonly JudgedRecord[],
  rule: Rule,
  refuse: (item: Item, error: RejectedRecordError) => void,
): Promise<SetResult[]> {
  const { session } = context;
  const whole = await inSavepoint(session, () => writeSet(context, judged, set.length));
  if (!(whole instanceof RowRefusedError)) return [whole.result];
  const work = async (part: readonly Item[]) => {
    const { records, refused } = await readSet(context, part, 'claimed');
    const judgedAgain = await judgeSet(context.mapping, records, rule);
    return { result: await writeSet(context, judgedAgain, part.length - refused.length), refused };
  };
  const parts = await bisect(session, set, work, refuse);
  for (const { item, error } of parts.flatMap(({ refused }) => refused)) refuse(item, error);
  return parts.map(({ result }) => result);
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
