import { AwsError } from '../service.ts';
import { queryCode } from './errors.ts';

export interface BatchEntry {
  readonly Id?: string;
}

export interface BatchOutcome {
  readonly Successful?: object[];
  readonly Failed?: { Id: string; SenderFault: boolean; Code: string; Message: string }[];
}

/**
 * Runs one action per entry of a batch: what fails, fails for its entry alone. The entries as a whole are checked first,
 * lastly by `check`.
 * @throws AwsError `EmptyBatchRequest`, `TooManyEntriesInBatchRequest`, `InvalidBatchEntryId`, `BatchEntryIdsNotDistinct`
 */
export function runBatch<Entry extends BatchEntry>(
  kind: string,
  entries: readonly Entry[] | undefined,
  action: (entry: Entry) => object,
  check: (entries: readonly Entry[]) => void = () => undefined,
): BatchOutcome {
  if (entries === undefined || entries.length === 0) {
    throw new AwsError('EmptyBatchRequest', `There should be at least one ${kind}RequestEntry in the request.`);
  }
  if (entries.length > 10) {
    const message = `Maximum number of entries per request are 10. You have sent ${entries.length}.`;
    throw new AwsError('TooManyEntriesInBatchRequest', message);
  }
  const seen = new Set<string>();
  for (const { Id: id = '' } of entries) {
    if (!/^[A-Za-z0-9_-]{1,80}$/.test(id)) {
      const message =
        'A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.';
      throw new AwsError('InvalidBatchEntryId', message);
    }
    if (seen.has(id)) throw new AwsError('BatchEntryIdsNotDistinct', `Id ${id} repeated.`);
    seen.add(id);
  }
  check(entries);
  const successful: object[] = [];
  const failed: NonNullable<BatchOutcome['Failed']> = [];
  for (const entry of entries) {
    const { Id: id = '' } = entry;
    try {
      successful.push({ Id: id, ...action(entry) });
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      failed.push({ Id: id, SenderFault: error.status < 500, Code: queryCode(error.code), Message: error.message });
    }
  }
  return { ...(successful.length > 0 && { Successful: successful }), ...(failed.length > 0 && { Failed: failed }) };
}
