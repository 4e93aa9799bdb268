/** Salesforce or AppFlow is away: the object's records stay due, and only the schedule probes from now on. */
import { z } from 'zod';
import { openCircuitInput, openCircuitOutput } from '../../core/contracts/outbound-tasks.ts';
import { openCircuitOf } from '../../steps/circuit.ts';
import { sharedSession } from '../connections.ts';
import { defineHandler, environment } from '../handler.ts';

const { DATABASE_SECRET_ARN } = environment({ DATABASE_SECRET_ARN: z.string() });

export const handler = defineHandler({
  input: openCircuitInput,
  output: openCircuitOutput,
  run: async ({ object, execution, error, cause }, { log }) => {
    const session = await sharedSession(DATABASE_SECRET_ARN);
    const opened = await openCircuitOf({ session, object, execution }, `${error}: ${cause}`);
    log.warn('circuit open', { object, error, opened });
    return { opened };
  },
});
