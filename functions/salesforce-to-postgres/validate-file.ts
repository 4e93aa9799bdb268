/** Is this a file of records, and of which object? Splits it into line-aligned byte ranges. */
import { z } from 'zod';
import configuration from '#sync.config';
import { Storage } from '../../aws/storage.ts';
import { validateFileInput, validateFileOutput } from '../../core/contracts/inbound-tasks.ts';
import { inspectFile } from '../../steps/files/inspect.ts';
import { defineHandler, environment } from '../handler.ts';

const { BUCKET_NAME } = environment({ BUCKET_NAME: z.string() });
const storage = new Storage(BUCKET_NAME);

export const handler = defineHandler({
  input: validateFileInput,
  output: validateFileOutput,
  run: async ({ key, size }, { log }) => {
    const file = await inspectFile(storage, configuration, { key, size });
    const ranges = file.ranges.length;
    log.info(ranges === 0 ? 'file without records' : 'file accepted', { key, size, ranges });
    return file;
  },
});
