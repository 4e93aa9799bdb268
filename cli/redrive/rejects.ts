/** `sfsync redrive rejects`: rejected records are looked at afresh, from both sides. */
import { randomUUID } from 'node:crypto';
import type { InboundInput } from '../../core/contracts/inbound-tasks.ts';
import { parseInboundKey } from '../../core/contracts/storage-layout.ts';
import type { SyncConfiguration } from '../../core/mapping/configuration.ts';
import { type OpenReject, type RejectSelection, readOpenRejects } from '../../postgres/ledger/open-rejects.ts';
import { resolveRejects } from '../../postgres/ledger/rejects.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { takeUpAgain } from '../../steps/redrive.ts';
import type { Operator } from '../operator.ts';
import { plural } from '../terminal.ts';

/** Records in one transaction: an execution that works on the same object waits for no longer than that. */
const CHUNK = 1_000;

/**
 * Marks the records of the chosen rejects due, so that the next execution reads both sides before it decides; a line that
 * named no record is read again with its whole file.
 */
export async function redriveRejects(
  operator: Operator,
  session: Session,
  configuration: SyncConfiguration,
  selection: RejectSelection,
): Promise<number> {
  const { terminal } = operator;
  const rejects = await readOpenRejects(session, selection);
  if (rejects.length === 0) {
    terminal.print('no open rejects of that kind');
    return 0;
  }
  const objects = new Set(configuration.objects.map(({ object }) => object));
  const unmapped = rejects.filter(({ object }) => !objects.has(object));
  for (const object of new Set(unmapped.map((reject) => reject.object))) {
    terminal.print(`${object}: is not in sync.config.ts any more; its rejects stay`);
  }
  const mapped = rejects.filter(({ object }) => objects.has(object));
  const records = mapped.filter((reject) => !isFileLine(reject));
  await takeUpRecords(operator, session, records);
  return unmapped.length + (await applyFilesAgain(operator, session, mapped.filter(isFileLine)));
}

/** It is not known of which record it was. */
function isFileLine({ salesforceId, rowKey }: OpenReject): boolean {
  return salesforceId === null && rowKey === null;
}

async function takeUpRecords(
  { aws, terminal, dryRun }: Operator,
  session: Session,
  rejects: readonly OpenReject[],
): Promise<void> {
  const groups = Map.groupBy(rejects, ({ object }) => object);
  for (const [object, group] of groups) {
    const count = plural(new Set(group.map(({ salesforceId, rowKey }) => salesforceId ?? rowKey)).size, 'record');
    if (dryRun) {
      terminal.print(`${object}: ${count} would be taken up again`);
      continue;
    }
    for (let first = 0; first < group.length; first += CHUNK) {
      const chunk = group.slice(first, first + CHUNK);
      await takeUpAgain(session, object, {
        salesforceIds: chunk.flatMap(({ salesforceId }) => salesforceId ?? []),
        rowKeys: chunk.flatMap(({ salesforceId, rowKey }) => (salesforceId === null ? (rowKey ?? []) : [])),
      });
      terminal.progress(`${object}: ${first + chunk.length} of ${group.length}`);
    }
    terminal.print(`${object}: ${count} due again; what is refused once more will be listed by \`sfsync rejects\``);
  }
  if (!dryRun) await aws.announce([...groups.keys()]);
}

/** Answers how many lines are left because their file is gone. */
async function applyFilesAgain(
  { aws, terminal, dryRun }: Operator,
  session: Session,
  rejects: readonly OpenReject[],
): Promise<number> {
  if (rejects.length === 0) return 0;
  const deployment = await aws.deployment();
  const storage = aws.storage(deployment.bucketName);
  let left = 0;
  for (const [key, group] of Map.groupBy(rejects, ({ source }) => source ?? '')) {
    const lines = plural(group.length, 'unreadable line');
    const file = parseInboundKey(key) === undefined ? undefined : await storage.describe(key);
    if (file === undefined) {
      left += group.length;
      terminal.print(
        `${key || 'a source without name'}: ${lines} of a file that is no longer in the bucket; stays listed`,
      );
      continue;
    }
    if (dryRun) {
      terminal.print(`${key}: the file would be applied again for ${lines}`);
      continue;
    }
    const { size, putAt } = file;
    const input: InboundInput = { bucket: deployment.bucketName, key, size, putAt: putAt.toISOString() };
    const machine = deployment.stateMachineArn('salesforce-to-postgres');
    await aws.executions.start(machine, `again-${randomUUID()}`, JSON.stringify(input));
    // Of the whole file: what is still wrong with it will be listed anew.
    await resolveRejects(session, { ids: group.map(({ id }) => id) });
    terminal.print(`${key}: the file is applied again for ${lines}`);
  }
  return left;
}
