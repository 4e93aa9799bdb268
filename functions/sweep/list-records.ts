/** Lists what Salesforce has: records live and in the recycle bin, and the delete log. */
import { z } from 'zod';
import configuration from '#sync.config';
import { Storage } from '../../aws/storage.ts';
import { listRecordsInput, listRecordsOutput } from '../../core/contracts/sweep-tasks.ts';
import { mappingOf } from '../../core/mapping/configuration.ts';
import { listPart } from '../../steps/sweep/list.ts';
import { sharedConnection } from '../connections.ts';
import { defineHandler, environment } from '../handler.ts';

const { BUCKET_NAME, SALESFORCE_SECRET_ARN } = environment({
  BUCKET_NAME: z.string(),
  SALESFORCE_SECRET_ARN: z.string(),
});
const storage = new Storage(BUCKET_NAME);

export const handler = defineHandler({
  input: listRecordsInput,
  output: listRecordsOutput,
  run: async (input, { log }) => {
    const mapping = mappingOf(configuration, input.object);
    const connection = await sharedConnection(SALESFORCE_SECRET_ARN);
    const list = await listPart({ storage, connection, mapping, log }, input);
    log.info('listed', { what: input.what, part: input.part, listed: list.listed });
    return list;
  },
});
