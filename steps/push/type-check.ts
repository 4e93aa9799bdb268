/** Whether Salesforce has refused a record because the type of one of its fields is another one now. */
import type { AnyOutcome, AnyPushLine } from '../../core/contracts/insertion-tasks.ts';
import { SyncError } from '../../core/errors.ts';
import type { PushTarget } from '../../salesforce/record-answer.ts';
import { checkTypes } from '../../salesforce/type-check.ts';
import type { Log } from '../log.ts';

/** What Salesforce answers to a value of another type; each of them may be the value's own fault as well. */
const OF_TYPES = new Set([
  'INVALID_TYPE_ON_FIELD_IN_RECORD',
  'JSON_PARSER_ERROR',
  'MALFORMED_ID',
  'FIELD_INTEGRITY_EXCEPTION',
  'INVALID_CROSS_REFERENCE_KEY',
  'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
  'INVALID_EMAIL_ADDRESS',
]);

/** Adds to such refusals the types that Salesforce has for the fields that were sent. Without an answer they stand. */
export async function withTypes(
  { connection, mapping }: PushTarget,
  lines: readonly AnyPushLine[],
  outcomes: readonly AnyOutcome[],
  log: Log,
): Promise<readonly AnyOutcome[]> {
  const isOfTypes = ({ outcome, code }: AnyOutcome) =>
    outcome === 'refused' && code !== undefined && OF_TYPES.has(code);
  const refused = new Set(outcomes.filter(isOfTypes).map(keyOf));
  const sent = lines.filter((line) => refused.has(keyOf(line))).flatMap(({ fields }) => Object.keys(fields));
  try {
    const types = await checkTypes(connection, mapping, new Set(sent));
    if (types === undefined) return outcomes;
    return outcomes.map((outcome) => (isOfTypes(outcome) ? { ...outcome, types } : outcome));
  } catch (error) {
    if (!(error instanceof SyncError)) throw error;
    log.warn('records were refused, and Salesforce could not be asked for the types', { code: error.code });
    return outcomes;
  }
}

function keyOf(line: AnyOutcome | AnyPushLine): string {
  return 'externalId' in line ? `row ${line.externalId}` : line.id;
}
