/** Applies what a file or a read has brought, and lays out what has to be read again. */
import type { z } from 'zod';
import type { Storage } from '../../aws/storage.ts';
import { type applyRecordsInput, mappedLine, readLine } from '../../core/contracts/inbound-tasks.ts';
import { workKey } from '../../core/contracts/storage-layout.ts';
import type { Settings } from '../../core/mapping/configuration.ts';
import type { Instant } from '../../core/mapping/instant.ts';
import { type AppliedVersions, applyRereads, applyVersions } from '../apply.ts';
import type { StepContext } from '../step.ts';

type Input = z.output<typeof applyRecordsInput>;

/** Answers what became of the records, and where those lie that are to be read again. */
export async function applyRecords(storage: Storage, context: StepContext, input: Input) {
  const { toRead, ...applied } = await applyLines(storage, context, input);
  const attempt = input.from === 'file' ? 0 : input.attempt;
  if (toRead.length === 0) return { attempt, ...applied };
  const from = input.from === 'file' ? input.mappedKey : input.versionsKey;
  const rereadKey = workKey(input.execution, `reread-${attempt + 1}-of-${from.split('/').at(-1)}`);
  await storage.writeLines(rereadKey, toRead);
  return { attempt, ...applied, rereadKey };
}

async function applyLines(storage: Storage, context: StepContext, input: Input): Promise<AppliedVersions> {
  if (input.from === 'reread') {
    const lines = await storage.readLines(input.versionsKey, readLine);
    return applyRereads(context, input.source, lines, Date.parse(input.readAt));
  }
  const lines = await storage.readLines(input.mappedKey, mappedLine);
  return applyVersions(context, input.source, lines, readAfter(input.putAt, context.configuration.settings));
}

/** The earliest moment at which the data of a file may have been read, allowing for clocks that disagree. */
function readAfter(putAt: string, { longestRunMinutes, clockSkewSeconds }: Settings): Instant {
  return Date.parse(putAt) - longestRunMinutes * 60_000 - clockSkewSeconds * 1000;
}
