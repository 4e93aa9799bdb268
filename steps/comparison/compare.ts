/**
 * Works off the comparison that is due of an object: page by page, each place saved when its page is done, so that an execution that
 * dies, or a second one, costs a page. It begins when every transaction that is older than the order is over: what was skipped
 * may have been written by one that had not committed then.
 */
import { type Comparison, readComparison, saveComparison } from '../../postgres/ledger/comparison.ts';
import { withMappingInForce } from '../mapping-in-force/columns.ts';
import type { StepContext } from '../step.ts';
import { compareLinks, compareRows } from './pages.ts';

export interface Looked {
  readonly looked: number;
  readonly marked: number;
}

/** Compares one page. */
export async function compareNext(context: StepContext): Promise<Looked | 'nothing due' | 'older transactions'> {
  const { session, mapping, execution } = context;
  const comparison = await readComparison(session, mapping.object);
  if (comparison === undefined || comparison.finishedAt !== null || comparison.stage === 'records')
    return 'nothing due';
  if (comparison.waits) return 'older transactions';
  const after = comparison.after ?? undefined;
  const page = await withMappingInForce(context, undefined, (inForce) =>
    comparison.stage === 'links' ? compareLinks(inForce, after) : compareRows(inForce, after),
  );
  await saveComparison(session, comparison, page, execution);
  return page;
}

export interface ComparedPart extends Looked {
  /** There is more to compare: at once, or when older transactions are over. */
  readonly left: 'nothing' | 'more' | 'older transactions';
  /** A comparison that this execution has brought to its end; undefined: it has not. */
  readonly finished: Pick<Comparison, 'reasons' | 'looked' | 'marked'> | undefined;
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
    if (page === 'nothing due') left = 'nothing';
    else if (page === 'older transactions') left = page;
    else {
      looked += page.looked;
      marked += page.marked;
    }
  } while (left === 'more' && !isOver());
  const comparison = await readComparison(session, mapping.object);
  const isOurs = left === 'nothing' && comparison?.finishedBy === execution;
  return {
    looked,
    marked,
    left,
    finished: isOurs ? comparison : undefined,
    records: comparison?.stage === 'records' && comparison.finishedAt === null,
  };
}
