/** Takes the object's lease, receives its queue into the ledger, and chooses a batch of what is due. */
import { z } from 'zod';
import configuration from '#sync.config';
import { ChangeQueue } from '../../aws/change-queue.ts';
import { isRunning } from '../../aws/executions.ts';
import { Storage } from '../../aws/storage.ts';
import { collectChangesInput, collectChangesOutput } from '../../core/contracts/outbound-tasks.ts';
import { ConfigurationError } from '../../core/errors.ts';
import { mappingOf, type ObjectMapping } from '../../core/mapping/configuration.ts';
import { collectChanges } from '../../steps/collect.ts';
import { NO_QUEUE } from '../../steps/no-queue.ts';
import type { ReceivePorts } from '../../steps/receive.ts';
import { sharedSession } from '../connections.ts';
import { defineHandler, environment } from '../handler.ts';

const { BUCKET_NAME, DATABASE_SECRET_ARN, CHANGE_QUEUE_URLS } = environment({
  BUCKET_NAME: z.string(),
  DATABASE_SECRET_ARN: z.string(),
  CHANGE_QUEUE_URLS: z.string().transform((json) => z.record(z.string(), z.url()).parse(JSON.parse(json))),
});
const storage = new Storage(BUCKET_NAME);

export const handler = defineHandler({
  input: collectChangesInput,
  output: collectChangesOutput,
  run: async ({ object, execution, ...input }, { log }) => {
    const mapping = mappingOf(configuration, object);
    const session = await sharedSession(DATABASE_SECRET_ARN);
    const ports = { queue: queueOf(mapping), storage, isRunning, log, now: () => Date.now() };
    return collectChanges({ session, configuration, mapping, execution }, ports, input);
  },
});

function queueOf({ object, direction }: ObjectMapping): ReceivePorts['queue'] {
  if (direction === 'to-postgres') return NO_QUEUE;
  const url = CHANGE_QUEUE_URLS[object];
  if (url !== undefined) return new ChangeQueue(url);
  throw new ConfigurationError('NO_QUEUE', `CHANGE_QUEUE_URLS names no queue for ${object}: deploy the stack again.`);
}
