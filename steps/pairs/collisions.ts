/**
 * Values that may be there once only, and that another row has. Of a set in which rows exchange such values few are at fault: those
 * whose value a row outside of the set has. They are found and left out, and the others go together; halving would part them.
 */
import { isCollision } from '../../core/error-classification.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { bisect, inSavepoint, type Refuse, type SetWork } from '../../postgres/session/savepoint.ts';
import { mayBeOfStatement, RowRefusedError } from '../../postgres/session/server-errors.ts';

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

/**
 * As `bisect`, for sets of records. Those that a CollisionError names, or that a trial of each of them finds, are refused, and the
 * others tried again together; only what neither explains is halved. `again`: a set was refused before.
 */
export async function bisectRecords<Item, Result>(
  session: Session,
  items: readonly Item[],
  idOf: (item: Item) => string,
  work: SetWork<Item, Result>,
  refuse: Refuse<Item>,
): Promise<Result[]> {
  let left = items;
  for (let round = 0; round < MOST_ROUNDS && left.length > 1; round++) {
    const whole = await inSavepoint(session, () => work(left, round > 0));
    if (!(whole instanceof RowRefusedError)) return [whole.result];
    // The first collision only shows that values have to be freed, or that another transaction makes the same.
    if (round === 0 && isCollision(whole.code) && !(whole instanceof CollisionError)) continue;
    const refused = await refusedOf(whole);
    const bad = left.filter((item) => refused.has(idOf(item)));
    if (bad.length === 0) break;
    for (const item of bad) await refuse(item, refused.get(idOf(item)) ?? whole);
    left = left.filter((item) => !refused.has(idOf(item)));
  }
  return bisect(session, left, work, refuse);
}

/** The records because of which a set was refused, as far as that is known. */
async function refusedOf(refusal: RowRefusedError): Promise<ReadonlyMap<string, RowRefusedError>> {
  if (refusal instanceof CollisionError) return new Map([...refusal.salesforceIds].map((id) => [id, refusal]));
  if (mayBeOfStatement(refusal) || isCollision(refusal.code)) return new Map();
  return (await refusal.trial?.()) ?? new Map();
}
