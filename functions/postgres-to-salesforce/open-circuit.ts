/** Salesforce or AppFlow is away: the object's records stay due, and only the schedule probes from now on. */
import { z } from 'zod';
import { openCircuitInput, openCircuitOutput } from '../../core/contracts/outbound-tasks.ts';
import { holdLease, openCircuit, releaseLease } from '../../postgres/ledger/lease.ts';
import { inTransaction } from '../../postgres/session/connection.ts';
import { confirmTold } from '../../steps/delete-guard.ts';
import { sharedSession } from '../connections.ts';
import { defineHandler, environment } from '../handler.ts';

const { DATABASE_SECRET_ARN } = environment({ DATABASE_SECRET_ARN: z.string() });

export const handler = defineHandler({
  input: openCircuitInput,
  output: openCircuitOutput,
  run: async ({ object, execution, error, cause }, { log }) => {
    const session = await sharedSession(DATABASE_SECRET_ARN);
    // What its batch had to tell was told before Salesforce was called.
    await confirmTold(session, object, execution);
    const opened = await inTransaction(session, async () => {
      await holdLease(session, object, execution);
      const wasClosed = await openCircuit(session, object, `${error}: ${cause}`);
      await releaseLease(session, object, execution);
      return wasClosed;
    });
    log.warn('circuit open', { object, error, opened });
    return { opened };
  },
});
