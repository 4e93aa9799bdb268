/** Field mapping and conversion: from a byte range of a file to canonical versions and rejected lines. */
import { z } from 'zod';
import { Storage } from '../../adapters/storage.ts';
import { mappingOf } from '../../core/configuration.ts';
import { mapRecordsInput, mapRecordsOutput } from '../../core/inbound-tasks.ts';
import { workKey } from '../../core/storage-layout.ts';
import configuration from '../../sync.config.ts';
import { defineHandler, environment } from '../handler.ts';
import { readInboundRecords } from './inbound-records.ts';

const { BUCKET_NAME } = environment({ BUCKET_NAME: z.string() });
const storage = new Storage(BUCKET_NAME);

export const handler = defineHandler({
  input: mapRecordsInput,
  output: mapRecordsOutput,
  run: async ({ key, object, range, execution }, { log }) => {
    const mapping = mappingOf(configuration, object);
    const text = (await storage.readRange(key, range.start, range.end)).toString('utf8');
    const lines = readInboundRecords(mapping, text).map(({ line, record: { version, unusable } }) =>
      version === undefined
        ? { line: line + range.firstLine - 1, rejected: unusable }
        : { line: line + range.firstLine - 1, version },
    );
    const mappedKey = workKey(execution, `mapped-${range.start}.jsonl`);
    await storage.writeLines(mappedKey, lines);
    const rejected = lines.filter((line) => 'rejected' in line).length;
    log.debug('records mapped', { key, range, records: lines.length - rejected, rejected });
    return { mappedKey, records: lines.length - rejected, rejected };
  },
});
