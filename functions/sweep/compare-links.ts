/** Compares a list with the links, and lays out what has to be read. Changes nothing: the read is applied like any other. */
import { z } from 'zod';
import configuration from '#sync.config';
import { Storage } from '../../aws/storage.ts';
import { compareLinksInput, compareLinksOutput } from '../../core/contracts/sweep-tasks.ts';
import { mappingOf } from '../../core/mapping/configuration.ts';
import { findMissed } from '../../steps/sweep/missed.ts';
import { sharedSession } from '../connections.ts';
import { defineHandler, environment } from '../handler.ts';

const { BUCKET_NAME, DATABASE_SECRET_ARN } = environment({ BUCKET_NAME: z.string(), DATABASE_SECRET_ARN: z.string() });
const storage = new Storage(BUCKET_NAME);

export const handler = defineHandler({
  input: compareLinksInput,
  output: compareLinksOutput,
  run: async (input, { log }) => {
    const session = await sharedSession(DATABASE_SECRET_ARN);
    const { object, execution } = input;
    const mapping = mappingOf(configuration, object);
    const context = { session, configuration, mapping, execution };
    const { counts, ...compared } = await findMissed(context, storage, input);
    log.info('compared', { with: input.with, part: input.part, compared: compared.compared, ...counts });
    return compared;
  },
});
