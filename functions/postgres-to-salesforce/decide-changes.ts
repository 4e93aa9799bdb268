/** Merges the look with the current rows, and writes down what goes to Salesforce: as a CSV, or as batches for the API. */
import { z } from 'zod';
import configuration from '#sync.config';
import { Storage } from '../../aws/storage.ts';
import { lookLine, parted } from '../../core/contracts/insertion-tasks.ts';
import { decideChangesInput, decideChangesOutput } from '../../core/contracts/outbound-tasks.ts';
import { failpoint } from '../../core/failpoint.ts';
import { mappingOf } from '../../core/mapping/configuration.ts';
import { decideBatch } from '../../steps/decide.ts';
import { layOutPushes, pushDeadline } from '../../steps/push/lay-out.ts';
import { sharedSession } from '../connections.ts';
import { defineHandler, environment } from '../handler.ts';

const { BUCKET_NAME, DATABASE_SECRET_ARN } = environment({ BUCKET_NAME: z.string(), DATABASE_SECRET_ARN: z.string() });
const storage = new Storage(BUCKET_NAME);

export const handler = defineHandler({
  input: decideChangesInput,
  output: decideChangesOutput,
  run: async ({ object, execution, batchId, versionsKey, readAt }, { log }) => {
    const mapping = mappingOf(configuration, object);
    const session = await sharedSession(DATABASE_SECRET_ARN);
    const [newRows, looks] = parted(await storage.readLines(versionsKey, lookLine));
    const context = { session, configuration, mapping, execution, input: versionsKey };
    const now = Date.now();
    const round = { readAt: Date.parse(readAt), now, newRows };
    const { pushes, inserts, heldDeletes, ...outcome } = await decideBatch(context, batchId, looks, round);
    failpoint('decide:decided');
    const org = [...looks, ...newRows].find((look) => look.org !== undefined)?.org;
    const keys = await layOutPushes({ storage, mapping, execution, batchId }, looks, { pushes, inserts, org });
    const pushed = pushes.length + inserts.length;
    const looked = looks.length + newRows.length;
    log.info('batch decided', { batchId, looked, pushed, inserts: inserts.length, heldDeletes, ...outcome });
    const notAfter = pushDeadline(configuration.settings, now);
    return { batchId, pushed, notAfter, ...outcome, ...(heldDeletes > 0 && { heldDeletes }), ...keys };
  },
});
