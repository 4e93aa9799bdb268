/** Lays what a batch sends where the next steps find it: a CSV for the flow, files of lines for the Salesforce API. */
import type { Storage } from '../../aws/storage.ts';
import type { PushLine } from '../../core/contracts/outbound-tasks.ts';
import { archiveKey, executionName, outboundKey, workKey } from '../../core/contracts/storage-layout.ts';
import type { FieldValues } from '../../core/mapping/canonical.ts';
import type { ObjectMapping, Settings } from '../../core/mapping/configuration.ts';
import type { Instant } from '../../core/mapping/instant.ts';
import { inParentOrder } from '../../core/mapping/parent-order.ts';
import type { Decided } from '../decide.ts';
import type { DecidedInsertion } from '../new-rows/decide-new-rows.ts';
import { flowCsv } from './flow-csv.ts';

export interface Batch {
  readonly storage: Storage;
  readonly mapping: ObjectMapping;
  /** ARN of the execution. */
  readonly execution: string;
  readonly batchId: string;
}

interface Look {
  readonly id: string;
  readonly version?: { readonly fields: FieldValues } | undefined;
}

/** Lays out what was decided after the looks, children of one parent beside each other. Only what is there has a key. */
export async function layOutPushes(
  batch: Batch,
  looks: readonly Look[],
  decided: {
    readonly pushes: readonly Decided[];
    readonly inserts: readonly DecidedInsertion[];
    readonly org: string | undefined;
  },
) {
  const { storage, mapping, batchId } = batch;
  const { inserts } = decided;
  const pushes = inParentOrder(mapping, looks, decided.pushes);
  const byApi = pushes.filter(({ push }) => push.delivery === 'api').map(pushLineOf);
  const org = decided.org;
  const byFlow = pushes.filter(({ push }) => push.delivery === 'appflow');
  const csvKey = byFlow.length === 0 ? undefined : outboundKey(mapping.object, batchId);
  const keys = {
    pushedKey: await writeLines(batch, `pushed-${batchId}`, [
      ...pushes.map(({ id, revision }) => ({ id, revision })),
      ...inserts.map(({ line: _, ...row }) => row),
    ]),
    updatesKey: await writeLines(
      batch,
      `updates-${batchId}`,
      ofOrg(org, [
        ...byApi.filter(({ kind }) => kind === 'update' || kind === 'revive'),
        ...inserts.map(({ line }) => line),
      ]),
    ),
    deletesKey: await writeLines(
      batch,
      `deletes-${batchId}`,
      ofOrg(
        org,
        byApi.filter(({ kind }) => kind === 'delete' || kind === 'purge'),
      ),
    ),
    csvKey,
  };
  if (csvKey !== undefined) await storage.write(csvKey, flowCsv(mapping, byFlow), 'text/csv');
  return present(keys);
}

function pushLineOf({ id, push: { outgoing, fillers } }: Decided): PushLine {
  return { id, kind: outgoing.kind, fields: 'fields' in outgoing ? { ...fillers, ...outgoing.fields } : {} };
}

/** The first line names the org that was looked at: what sends the lines may be logged in elsewhere by then. */
function ofOrg<Line extends object>(org: string | undefined, [first, ...others]: readonly Line[]): object[] {
  return first === undefined ? [] : [{ ...first, org }, ...others];
}

interface LeftOver {
  readonly org: string | undefined;
  readonly readAgain: readonly object[];
  readonly pushAgain: readonly { readonly line: PushLine; readonly revision: number }[];
}

/** Lays out what the read-back of a batch has left over. Only what is there has a key. */
export async function layOutLeftOver(batch: Batch, attempt: number, { org, readAgain, pushAgain }: LeftOver) {
  const place = `${batch.batchId}-${attempt}`;
  const pushed = pushAgain.map(({ line, revision }) => ({ id: line.id, revision }));
  return present({
    readAgainKey: await writeLines(batch, `read-again-${place}`, readAgain),
    pushAgainKey: await writeLines(
      batch,
      `push-again-${place}`,
      ofOrg(
        org,
        pushAgain.map(({ line }) => line),
      ),
    ),
    pushedAgainKey: await writeLines(batch, `pushed-again-${place}`, pushed),
  });
}

/** The run is over: its CSV makes room for the next one. */
export async function archiveCsv({ storage, mapping, batchId }: Batch): Promise<void> {
  const key = outboundKey(mapping.object, batchId);
  if ((await storage.list(key)).includes(key)) await storage.move(key, archiveKey(mapping.object, batchId));
}

/** Until when a push that was decided at `now` may send requests, ISO 8601. */
export function pushDeadline({ pushDeadlineSeconds }: Settings, now: Instant): string {
  return new Date(now + pushDeadlineSeconds * 1000).toISOString();
}

async function writeLines({ storage, execution }: Batch, name: string, lines: readonly unknown[]) {
  if (lines.length === 0) return undefined;
  const key = workKey(executionName(execution), `${name}.jsonl`);
  await storage.writeLines(key, lines);
  return key;
}

function present(keys: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(keys).flatMap(([name, key]) => (key === undefined ? [] : [[name, key]])));
}
