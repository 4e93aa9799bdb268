/**
 * What the steps have in common. A step works with the mapping in force: that of sync.config.ts without the columns that are gone
 * and the fields that Salesforce no longer has, or has as another type. It may be repeated from the beginning, for columns may move
 * under it.
 *
 * The order of a step that writes rows (`runStep`): look at the columns; note and close drift, each in a transaction of its own;
 * the work, in short transactions that the WAL streamer knows as ours, each of which holds the lease and lists the rejects that it
 * has found; then, for parents and children that committed at the same time, those that join what waits; then who else is due.
 */
import { childLookups } from '../core/agreement/references.ts';
import type { ReasonCount } from '../core/contracts/inbound-tasks.ts';
import { type Reject, reasonCounts } from '../core/contracts/rejects.ts';
import { isCollision } from '../core/error-classification.ts';
import type { RejectedRecordError } from '../core/errors.ts';
import type { ObjectMapping, SyncConfiguration } from '../core/mapping/configuration.ts';
import { COLUMN_INEXACT, withoutFields } from '../core/mapping/drift.ts';
import { claimConflicts } from '../postgres/ledger/conflicts.ts';
import { objectsWithDue } from '../postgres/ledger/due.ts';
import { inexactToReport } from '../postgres/ledger/inexact-columns.ts';
import { holdLease } from '../postgres/ledger/lease.ts';
import { requireOrg } from '../postgres/ledger/org.ts';
import { leaveToRead } from '../postgres/ledger/put-off.ts';
import { type RejectContext, reportNewRejects, reportRejects } from '../postgres/ledger/rejects.ts';
import { NEWEST_LIVE } from '../postgres/ledger/selections.ts';
import { inTransaction, query, type Session } from '../postgres/session/connection.ts';
import { inOwnTransaction, type OwnTransaction, withOwnTransactions } from '../postgres/session/origin.ts';
import type { SetWork } from '../postgres/session/savepoint.ts';
import { isLock } from '../postgres/session/server-errors.ts';
import { beginsAnew, withMappingInForce } from './mapping-in-force/columns.ts';
import { type FieldsLeftOut, leftOutOfFile, leftOutOfRead, type ReadFields } from './mapping-in-force/fields.ts';
import { type Joined, joinWaiting } from './parents/join-waiting.ts';
import { type PartsDone, type PartWork, retryingLocks, waitBriefly, workInParts } from './parts.ts';
import { rejectOfRow } from './refused-row.ts';

/** What a step works with: one object, in one session, for one execution. */
export interface StepContext {
  readonly session: Session;
  readonly configuration: SyncConfiguration;
  readonly mapping: ObjectMapping;
  /** What rejects and conflicts name; for outbound steps the ARN of the execution that must hold the object's lease. */
  readonly execution: string;
  /** Names the step, for what is reported once. */
  readonly reporter?: string | undefined;
  /** Names what the call works on: tried again with the same, it answers the same conflicts. */
  readonly input?: string | undefined;
}

/** How fields that are not in force are found, and who reports those that are reported once. */
type Reporting =
  | { readonly reporter: undefined; readonly fields: 'columns only' }
  | {
      /** Names the step, also when it is tried again. */
      readonly reporter: string;
      /** A file goes without the fields that a read has found missing; the lines of a read say it themselves. */
      readonly fields: 'of a file' | { readonly read: readonly ReadFields[] };
    };

export type StepRequest = Reporting & {
  /** The execution must hold the object's lease. */
  readonly lease: boolean;
  /** What rejects name as their source: the key of a file, or the id of a batch. */
  readonly source: string;
  /** A setting of the transactions. */
  readonly setting?: string;
  /** The records that are worked on: afterwards they are joined with the parents and children that they have. false: nothing follows. */
  readonly joins: readonly string[] | false;
};

type Direction = RejectContext['direction'];

/** A step under way. Its configuration and mapping are those in force. */
export interface RunningStep extends StepContext {
  /** Fields that are left out for Salesforce's sake. */
  readonly drifted: ReadonlySet<string>;
  /**
   * Set-based work on records in parts, each of which is committed by itself. One that the database refuses is rejected towards
   * PostgreSQL, and its part goes on without it.
   */
  inParts<Item extends { readonly id: string }, Result>(
    items: readonly Item[],
    work: SetWork<Item, Result>,
    more?: Pick<PartWork<Item, Result>, 'done'>,
  ): Promise<Omit<PartsDone<Item, Result>, 'refused'> & { readonly refused: readonly Reject[] }>;
  /** As `inParts`, for what has no id, or where more is to be done for what is refused. */
  inPartsOf<Item, Result>(items: readonly Item[], work: PartWork<Item, Result>): Promise<PartsDone<Item, Result>>;
  /** Other work: in a transaction of its own, done again after locks that did not come in time. */
  inTransaction: OwnTransaction;
  /** Lists rejects with the transaction under way, else with the next. Not to be called in work that may be done again in parts. */
  reject(direction: Direction, rejects: readonly Reject[]): void;
}

