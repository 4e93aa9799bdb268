/** Merges the look with the current rows, and writes down what goes to Salesforce: as a CSV, or as batches for the API. */
import { stringify } from 'csv-stringify/sync';
import { z } from 'zod';
import configuration from '#sync.config';
import { Storage } from '../../aws/storage.ts';
import { lookLine, parted } from '../../core/contracts/insertion-tasks.ts';
import { decideChangesInput, decideChangesOutput, type PushLine } from '../../core/contracts/outbound-tasks.ts';
import { executionName, outboundKey, workKey } from '../../core/contracts/storage-layout.ts';
import { toCsv } from '../../core/mapping/canonical.ts';
import { mappingOf, type ObjectMapping, outgoingFields } from '../../core/mapping/configuration.ts';
import { inParentOrder } from '../../core/mapping/parent-order.ts';
import { type Decided, decideBatch } from '../../steps/decide.ts';
import type { DecidedInsertion } from '../../steps/new-rows.ts';
import { sharedSession } from '../connections.ts';
import { defineHandler, environment } from '../handler.ts';

const { BUCKET_NAME, DATABASE_SECRET_ARN } = environment({ BUCKET_NAME: z.string(), DATABASE_SECRET_ARN: z.string() });
const storage = new Storage(BUCKET_NAME);

export const handler = defineHandler({
  input: decideChangesInput,
  output: decideChangesOutput,
  run: async ({ object, execution, batchId, versionsKey, readAt }, { log }) => {
    const mapping = mappingOf(configuration, object);
    const session = await sharedSession(DATABASE_SECRET_ARN);
    const [newRows, looks] = parted(await storage.readLines(versionsKey, lookLine));
    const now = Date.now();
    const context = { session, configuration, mapping, execution };
    const round = { readAt: Date.parse(readAt), now, newRows };
    const { pushes, inserts, heldDeletes, ...said } = await decideBatch(context, batchId, looks, round);
    const pushed = pushes.length + inserts.length;
    const looked = looks.length + newRows.length;
    log.info('batch decided', { batchId, looked, pushed, inserts: inserts.length, heldDeletes, ...said });
    const notAfter = new Date(now + configuration.settings.pushDeadlineSeconds * 1000).toISOString();
    const keys = await place(mapping, execution, batchId, inParentOrder(mapping, looks, pushes), inserts);
    return { batchId, pushed, notAfter, ...said, ...(heldDeletes > 0 && { heldDeletes }), ...keys };
  },
});

/** Lays the pushes where the next steps find them. Only what is there has a key in the answer. */
async function place(
  mapping: ObjectMapping,
  execution: string,
  batchId: string,
  pushes: readonly Decided[],
  inserts: readonly DecidedInsertion[],
) {
  if (pushes.length + inserts.length === 0) return {};
  const folder = executionName(execution);
  const lines = async (name: string, list: readonly unknown[]) => {
    if (list.length === 0) return undefined;
    const key = workKey(folder, `${name}-${batchId}.jsonl`);
    await storage.writeLines(key, list);
    return key;
  };
  const byApi = pushes.filter(({ push }) => push.delivery === 'api').map(pushLineOf);
  const byFlow = pushes.filter(({ push }) => push.delivery === 'appflow');
  const keys = {
    pushedKey: await lines('pushed', [
      ...pushes.map(({ id, revision }) => ({ id, revision })),
      ...inserts.map(({ line: _, ...row }) => row),
    ]),
    updatesKey: await lines('updates', [
      ...byApi.filter(({ kind }) => kind === 'update' || kind === 'revive'),
      ...inserts.map(({ line }) => line),
    ]),
    deletesKey: await lines(
      'deletes',
      byApi.filter(({ kind }) => kind === 'delete' || kind === 'purge'),
    ),
    csvKey: byFlow.length === 0 ? undefined : outboundKey(mapping.object, batchId),
  };
  if (keys.csvKey !== undefined) await storage.write(keys.csvKey, csv(mapping, byFlow), 'text/csv');
  return Object.fromEntries(Object.entries(keys).filter(([, key]) => key !== undefined));
}

function pushLineOf({ id, push: { outgoing } }: Decided): PushLine {
  return { id, kind: outgoing.kind, fields: 'fields' in outgoing ? outgoing.fields : {} };
}

/** RFC 4180, UTF-8 without BOM, `\n`: whole rows, for AppFlow writes every mapped field of a file. */
function csv(mapping: ObjectMapping, pushes: readonly Decided[]): string {
  const fields = outgoingFields(mapping);
  const rows = pushes.map(({ id, push: { outgoing, fillers } }) => {
    const values = { ...fillers, ...('fields' in outgoing && outgoing.fields) };
    return [id, ...fields.map(({ field, type }) => toCsv(type, values[field] ?? null))];
  });
  const columns = ['Id', ...fields.map(({ field }) => field)];
  // A lone carriage return would end the row for some readers.
  return stringify([columns, ...rows], { quoted_match: /\r/ });
}
