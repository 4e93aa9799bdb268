/** What may happen in an exploration, and how the object is configured in it. */
import {
  type ConflictPolicy,
  defineSync,
  mappingOf,
  type ObjectMapping,
  text,
} from '../../../../../core/mapping/configuration.ts';
import { withRounding } from '../rounding/rounding.ts';

export const FIELDS = ['x', 'y'] as const;
export type Field = (typeof FIELDS)[number];

/** How often each of these may happen. */
export interface Budgets {
  readonly editsInSalesforce: number;
  readonly editsOfRow: number;
  /** Deletes and undeletes by people; deletes and re-inserts by the application. */
  readonly deletesInSalesforce: number;
  readonly deletesOfRow: number;
  /** The application reads the row, and writes it back later as a whole, with an edit, and the lock version that followed then. */
  readonly staleWrites: number;
  /** The application takes the row out of the row filter, and back into it. */
  readonly crossings: number;
  /** Of executions: outbound at any step; inbound between an order to read again and its answer. */
  readonly crashes: number;
  /**
   * Executions that lose their lease and go on without knowing: Step Functions says that they no longer run, a task
   * still does.
   */
  readonly lostLeases: number;
  readonly inboundCrashes: number;
  readonly lostAnswers: number;
  readonly refusals: number;
  /** Rows that PostgreSQL does not take as a merge would have them. */
  readonly rowRefusals: number;
  /** Looks and read-backs that show nothing which can be used. */
  readonly unread: number;
  /** Runs of the flow that count a failure although this record went through. */
  readonly countedFailures: number;
  /** Files worked on twice; polls that find nothing new; commits that appear with an older stamp than the one before. */
  readonly duplicates: number;
  readonly idlePolls: number;
  readonly lateCommits: number;
  /** Commits that no poll finds, for one has passed their stamp. */
  readonly hiddenCommits: number;
  /** Commits that logical decoding shows before they are visible. */
  readonly earlyDecodes: number;
}

export type Budget = keyof Budgets;

/** What is absent may not happen at all. */
export interface Scenario extends Partial<Budgets> {
  /**
   * In Salesforce, a trigger writes y when a push writes x, or stores another spelling of x. In Postgres, one writes y
   * when sfsync writes x.
   */
  readonly trigger?: 'writes y' | 'normalises x' | 'in Postgres';
  /** `any`: at every conflict both winners are tried, field by field; this covers `latest` with clocks of any kind. */
  readonly policy?: ConflictPolicy | 'any';
  /** Which side cannot hold values of x as the other does. */
  readonly rounds?: 'the column' | 'Salesforce';
  readonly deleteRow?: 'delete' | 'ignore';
  readonly deleteRecord?: 'recycle-bin' | 'hard' | 'ignore';
  /** The object has a row filter, and this is what becomes of the record when its row leaves it. */
  readonly leaving?: 'delete' | 'ignore';
  readonly delivery?: 'api' | 'appflow';
  /** The direction of x. */
  readonly direction?: 'to-postgres' | 'to-salesforce';
  /** Edits choose among three values, so that a field may go back to an earlier one; else every edit makes a new value. */
  readonly editsBack?: boolean;
  /** A person may set what a push has just been refused. (Once it has landed, no read can tell the two apart.) */
  readonly sameValue?: boolean;
  /** Salesforce may name the field for which alone it refuses a push. */
  readonly blames?: boolean;
  /** x is new in the mapping: what both sides agreed on is not known, and one of them has no value there yet. */
  readonly joins?: 'row empty' | 'salesforce empty' | 'both filled';
  /** Counts edits that were overwritten in the documented window as lost: shows what the rules save of them. */
  readonly noWindow?: boolean;
}

export const NO_BUDGET: Budgets = {
  editsInSalesforce: 0,
  editsOfRow: 0,
  deletesInSalesforce: 0,
  deletesOfRow: 0,
  staleWrites: 0,
  crossings: 0,
  crashes: 0,
  lostLeases: 0,
  inboundCrashes: 0,
  lostAnswers: 0,
  refusals: 0,
  rowRefusals: 0,
  unread: 0,
  countedFailures: 0,
  duplicates: 0,
  idlePolls: 0,
  lateCommits: 0,
  hiddenCommits: 0,
  earlyDecodes: 0,
};

export const BUDGETS = Object.keys(NO_BUDGET) as readonly Budget[];

export function budgetsOf(scenario: Scenario): Budgets {
  const given = BUDGETS.map((budget) => [budget, scenario[budget] ?? 0] as const);
  return { ...NO_BUDGET, ...Object.fromEntries(given) };
}

/** The mapping to ask first, and those to ask, too, where it finds a conflict. */
export interface Mappings {
  readonly first: ObjectMapping;
  readonly others: readonly ObjectMapping[];
}

export function mappingsFor(scenario: Scenario): Mappings {
  const { policy = 'salesforce' } = scenario;
  if (policy !== 'any') return { first: mappingFor(scenario, policy, policy), others: [] };
  return {
    first: mappingFor(scenario, 'salesforce', 'salesforce'),
    others: [
      mappingFor(scenario, 'salesforce', 'postgres'),
      mappingFor(scenario, 'postgres', 'salesforce'),
      mappingFor(scenario, 'postgres', 'postgres'),
    ],
  };
}

function mappingFor(
  {
    deleteRow = 'delete',
    deleteRecord = 'recycle-bin',
    delivery = 'api',
    direction,
    leaving,
    rounds,
    staleWrites = 0,
  }: Scenario,
  policyOfX: ConflictPolicy,
  policyOfY: ConflictPolicy,
): ObjectMapping {
  const options = direction === undefined ? { policy: policyOfX } : { direction };
  const fields = { x: text('x', options), y: text('y', { policy: policyOfY }) };
  const filter = leaving && { where: 'inside', leaving };
  const lockVersion = staleWrites > 0 ? 'lock_version' : undefined;
  const thing = {
    table: 'things',
    updatedAt: 'updated_at',
    lockVersion,
    deleteRow,
    deleteRecord,
    delivery,
    filter,
    fields,
  };
  const mapping = mappingOf(defineSync({ objects: { Thing: thing } }), 'Thing');
  return rounds === 'Salesforce' ? withRounding(mapping) : mapping;
}
