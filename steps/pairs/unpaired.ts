/** Live records of which no row is known, and the rows that are theirs all the same. */
import { isClaim, type Pair } from '../../core/agreement/link.ts';
import type { RejectedRecordError } from '../../core/errors.ts';
import type { StepContext } from '../step.ts';
import { type Adoptable, type Candidate, findAdoptable } from './adoption.ts';
import { adoptMatches } from './matching.ts';

/** No version of the record was merged, and it has no row that we know of. */
export function isUnpaired(pair: Pair | undefined): boolean {
  return pair === undefined || (isClaim(pair.link) && pair.row === undefined);
}

export interface FoundRows {
  /** By Salesforce id: the row that the record names becomes its row. */
  readonly adoptable: ReadonlyMap<string, Adoptable>;
  /** Records whose row, found by a value that both have, carries their id now. */
  readonly matched: readonly string[];
  /** Records that are not to be judged: which row is theirs cannot be known. */
  readonly refused: ReadonlyMap<string, RejectedRecordError>;
}

/** Before a record gets a row of its own: it may name one, or have the value of one. */
export async function findRows(context: StepContext, candidates: readonly Candidate[]): Promise<FoundRows> {
  const adoptable = await findAdoptable(context, candidates);
  // The key that a record names says more than a value which both happen to have.
  const unnamed = candidates.map(({ version }) => version).filter(({ id }) => !adoptable.has(id));
  const { adopted: matched, refused } = await adoptMatches(context, unnamed);
  return { adoptable, matched, refused };
}
