/**
 * Values that may be there once only, and that another row has. Of a set in which rows exchange such values few are at fault: those
 * whose value a row outside of the set has. They are found and left out, and the others go together; halving would part them.
 */
import { isCollision } from '../../core/error-classification.ts';
import type { RejectedRecordError } from '../../core/errors.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { bisect, inSavepoint } from '../../postgres/session/savepoint.ts';
import { RowRefusedError } from '../../postgres/session/server-errors.ts';

/** A set was refused because of these records. */
export class CollisionError extends RowRefusedError {
  readonly salesforceIds: ReadonlySet<string>;

  constructor({ server }: RowRefusedError, salesforceIds: ReadonlySet<string>) {
    super(server);
    this.salesforceIds = salesforceIds;
  }
}

/** Writes rows whose values are free; throws a CollisionError that names those whose are not. */
export async function writeFreed<Write extends { readonly salesforceId: string }, Result>(
  session: Session,
  writes: readonly Write[],
  write: (part: readonly Write[]) => Promise<Result>,
): Promise<Result> {
  const whole = await inSavepoint(session, () => write(writes));
  if (!(whole instanceof RowRefusedError)) return whole.result;
  if (!isCollision(whole.code)) throw whole;
  const found = new Set<string>();
  await bisect(session, writes, write, ({ salesforceId }) => void found.add(salesforceId));
  throw new CollisionError(whole, found);
}

/** A row that is left out keeps a value which another one may want, that one keeps its own, and so on. */
const MOST_ROUNDS = 20;

/** As `bisect`, for sets of records: those that a CollisionError names are refused, and the others tried again together. */
export async function bisectRecords<Item, Result>(
  session: Session,
  items: readonly Item[],
  idOf: (item: Item) => string,
  work: (part: readonly Item[]) => Promise<Result>,
  refuse: (item: Item, error: RejectedRecordError) => void,
): Promise<Result[]> {
  let left = items;
  for (let round = 0; round < MOST_ROUNDS && left.length > 1; round++) {
    const whole = await inSavepoint(session, () => work(left));
    if (!(whole instanceof RowRefusedError)) return [whole.result];
    if (!(whole instanceof CollisionError)) {
      // The first collision only shows that values have to be freed.
      if (round === 0 && isCollision(whole.code)) continue;
      break;
    }
    const { salesforceIds } = whole;
    for (const item of left) if (salesforceIds.has(idOf(item))) refuse(item, whole);
    left = left.filter((item) => !salesforceIds.has(idOf(item)));
  }
  return bisect(session, left, work, refuse);
}
