/** Applies what a file or a read has brought, and lays out what has to be read again. */
import type { z } from 'zod';
import type { Storage } from '../../aws/storage.ts';
import { type applyRecordsInput, mappedLine, readLine } from '../../core/contracts/inbound-tasks.ts';
import { workKey } from '../../core/contracts/storage-layout.ts';
import { RetryableError } from '../../core/errors.ts';
import type { Settings } from '../../core/mapping/configuration.ts';
import { spelledTable } from '../../core/mapping/identifiers.ts';
import type { Instant } from '../../core/mapping/instant.ts';
import { type AppliedVersions, applyRereads, applyVersions } from '../apply.ts';
import type { StepContext } from '../step.ts';

type Input = z.output<typeof applyRecordsInput>;

/**
 * Waits of at most five minutes each that a locked table is given, about eight hours. Then the execution fails in this state, and a
 * redrive goes on with what is left.
 */
const MOST_WAITS = 100;

/** Answers what became of the records, and where those lie that are to be read again, and those that are left for the next call. */
export async function applyRecords(storage: Storage, context: StepContext, input: Input) {
  const { left, because, ...applied } = await applyLines(storage, context, input);
  const answer = await layOutReads(storage, input, applied);
  if (left.length === 0 || input.from !== 'file') return answer;
  const waits = because === 'locked' ? input.waits + 1 : 0;
  if (waits > MOST_WAITS) {
    const table = spelledTable(context.mapping);
    throw new RetryableError(
      'TABLE_LOCKED',
      `Table ${table}, or one that its rows refer to, has been locked by another session for hours. Find it in pg_locks, end it, and redrive the execution.`,
    );
  }
  // The name says what is in it: a call that is made again writes what it wrote before.
  const restKey = workKey(
    input.execution,
    `${left.length}-left-of-${nameOf(input.mappedKey).replace(/^\d+-left-of-/, '')}`,
  );
  await storage.writeLines(restKey, left);
  return { ...answer, restKey, waits };
}

function nameOf(key: string): string {
  return key.split('/').at(-1) ?? key;
}

async function layOutReads(
  storage: Storage,
  input: Input,
  { toRead, ...applied }: Omit<AppliedVersions, 'left' | 'because'>,
) {
  const attempt = input.from === 'file' ? 0 : input.attempt;
  if (toRead.length === 0) return { attempt, ...applied };
  const from = input.from === 'file' ? input.mappedKey : input.versionsKey;
  const rereadKey = workKey(input.execution, `reread-${attempt + 1}-of-${nameOf(from)}`);
  await storage.writeLines(rereadKey, toRead);
  return { attempt, ...applied, rereadKey };
}

async function applyLines(storage: Storage, context: StepContext, input: Input): Promise<AppliedVersions> {
  if (input.from === 'reread') {
    const lines = await storage.readLines(input.versionsKey, readLine);
    return applyRereads({ ...context, input: input.versionsKey }, input.source, lines, Date.parse(input.readAt));
  }
  const lines = await storage.readLines(input.mappedKey, mappedLine);
  const since = readAfter(input.putAt, context.configuration.settings);
  return applyVersions({ ...context, input: input.mappedKey }, input.source, lines, since);
}

/** The earliest moment at which the data of a file may have been read, allowing for clocks that disagree. */
function readAfter(putAt: string, { longestRunMinutes, clockSkewSeconds }: Settings): Instant {
  return Date.parse(putAt) - longestRunMinutes * 60_000 - clockSkewSeconds * 1000;
}
