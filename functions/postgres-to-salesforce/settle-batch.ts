/** Closes the pushes of a batch by what Salesforce holds after them. */
import { z } from 'zod';
import configuration from '#sync.config';
import { Storage } from '../../aws/storage.ts';
import { anyOutcome, lookLine, parted } from '../../core/contracts/insertion-tasks.ts';
import { settleBatchInput, settleBatchOutput } from '../../core/contracts/outbound-tasks.ts';
import { archiveKey, executionName, outboundKey, workKey } from '../../core/contracts/storage-layout.ts';
import { mappingOf } from '../../core/mapping/configuration.ts';
import { settleBatch } from '../../steps/settle.ts';
import { sharedSession } from '../connections.ts';
import { defineHandler, environment } from '../handler.ts';

const { BUCKET_NAME, DATABASE_SECRET_ARN } = environment({ BUCKET_NAME: z.string(), DATABASE_SECRET_ARN: z.string() });
const storage = new Storage(BUCKET_NAME);

export const handler = defineHandler({
  input: settleBatchInput,
  output: settleBatchOutput,
  run: async ({ object, execution, batchId, versionsKey, readAt, outcomesKeys, flowFailures, attempt }, { log }) => {
    const mapping = mappingOf(configuration, object);
    const [newRows, readBacks] = parted(await storage.readLines(versionsKey, lookLine));
    const lines = (await Promise.all(outcomesKeys.map((key) => storage.readLines(key, anyOutcome)))).flat();
    const [inserted, outcomes] = parted(lines);
    const session = await sharedSession(DATABASE_SECRET_ARN);
    const now = Date.now();
    const { readAgain, pushAgain, ...said } = await settleBatch(
      { session, configuration, mapping, execution },
      batchId,
      readBacks,
      {
        outcomes: new Map(outcomes.map((line) => [line.id, line])),
        newRows,
        insertOutcomes: new Map(inserted.map((line) => [line.externalId, line])),
        flowFailures,
        readAt: Date.parse(readAt),
        now,
      },
    );
    log.info('batch settled', { batchId, ...said, readAgain: readAgain.length, pushAgain: pushAgain.length });
    if (flowFailures !== undefined) await archive(object, batchId);

    const folder = executionName(execution);
    const write = async (name: string, lines: readonly unknown[]) => {
      const key = workKey(folder, `${name}-${batchId}-${attempt}.jsonl`);
      await storage.writeLines(key, lines);
      return key;
    };
    return {
      ...said,
      attempt,
      ...(readAgain.length > 0 && { readAgainKey: await write('read-again', readAgain) }),
      ...(pushAgain.length > 0 && {
        pushAgainKey: await write(
          'push-again',
          pushAgain.map(({ line }) => line),
        ),
        pushedAgainKey: await write(
          'pushed-again',
          pushAgain.map(({ line, revision }) => ({ id: line.id, revision })),
        ),
        notAfter: new Date(now + configuration.settings.pushDeadlineSeconds * 1000).toISOString(),
      }),
    };
  },
});

/** The run is over: its CSV makes room for the next one. */
async function archive(object: string, batchId: string): Promise<void> {
  const key = outboundKey(object, batchId);
  if ((await storage.list(key)).includes(key)) await storage.move(key, archiveKey(object, batchId));
}
