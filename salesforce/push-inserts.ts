/** New records, by upsert on the external id that holds the row key: whatever happened before, there is one record. */

import type { InsertLine, InsertOutcome } from '../core/contracts/insertion-tasks.ts';
import { InvariantError } from '../core/errors.ts';
import { toSalesforce } from '../core/mapping/canonical.ts';
import { outgoingFields } from '../core/mapping/configuration.ts';
import { toId18 } from '../core/mapping/salesforce-id.ts';
import { sendInCollections } from './collections.ts';
import { API_VERSION } from './connection.ts';
import type { PushTarget, RecordAnswer } from './record-answer.ts';

/**
 * Upserts the rows, 200 in a call. A record that has come into being since we looked is updated and accepted. Throws as
 * `pushUpdates` does.
 */
export async function pushInserts(target: PushTarget, lines: readonly InsertLine[]): Promise<InsertOutcome[]> {
  const ids = new Map<string, string>();
  const outcomes = await sendInCollections(
    target,
    lines.map(({ externalId, fields }) => ({ id: externalId, kind: 'update', fields })),
    async (part) => {
      const answers = await upsert(target, part);
      part.forEach(({ id: externalId }, i) => {
        const id = toId18(answers[i]?.id ?? '');
        if (id !== undefined) ids.set(externalId, id);
      });
      return answers;
    },
    () => 'refused',
  );
  return outcomes.map(({ id: externalId, ...outcome }) => {
    const id = ids.get(externalId);
    return { externalId, ...outcome, ...(id === undefined || outcome.outcome !== 'accepted' ? {} : { id }) };
  });
}

function upsert(
  { connection, mapping }: PushTarget,
  lines: readonly { readonly id: string; readonly fields: InsertLine['fields'] | Readonly<Record<string, unknown>> }[],
): Promise<readonly RecordAnswer[]> {
  const { object, externalIdField } = mapping;
  if (externalIdField === undefined) {
    throw new InvariantError('NO_EXTERNAL_ID', `${object} takes no inserts: sync.config.ts names no externalId.`);
  }
  const fields = outgoingFields(mapping);
  const records = lines.map((line) => ({
    attributes: { type: object },
    [externalIdField]: line.id,
    ...Object.fromEntries(
      fields.flatMap(({ field, type }) => {
        const value = line.fields[field];
        return typeof value === 'string' || typeof value === 'boolean' ? [[field, toSalesforce(type, value)]] : [];
      }),
    ),
  }));
  return connection.request<readonly RecordAnswer[]>({
    method: 'PATCH',
    url: `/services/data/v${API_VERSION}/composite/sobjects/${object}/${externalIdField}`,
    body: JSON.stringify({ allOrNone: false, records }),
    headers: { 'content-type': 'application/json' },
  });
}
