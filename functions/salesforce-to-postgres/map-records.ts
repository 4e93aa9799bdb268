/**
 * Field mapping and conversion: from a byte range of a file to canonical versions and rejected lines. A field whose values do
 * not fit because its type in Salesforce is another one now is left out; everything else of its records goes on.
 */
import { z } from 'zod';
import { Storage } from '../../adapters/storage.ts';
import { mappingOf, type ObjectMapping } from '../../core/configuration.ts';
import { changedFields, type DoubtedTypes } from '../../core/drift.ts';
import { SyncError } from '../../core/errors.ts';
import { mapRecordsInput, mapRecordsOutput } from '../../core/inbound-tasks.ts';
import { misfitsOf, withoutFieldsOf } from '../../core/salesforce-record.ts';
import { workKey } from '../../core/storage-layout.ts';
import configuration from '../../sync.config.ts';
import { defineHandler, environment } from '../handler.ts';
import { readInboundRecords } from './inbound-records.ts';

const { BUCKET_NAME, SALESFORCE_SECRET_ARN } = environment({
  BUCKET_NAME: z.string(),
  SALESFORCE_SECRET_ARN: z.string(),
});
const storage = new Storage(BUCKET_NAME);

export const handler = defineHandler({
  input: mapRecordsInput,
  output: mapRecordsOutput,
  run: async ({ key, object, range, execution }, { log }) => {
    const mapping = mappingOf(configuration, object);
    const text = (await storage.readRange(key, range.start, range.end)).toString('utf8');
    const records = readInboundRecords(mapping, text);
    const types = await typesOf(mapping, misfitsOf(records.map(({ record }) => record)), log);
    const changed = changedFields(types);
    let told = changed.size === 0;
    const lines = records.map(({ line, record }) => {
      const { version, unusable } = withoutFieldsOf(record, changed);
      const place = { line: line + range.firstLine - 1 };
      if (version === undefined) return { ...place, rejected: unusable };
      if (told) return { ...place, version };
      told = true;
      return { ...place, version, types };
    });
    const mappedKey = workKey(execution, `mapped-${range.start}.jsonl`);
    await storage.writeLines(mappedKey, lines);
    const rejected = lines.filter((line) => 'rejected' in line).length;
    log.debug('records mapped', { key, range, records: lines.length - rejected, rejected });
    return { mappedKey, records: lines.length - rejected, rejected };
  },
});

/** Without an answer of Salesforce a value that does not fit is one record's fault: it is rejected, and the file goes on. */
async function typesOf(
  mapping: ObjectMapping,
  misfits: ReadonlySet<string>,
  log: { warn(message: string, details: Record<string, string>): void },
): Promise<DoubtedTypes | undefined> {
  if (misfits.size === 0) return undefined;
  // Hardly any file needs them, and to load them takes longer than to map most files.
  const { sharedConnection } = await import('../../adapters/salesforce/connection.ts');
  const { askTypes } = await import('../../adapters/salesforce/doubted-types.ts');
  try {
    return await askTypes(() => sharedConnection(SALESFORCE_SECRET_ARN), mapping, misfits);
  } catch (error) {
    if (!(error instanceof SyncError)) throw error;
    log.warn('values do not fit their fields, and Salesforce could not be asked for the types', {
      fields: [...misfits].join(),
      code: error.code,
    });
    return undefined;
  }
}
