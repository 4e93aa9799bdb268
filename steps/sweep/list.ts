/** Lists what Salesforce has: records live and in the recycle bin, with the values of the mapped fields, and the delete log. */
import type { z } from 'zod';
import type { Storage } from '../../aws/storage.ts';
import { workKey } from '../../core/contracts/storage-layout.ts';
import type { listRecordsInput } from '../../core/contracts/sweep-tasks.ts';
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import type { SalesforceConnection } from '../../salesforce/connection.ts';
import { listDeleted, listRecords } from '../../salesforce/list.ts';
import type { Log } from '../log.ts';

/** Records in one list: ten pages of 2,000, and with a kilobyte for each about 20 MB. */
const LIST_RECORDS = 20_000;
/** The delete log reaches back 15 days; asking for a little less leaves room for clocks that disagree. */
const DELETE_LOG_MS = 14.5 * 24 * 3_600_000;

type Input = z.output<typeof listRecordsInput>;

interface Lister {
  readonly storage: Storage;
  readonly connection: SalesforceConnection;
  readonly mapping: ObjectMapping;
  readonly log: Log;
}

/** Stores one list. Answers how long it is, where it lies if it is not empty, and where the next one begins. */
export async function listPart(lister: Lister, input: Input) {
  const { lines, locator } = await list(lister, input);
  const more = locator === undefined ? {} : { locator };
  if (lines.length === 0) return { listed: 0, ...more };
  const listKey = workKey(input.execution, `listed-${input.part}.jsonl`);
  await lister.storage.writeLines(listKey, lines);
  return { listed: lines.length, listKey, ...more };
}

async function list({ connection, mapping, log }: Lister, input: Input) {
  const { object } = input;
  const from = input.from === undefined ? undefined : Date.parse(input.from);
  if (input.what === 'records') {
    const { locator } = input;
    const place = { ...(from !== undefined && { from }), ...(locator !== undefined && { locator }) };
    const { records, locator: next } = await listRecords(connection, mapping, { ...place, limit: LIST_RECORDS });
    return { lines: records, locator: next };
  }
  const now = Date.now();
  const entries = await listDeleted(connection, object, Math.max(from ?? 0, now - DELETE_LOG_MS), now);
  if (entries === undefined) {
    const text = 'the delete log does not reach back to where the sweep begins: purged records show in a full sweep';
    log.warn(text, { object });
  }
  return { lines: entries ?? [], locator: undefined };
}
