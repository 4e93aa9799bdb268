/**
 * Joins all children of an object that wait, and all that wait for its records. A step joins those of the records that it works
 * on; what an execution that died has left, and what a table has refused, the sweep takes up.
 */
import { inOwnTransaction } from '../../postgres/session/origin.ts';
import { withMappingInForce } from '../mapping-in-force/columns.ts';
import type { StepContext } from '../step.ts';
import { type Joined, joinWaiting } from './join-waiting.ts';

export function joinAll(context: StepContext): Promise<Joined> {
  const { session, configuration, execution } = context;
  return withMappingInForce(context, undefined, (inForce) =>
    inOwnTransaction(session, configuration.settings.origins, () => joinWaiting(inForce, execution, 'all')),
  );
}
