/** Field mapping and conversion: from a byte range of a file to canonical versions and rejected lines. */
import { z } from 'zod';
import configuration from '#sync.config';
import { Storage } from '../../aws/storage.ts';
import { mapRecordsInput, mapRecordsOutput } from '../../core/contracts/inbound-tasks.ts';
import { workKey } from '../../core/contracts/storage-layout.ts';
import { mappingOf } from '../../core/mapping/configuration.ts';
import { defineHandler, environment } from '../handler.ts';
import { readInboundRecords } from './inbound-records.ts';

const { BUCKET_NAME } = environment({ BUCKET_NAME: z.string() });
const storage = new Storage(BUCKET_NAME);

export const handler = defineHandler({
  input: mapRecordsInput,
  output: mapRecordsOutput,
  run: async ({ key, object, range, execution }, { log }) => {
    const text = (await storage.readRange(key, range.start, range.end)).toString('utf8');
    const lines = readInboundRecords(mappingOf(configuration, object), text).map(({ line, record }) => {
      const place = { line: line + range.firstLine - 1 };
      const { version, unusable, readable } = record;
      return version === undefined ? { ...place, rejected: unusable, readable } : { ...place, version };
    });
    const mappedKey = workKey(execution, `mapped-${range.start}.jsonl`);
    await storage.writeLines(mappedKey, lines);
    const rejected = lines.filter((line) => 'rejected' in line).length;
    log.debug('records mapped', { key, range, records: lines.length - rejected, rejected });
    return { mappedKey, records: lines.length - rejected, rejected };
  },
});
