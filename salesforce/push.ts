/**
 * Writes to Salesforce: updates, deletes, and revives of records in the recycle bin. What becomes of each record is answered
 * one by one; a push is only sent once (see `collections.ts`).
 */

import type { OutcomeLine, PushLine } from '../core/contracts/outbound-tasks.ts';
import { toSalesforce } from '../core/mapping/canonical.ts';
import type { ObjectMapping } from '../core/mapping/configuration.ts';
import { updatedFields } from '../core/mapping/configuration.ts';
import { sendInCollections } from './collections.ts';
import { API_VERSION, type SalesforceConnection } from './connection.ts';
import { type DeletedParent, deletedParents } from './deleted-along.ts';
import { type PushTarget, type RecordAnswer, refusedDelete, refusedUpdate } from './record-answer.ts';

/** Writes changed fields. Throws RetryableError when the first request of the target could not even be sent. */
export async function pushUpdates(target: PushTarget, lines: readonly PushLine[]): Promise<OutcomeLine[]> {
  return sendInCollections(target, lines, (part) => patch(target, part), refusedUpdate);
}

/** Moves records to the recycle bin. One that is there already, or is gone for good, has got what was wanted. */
export async function pushDeletes(target: PushTarget, lines: readonly PushLine[]): Promise<OutcomeLine[]> {
  const outcomes = await sendInCollections(target, lines, (part) => remove(target.connection, part), refusedDelete);
  return outcomes.map((outcome) =>
    outcome.code === 'INVALID_CROSS_REFERENCE_KEY' ? { id: outcome.id, outcome: 'accepted' } : outcome,
  );
}

/**
 * Empties records from the recycle bin. What has no entry there is live again, was emptied already or went with its parent:
 * nothing is left to do here, and the read-back shows which.
 */
export async function pushPurges(target: PushTarget, lines: readonly PushLine[]): Promise<OutcomeLine[]> {
  const outcomes = await sendInCollections(target, lines, (part) => purge(target.connection, part), refusedDelete);
  return outcomes.map((outcome) =>
    outcome.code === 'INVALID_ID_FIELD' ? { id: outcome.id, outcome: 'accepted' } : outcome,
  );
}

/** Brings records back from the recycle bin by SOAP undelete, and then writes all their fields. */
export async function pushRevives(target: PushTarget, lines: readonly PushLine[]): Promise<OutcomeLine[]> {
  // A record that cannot be undeleted may be live already; the update decides.
  const undeleted = await sendInCollections(
    target,
    lines,
    (part) => undelete(target.connection, part),
    () => 'refused',
  );
  const failures = new Map(undeleted.map((outcome) => [outcome.id, outcome]));
  const sent = lines.filter(({ id }) => failures.get(id)?.outcome !== 'unknown');
  const updated = await pushUpdates(target, sent);
  const unknown = undeleted.filter(({ outcome }) => outcome === 'unknown');
  const answered = updated.map((outcome) =>
    outcome.outcome === 'not applied' ? (failures.get(outcome.id) ?? outcome) : outcome,
  );
  return [...unknown, ...(await withDeletedParents(target, answered))];
}

/** Says of records that were deleted along with their parent what brings them back. */
async function withDeletedParents(
  { connection, mapping }: PushTarget,
  outcomes: readonly OutcomeLine[],
): Promise<readonly OutcomeLine[]> {
  const stuck = outcomes.flatMap(({ id, outcome, code }) =>
    outcome === 'refused' && code === 'UNDELETE_FAILED' ? id : [],
  );
  if (stuck.length === 0) return outcomes;
  // Only the reason is at stake: what Salesforce has answered stands.
  const parents = await deletedParents(connection, mapping, stuck).catch(() => new Map<string, DeletedParent>());
  return outcomes.map((outcome) => {
    const parent = parents.get(outcome.id);
    return parent === undefined ? outcome : { ...outcome, ...deletedAlong(mapping, parent) };
  });
}

function deletedAlong(mapping: ObjectMapping, { field, object, id }: DeletedParent) {
  const column = mapping.fields.find((candidate) => candidate.field === field)?.column ?? '';
  const reason = `Salesforce deleted it along with ${object} ${id}, which its ${field} names, and brings such a record back only with that parent. Undelete that one in Salesforce: the record comes back with it, and takes what the row has (column ${column} among it); then delete the parent again if it is to go. Or delete the row.`;
  return { code: 'DELETED_WITH_PARENT', field, reason };
}

/** One collections call that updates records; every one has an answer. */
export async function patch(
  { connection, mapping }: PushTarget,
  lines: readonly PushLine[],
): Promise<readonly RecordAnswer[]> {
  const fields = updatedFields(mapping);
  const records = lines.map((line) => ({
    attributes: { type: mapping.object },
    id: line.id,
    ...Object.fromEntries(
      fields
        .filter(({ field }) => line.fields[field] !== undefined)
        .map(({ field, type }) => [field, toSalesforce(type, line.fields[field] ?? null)]),
    ),
  }));
  return connection.request<readonly RecordAnswer[]>({
    method: 'PATCH',
    url: `/services/data/v${API_VERSION}/composite/sobjects`,
    body: JSON.stringify({ allOrNone: false, records }),
    headers: { 'content-type': 'application/json' },
  });
}

/** jsforce repeats a DELETE by itself, up to five times: also after the deadline, and after a lost answer. */
const ONCE = { retry: { methods: [] } };

async function remove(connection: SalesforceConnection, lines: readonly PushLine[]): Promise<readonly RecordAnswer[]> {
  const ids = lines.map(({ id }) => id).join(',');
  const url = `/services/data/v${API_VERSION}/composite/sobjects?ids=${ids}&allOrNone=false`;
  return connection.request<readonly RecordAnswer[]>({ method: 'DELETE', url }, ONCE);
}

async function purge(connection: SalesforceConnection, lines: readonly PushLine[]): Promise<readonly RecordAnswer[]> {
  const answers = [await connection.soap.emptyRecycleBin(lines.map(({ id }) => id))].flat();
  return soapAnswers(answers, 'DELETE_FAILED');
}

async function undelete(
  connection: SalesforceConnection,
  lines: readonly PushLine[],
): Promise<readonly RecordAnswer[]> {
  return soapAnswers(await connection.soap.undelete(lines.map(({ id }) => id)), 'UNDELETE_FAILED');
}

/** `unnamed`: the code of an error that comes without one. */
function soapAnswers(answers: readonly object[], unnamed: string): readonly RecordAnswer[] {
  return answers.map((answer) => {
    const errors = 'errors' in answer && answer.errors ? [answer.errors].flat() : [];
    return {
      success: 'success' in answer && String(answer.success) === 'true',
      errors: errors.map((error) => ({
        statusCode: String(Object(error).statusCode ?? unnamed),
        message: String(Object(error).message ?? ''),
      })),
    };
  });
}
