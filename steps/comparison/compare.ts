/**
 * Works off the comparison that is due of an object: page by page, each place saved when its page is done, so that an execution that
 * dies, or a second one, costs a page. It begins when every transaction that is older than the order is over: what was skipped
 * may have been written by one that had not committed then.
 */
import { type ComparisonReport, isReported } from '../../core/contracts/comparison.ts';
import type { TableFault } from '../../core/stream/table-faults.ts';
import { type Comparison, readComparison, saveComparison } from '../../postgres/ledger/comparison.ts';
import { forgetFormerTypes } from '../../postgres/ledger/mapped-tables.ts';
import { lookAtTables } from '../../postgres/tables/portraits.ts';
import { withMappingInForce } from '../mapping-in-force/columns.ts';
import type { StepContext } from '../step.ts';
import { compareLinks, compareRows } from './pages.ts';

export interface Looked {
  readonly looked: number;
  readonly marked: number;
}

/** Why no page was compared. */
type Held = 'nothing due' | 'older transactions' | 'no table';

/** Compares one page. */
export async function compareNext(context: StepContext): Promise<Looked | Held> {
  const { session, mapping, execution } = context;
  const comparison = await readComparison(session, mapping.object);
  if (comparison === undefined || comparison.finishedAt !== null || comparison.stage === 'records')
    return 'nothing due';
  if (comparison.waits) return 'older transactions';
  // Of a table that is not there, or that we may not read, no row was deleted.
  const faults = await faultsOf(context);
  if (faults.includes('no table') || faults.includes('no rights')) return 'no table';
  const after = comparison.after ?? undefined;
  const page = await withMappingInForce(context, undefined, (inForce) =>
    comparison.stage === 'links' ? compareLinks(inForce, after) : compareRows(inForce, after),
  );
  if (comparison.stage === 'links' && page.after === undefined) await forgetFormerTypes(session, comparison);
  await saveComparison(session, comparison, page, execution);
  return page;
}

async function faultsOf({ session, configuration, mapping }: StepContext): Promise<readonly TableFault[]> {
  const [looked] = await lookAtTables(session, { ...configuration, objects: [mapping] });
  return looked?.faults ?? [];
}

export interface ComparedPart extends Looked {
  /** There is more to compare: at once, or when older transactions are over, or when there is a table again. */
  readonly left: 'nothing' | 'more' | 'older transactions' | 'no table';
  /** What is to be reported: a comparison that this execution has brought to its end, or that it cannot be. */
  readonly report: ComparisonReport | undefined;
  /** The records in Salesforce are to be compared, too. */
  readonly records: boolean;
}

/** Compares pages until `isOver`, at least one. Tried again, it answers the same of what it had finished. */
export async function comparePart(context: StepContext, isOver: () => boolean): Promise<ComparedPart> {
  const { session, mapping, execution } = context;
  let looked = 0;
  let marked = 0;
  let left: ComparedPart['left'] = 'more';
  do {
    const page = await compareNext(context);
    if (typeof page === 'object') {
      looked += page.looked;
      marked += page.marked;
    } else left = page === 'nothing due' ? 'nothing' : page;
  } while (left === 'more' && !isOver());
  const comparison = await readComparison(session, mapping.object);
  const ended = left === 'no table' || (left === 'nothing' && comparison?.finishedBy === execution);
  const report = ended && comparison !== undefined ? await reportOf(context, comparison) : undefined;
  return {
    looked,
    marked,
    left,
    report: report !== undefined && isReported(report) ? report : undefined,
    records: comparison?.stage === 'records' && comparison.finishedAt === null,
  };
}

async function reportOf(context: StepContext, { reasons, looked, marked }: Comparison): Promise<ComparisonReport> {
  return { reasons: [...reasons], looked, marked, faults: [...(await faultsOf(context))] };
}