export interface StepResult<T> {
  readonly done: T;
  readonly rejected: number;
  /** Of what is listed and was not reported yet: of this call, of one before that died, or whose answer was lost. */
  readonly conflicts: number;
  /** What is to be reported: first what is reported once, for the machine keeps twenty. */
  readonly reasons: ReasonCount[];
  /** Records of the object are due. */
  readonly due: boolean;
  /** Other objects of which records are due: their parents have landed or got an id, or their children have gone. */
  readonly alsoDue: string[];
}

/**
 * Does the work of a step that writes rows. Until it has committed something it may be repeated, and must keep nothing from an
 * attempt before.
 */
export function runStep<T>(
  context: StepContext,
  request: StepRequest,
  work: (step: RunningStep) => Promise<T>,
): Promise<StepResult<T>> {
  return withMappingInForce(context, request.reporter, async ({ reasons, ...columns }) => {
    await requireOrgOf(context, request);
    const fields = await fieldsLeftOut(context, request);
    const { reporter } = request;
    const inForce = { ...columns, reporter, mapping: withoutFields(columns.mapping, fields.leftOut) };
    const { done, rejects } = await inStepTransactions(inForce, fields.leftOut, request, work);
    const { session, mapping } = context;
    const conflicts = reporter === undefined ? [] : await claimConflicts(session, mapping.object, context);
    return {
      done,
      rejected: rejects.length,
      conflicts: conflicts.reduce((sum, { count }) => sum + count, 0),
      reasons: [
        ...fields.reasons,
        ...reasons,
        ...(await inexactReasons(inForce)),
        ...reasonCounts(rejects),
        ...conflicts,
      ],
      ...(request.joins === false
        ? { due: false, alsoDue: [] }
        : await whoIsDue(inForce, request.source, request.joins)),
    };
  });
}

/** Whether the execution holds the object's lease, and must hold it still. Marking records due takes none. */
export interface Holding {
  readonly lease: boolean;
}

/** Work that writes no mapped row: in an ordinary transaction, with the mapping in force. It may be repeated. */
export function inLedger<T>(
  context: StepContext,
  holding: Holding,
  work: (inForce: StepContext) => Promise<T>,
): Promise<T> {
  return withMappingInForce(context, undefined, (inForce) => underLease(inForce, holding, () => work(inForce)));
}

/** As `inLedger`, for work that no mapped column plays a part in. */
export function underLease<T>(context: StepContext, { lease }: Holding, work: () => Promise<T>): Promise<T> {
  const { session, mapping, execution } = context;
  return inTransaction(session, async () => {
    if (lease) await holdLease(session, mapping.object, execution);
    return work();
  });
}

/** What was read in another org is neither merged nor answered; a file does not say in which it was read. */
async function requireOrgOf({ session }: StepContext, { fields }: StepRequest): Promise<void> {
  if (fields === 'columns only') return;
  await requireOrg(session, fields === 'of a file' ? undefined : fields.read.find(({ org }) => org !== undefined)?.org);
}

/** With the whole mapping: a field may have drifted, and its column be gone. */
async function fieldsLeftOut(context: StepContext, request: StepRequest): Promise<FieldsLeftOut> {
  if (request.fields === 'columns only') return { leftOut: new Set(), reasons: [] };
  if (request.fields === 'of a file') return { leftOut: await leftOutOfFile(context), reasons: [] };
  return leftOutOfRead(context, request.fields.read, request.reporter);
}

type Rejects = Record<Direction, Reject[]>;

