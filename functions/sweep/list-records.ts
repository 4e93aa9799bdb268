/** Lists what Salesforce has, by id and stamp only: records live and in the recycle bin, and the delete log. */
import { z } from 'zod';
import configuration from '#sync.config';
import { Storage } from '../../aws/storage.ts';
import { workKey } from '../../core/contracts/storage-layout.ts';
import { listRecordsInput, listRecordsOutput } from '../../core/contracts/sweep-tasks.ts';
import { mappingOf } from '../../core/mapping/configuration.ts';
import type { SalesforceConnection } from '../../salesforce/connection.ts';
import { listDeleted, listRecords } from '../../salesforce/list.ts';
import { sharedConnection } from '../connections.ts';
import { defineHandler, environment } from '../handler.ts';

const { BUCKET_NAME, SALESFORCE_SECRET_ARN } = environment({
  BUCKET_NAME: z.string(),
  SALESFORCE_SECRET_ARN: z.string(),
});
const storage = new Storage(BUCKET_NAME);

/** Records in one list: 50 pages of 2,000, about a minute, and about 7 MB. */
const LIST_RECORDS = 100_000;
/** The delete log reaches back 15 days; asking for a little less leaves room for clocks that disagree. */
const DELETE_LOG_MS = 14.5 * 24 * 3_600_000;

type Input = z.output<typeof listRecordsInput>;

export const handler = defineHandler({
  input: listRecordsInput,
  output: listRecordsOutput,
  run: async (input, { log }) => {
    mappingOf(configuration, input.object);
    const connection = await sharedConnection(SALESFORCE_SECRET_ARN);
    const { lines, locator } = await list(connection, input, () =>
      log.warn('the delete log does not reach back to where the sweep begins: purged records show in a full sweep'),
    );
    log.info('listed', { what: input.what, part: input.part, listed: lines.length });
    const more = locator === undefined ? {} : { locator };
    if (lines.length === 0) return { listed: 0, ...more };
    const listKey = workKey(input.execution, `listed-${input.part}.jsonl`);
    await storage.writeLines(listKey, lines);
    return { listed: lines.length, listKey, ...more };
  },
});

async function list(connection: SalesforceConnection, input: Input, logCutOff: () => void) {
  const { what, object } = input;
  const from = input.from === undefined ? undefined : Date.parse(input.from);
  if (what === 'records') {
    const { locator } = input;
    const place = { ...(from !== undefined && { from }), ...(locator !== undefined && { locator }) };
    const { records, locator: next } = await listRecords(connection, object, { ...place, limit: LIST_RECORDS });
    return { lines: records, locator: next };
  }
  const now = Date.now();
  const entries = await listDeleted(connection, object, Math.max(from ?? 0, now - DELETE_LOG_MS), now);
  if (entries === undefined) logCutOff();
  return { lines: entries ?? [], locator: undefined };
}
