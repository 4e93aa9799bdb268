/** Redrives, by a schedule, executions that failed because the database or AWS was away. */
import { z } from 'zod';
import { DeadLetterQueue } from '../aws/dead-letter-queue.ts';
import { Executions } from '../aws/executions.ts';
import { redriveAllFailed } from '../steps/redrive-failed.ts';
import { defineHandler, environment } from './handler.ts';

const { FAILED_TO_POSTGRES_URL, FAILED_TO_SALESFORCE_URL } = environment({
  FAILED_TO_POSTGRES_URL: z.url(),
  FAILED_TO_SALESFORCE_URL: z.url(),
});
const executions = new Executions();
const queues = {
  'salesforce-to-postgres': new DeadLetterQueue(FAILED_TO_POSTGRES_URL),
  'postgres-to-salesforce': new DeadLetterQueue(FAILED_TO_SALESFORCE_URL),
};

export const handler = defineHandler({
  // The tick of a schedule says nothing.
  input: z.unknown(),
  output: z.null(),
  run: async (_, { log }) => {
    const found = await redriveAllFailed(queues, executions, new Date());
    if (found.length > 0) log.info('failed executions looked at', { found });
    return null;
  },
});
