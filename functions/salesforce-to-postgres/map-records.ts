/** Field mapping and conversion: from a byte range of a file to canonical versions and rejected lines. */
import { z } from 'zod';
import configuration from '#sync.config';
import { Storage } from '../../aws/storage.ts';
import { mapRecordsInput, mapRecordsOutput } from '../../core/contracts/inbound-tasks.ts';
import { mappingOf } from '../../core/mapping/configuration.ts';
import { mapRange } from '../../steps/files/map.ts';
import { defineHandler, environment } from '../handler.ts';

const { BUCKET_NAME } = environment({ BUCKET_NAME: z.string() });
const storage = new Storage(BUCKET_NAME);

export const handler = defineHandler({
  input: mapRecordsInput,
  output: mapRecordsOutput,
  run: async ({ key, object, range, execution }, { log }) => {
    const mapped = await mapRange(storage, mappingOf(configuration, object), { key, range, execution });
    log.debug('records mapped', { key, range, records: mapped.records, rejected: mapped.rejected });
    return mapped;
  },
});
