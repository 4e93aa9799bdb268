/** Closes the pushes of a batch by what Salesforce holds after them. */
import { z } from 'zod';
import configuration from '#sync.config';
import { Storage } from '../../aws/storage.ts';
import { settleBatchInput, settleBatchOutput } from '../../core/contracts/outbound-tasks.ts';
import { failpoint } from '../../core/failpoint.ts';
import { mappingOf } from '../../core/mapping/configuration.ts';
import { readAnswers } from '../../steps/push/answers.ts';
import { archiveCsv, layOutLeftOver, pushDeadline } from '../../steps/push/lay-out.ts';
import { settleBatch } from '../../steps/settle.ts';
import { sharedSession } from '../connections.ts';
import { defineHandler, environment } from '../handler.ts';

const { BUCKET_NAME, DATABASE_SECRET_ARN } = environment({ BUCKET_NAME: z.string(), DATABASE_SECRET_ARN: z.string() });
const storage = new Storage(BUCKET_NAME);
const { settings } = configuration;
/** As `Is the batch settled?` of the machine has it. */
const LAST_ATTEMPT = 3;

export const handler = defineHandler({
  input: settleBatchInput,
  output: settleBatchOutput,
  run: async ({ object, execution, batchId, versionsKey, readAt, outcomesKeys, flowFailures, attempt }, { log }) => {
    const mapping = mappingOf(configuration, object);
    const { readBacks, answers } = await readAnswers(storage, versionsKey, outcomesKeys);
    const session = await sharedSession(DATABASE_SECRET_ARN);
    const context = { session, configuration, mapping, execution, input: versionsKey };
    const now = Date.now();
    const round = { ...answers, flowFailures, readAt: Date.parse(readAt), now, isLast: attempt >= LAST_ATTEMPT };
    const { readAgain, pushAgain, ...outcome } = await settleBatch(context, batchId, readBacks, round);
    failpoint('settle:settled');
    log.info('batch settled', { batchId, ...outcome, readAgain: readAgain.length, pushAgain: pushAgain.length });
    const batch = { storage, mapping, execution, batchId };
    if (flowFailures !== undefined) await archiveCsv(batch);
    failpoint('settle:archived');
    const org = [...readBacks, ...answers.newRows].find((line) => line.org !== undefined)?.org;
    const keys = await layOutLeftOver(batch, attempt, { org, readAgain, pushAgain });
    const notAfter = pushAgain.length > 0 ? { notAfter: pushDeadline(settings, now) } : {};
    return { ...outcome, attempt, ...keys, ...notAfter };
  },
});
