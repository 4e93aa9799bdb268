/** Writes versions to Postgres by the rules of core/agreement/inbound.ts, in one transaction that the streamer knows as ours. */
import { z } from 'zod';
import configuration from '#sync.config';
import { Storage } from '../../aws/storage.ts';
import { applyRecordsInput, applyRecordsOutput } from '../../core/contracts/inbound-tasks.ts';
import { mappingOf } from '../../core/mapping/configuration.ts';
import { applyRecords } from '../../steps/files/apply.ts';
import { sharedSession } from '../connections.ts';
import { defineHandler, environment } from '../handler.ts';

const { BUCKET_NAME, DATABASE_SECRET_ARN } = environment({ BUCKET_NAME: z.string(), DATABASE_SECRET_ARN: z.string() });
const storage = new Storage(BUCKET_NAME);

export const handler = defineHandler({
  input: applyRecordsInput,
  output: applyRecordsOutput,
  run: async (input, { log }) => {
    const { object, execution, source } = input;
    const mapping = mappingOf(configuration, object);
    const session = await sharedSession(DATABASE_SECRET_ARN);
    const applied = await applyRecords(storage, { session, configuration, mapping, execution }, input);
    log.info('records applied', { source, ...applied });
    return { object, ...applied };
  },
});
