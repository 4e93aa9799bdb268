/** From a byte range of a file to canonical versions and rejected lines. */
import type { z } from 'zod';
import type { Storage } from '../../aws/storage.ts';
import type { mapRecordsInput } from '../../core/contracts/inbound-tasks.ts';
import { workKey } from '../../core/contracts/storage-layout.ts';
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import { withoutMasks } from '../../core/mapping/salesforce-record.ts';
import { decodeText } from './decode-text.ts';
import { readFileRecords } from './read.ts';

type MapRequest = Pick<z.output<typeof mapRecordsInput>, 'key' | 'range' | 'execution'>;

/** Maps the records of a range and stores a line for each. Answers where they lie and how many they are. */
export async function mapRange(storage: Storage, mapping: ObjectMapping, { key, range, execution }: MapRequest) {
  const text = decodeText(await storage.readRange(key, range.start, range.end));
  const lines = readFileRecords(mapping, text).map(({ line, record }) => {
    const place = { line: line + range.firstLine - 1 };
    const { version, unusable, readable } = withoutMasks(record);
    return version === undefined ? { ...place, rejected: unusable, readable } : { ...place, version };
  });
  const mappedKey = workKey(execution, `mapped-${range.start}.jsonl`);
  await storage.writeLines(mappedKey, lines);
  const count = (isRejected: boolean) => lines.filter((line) => 'rejected' in line === isRejected).length;
  return { mappedKey, records: count(false), rejected: count(true) };
}