function inStepTransactions<T>(
  context: StepContext,
  drifted: ReadonlySet<string>,
  { setting, lease, source }: StepRequest,
  work: (step: RunningStep) => Promise<T>,
): Promise<{ readonly done: T; readonly rejects: readonly Reject[] }> {
  const { session, configuration, mapping, execution } = context;
  const listed: Reject[] = [];
  let found: Rejects = { 'to-postgres': [], 'to-salesforce': [] };
  return withOwnTransactions(session, configuration.settings.origins, async (begin) => {
    const transaction: OwnTransaction = async (part) => {
      const before = { 'to-postgres': [...found['to-postgres']], 'to-salesforce': [...found['to-salesforce']] };
      try {
        const { result: done, reported } = await begin(async () => {
          await waitBriefly(session);
          if (setting !== undefined) await query(session, setting);
          if (lease) await holdLease(session, mapping.object, execution);
          const result = await part();
          const reported = await reportFound({ object: mapping.object, source, execution }, session, found);
          return { result, reported };
        });
        listed.push(...reported);
        found = { 'to-postgres': [], 'to-salesforce': [] };
        return done;
      } catch (error) {
        found = before;
        throw error;
      }
    };
    if (lease) await transaction(async () => undefined);
    const reject = (direction: Direction, rejects: readonly Reject[]) => void found[direction].push(...rejects);
    const surroundings = { session, transaction, isMoved: beginsAnew, now: () => performance.now() };
    const inPartsOf: RunningStep['inPartsOf'] = (items, parts) => workInParts(surroundings, items, parts);
    const inParts: RunningStep['inParts'] = async (items, part, more) => {
      const rejectOne = (id: string, error: RejectedRecordError) => rejectOfRow(mapping, id, error);
      const { refused, ...done } = await inPartsOf(items, {
        ...more,
        idOf: ({ id }) => id,
        work: part,
        refuse: ({ id }, error) => reject('to-postgres', [rejectOne(id, error)]),
      });
      return { ...done, refused: refused.map(({ item: { id }, error }) => rejectOne(id, error)) };
    };
    const inTransactionOf: OwnTransaction = (part) => retryingLocks(() => transaction(part));
    const done = await work({ ...context, drifted, inParts, inPartsOf, inTransaction: inTransactionOf, reject });
    if (Object.values(found).some(({ length }) => length > 0)) await inTransactionOf(async () => undefined);
    return { done, rejects: listed };
  });
}

async function inexactReasons({ session, mapping, reporter }: StepContext): Promise<ReasonCount[]> {
  const fields = reporter === undefined ? [] : await inexactToReport(session, mapping.object, reporter);
  return fields.map((field) => ({ code: COLUMN_INEXACT, field, count: 1 }));
}

/** Lists what was found. What is tried again and again is reported once. */
async function reportFound(
  of: Omit<RejectContext, 'direction'>,
  session: Session,
  found: Rejects,
): Promise<readonly Reject[]> {
  const reported: Reject[] = [];
  for (const direction of ['to-postgres', 'to-salesforce'] as const) {
    const isRepeated = ({ code, isTriedAgain }: Reject) => isTriedAgain === true || isCollision(code);
    const others = found[direction].filter((reject) => !isRepeated(reject));
    const repeated = found[direction].filter(isRepeated);
    await reportRejects(session, { ...of, direction }, others);
    reported.push(...others, ...(await reportNewRejects(session, { ...of, direction }, repeated)));
  }
  return reported;
}

/**
 * Asked of the tables, and not of what was just made of the records: a step whose answer was lost answers the same when it is
 * done again.
 */
async function whoIsDue(
  context: StepContext,
  source: string,
  records: readonly string[],
): Promise<Pick<StepResult<never>, 'due' | 'alsoDue'>> {
  const { session, configuration, mapping } = context;
  const joined = await joinOrLeave(context, source, records);
  const children = childLookups(configuration, mapping.object).map(({ child }) => child.object);
  const due = await objectsWithDue(session, [...new Set([mapping.object, ...children])]);
  const others = [...new Set([...joined.due, ...due])].filter((object) => object !== mapping.object);
  return { due: due.includes(mapping.object), alsoDue: others };
}

/**
 * Where a table is locked, children wait for longer: a record of the object is read again after a pause, and what works on it then
 * joins them.
 */
async function joinOrLeave(context: StepContext, source: string, records: readonly string[]): Promise<Joined> {
  const { session, configuration, mapping } = context;
  const { origins } = configuration.settings;
  try {
    return await retryingLocks(() =>
      inOwnTransaction(session, origins, async () => {
        await waitBriefly(session);
        return joinWaiting(context, source, records);
      }),
    );
  } catch (error) {
    if (!isLock(error)) throw error;
    await inTransaction(session, () => leaveToRead(session, mapping.object, NEWEST_LIVE, Date.now()));
    return { due: [] };
  }
}
