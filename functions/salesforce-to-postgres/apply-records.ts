/** Writes versions to Postgres by the rules of core/agreement/inbound.ts, in one transaction that the streamer knows as ours. */
import { z } from 'zod';
import configuration from '#sync.config';
import { Storage } from '../../aws/storage.ts';
import { applyRecordsInput, applyRecordsOutput, mappedLine, readLine } from '../../core/contracts/inbound-tasks.ts';
import { workKey } from '../../core/contracts/storage-layout.ts';
import { mappingOf } from '../../core/mapping/configuration.ts';
import type { AppliedVersions } from '../../steps/apply.ts';
import { applyRereads, applyVersions } from '../../steps/apply.ts';
import { sharedSession } from '../connections.ts';
import { defineHandler, environment } from '../handler.ts';

const { BUCKET_NAME, DATABASE_SECRET_ARN } = environment({ BUCKET_NAME: z.string(), DATABASE_SECRET_ARN: z.string() });
const storage = new Storage(BUCKET_NAME);
const { clockSkewSeconds, longestRunMinutes } = configuration.settings;

export const handler = defineHandler({
  input: applyRecordsInput,
  output: applyRecordsOutput,
  run: async (input, { log }) => {
    const mapping = mappingOf(configuration, input.object);
    const session = await sharedSession(DATABASE_SECRET_ARN);
    const context = { session, configuration, mapping, execution: input.execution };
    const attempt = input.from === 'file' ? 0 : input.attempt;
    const { toRead, ...applied }: AppliedVersions =
      input.from === 'file'
        ? await applyVersions(
            context,
            input.source,
            await storage.readLines(input.mappedKey, mappedLine),
            readAfter(input.putAt),
          )
        : await applyRereads(
            context,
            input.source,
            await storage.readLines(input.versionsKey, readLine),
            Date.parse(input.readAt),
          );
    log.info('records applied', { source: input.source, ...applied });
    if (toRead.length === 0) return { object: input.object, attempt, ...applied };
    const from = input.from === 'file' ? input.mappedKey : input.versionsKey;
    const rereadKey = workKey(input.execution, `reread-${attempt + 1}-of-${from.split('/').at(-1)}`);
    await storage.writeLines(rereadKey, toRead);
    return { object: input.object, attempt, ...applied, rereadKey };
  },
});

/** The earliest moment at which the data of a file may have been read, allowing for clocks that disagree. */
function readAfter(putAt: string): number {
  return Date.parse(putAt) - longestRunMinutes * 60_000 - clockSkewSeconds * 1000;
}
