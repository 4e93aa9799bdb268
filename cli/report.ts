/** What `sfsync prepare` and `sfsync check` print. Pure: values in, lines out. */

import { comparisonReason } from '../core/contracts/comparison.ts';
import type { Comparison } from '../postgres/ledger/comparison.ts';
import type { Prepared } from '../postgres/prepare/prepare.ts';
import type { DatabaseStatus, ObjectStatus, SlotStatus } from '../postgres/prepare/status.ts';
import { plural } from './terminal.ts';

export function describePreparation({ actions, warnings, marking }: Prepared): string[] {
  return [
    ...aligned(actions.map(({ what, done }) => [what, done])),
    `own transactions are marked by ${marking === 'origin' ? 'a replication origin' : 'a logical message'}`,
    ...warnings.map((warning) => `warning: ${warning}`),
  ];
}

export interface StatusReport {
  readonly lines: readonly string[];
  /** What an operator has to look at. */
  readonly faults: readonly string[];
}

export function describeStatus(status: DatabaseStatus, slotName: string): StatusReport {
  const { slot, unpublished, objects } = status;
  const lines = aligned([
    ['PostgreSQL', status.server],
    ['slot', slot === undefined ? 'missing' : describeSlot(slot)],
    [
      'publication',
      unpublished === undefined ? 'missing' : unpublished.length === 0 ? 'all mapped tables' : 'incomplete',
    ],
    ['own transactions', describeMarking(status)],
    ['', ''],
    ['object', 'links', 'due', 'oldest due', 'new rows', 'circuit', 'conflicts', 'rejected'],
    ...objects.map((object) => [
      object.object,
      String(object.links),
      String(object.due),
      object.oldestDue?.toISOString() ?? '-',
      String(object.newRows),
      object.circuit,
      String(object.openConflicts),
      String(object.openRejects),
    ]),
  ]);
  return { lines, faults: [...setupFaults(status, slotName), ...objects.flatMap(objectFaults)] };
}

function describeSlot({ active, confirmed, retainedBytes, safeWalBytes }: SlotStatus): string {
  const left = safeWalBytes === null ? 'no limit set' : `${megabytes(safeWalBytes)} left`;
  const reader = active ? 'read by the streamer' : 'not being read';
  return `${reader}, confirmed ${confirmed ?? '-'}, ${megabytes(retainedBytes)} of WAL retained (${left})`;
}

function describeMarking({ marking, origins }: DatabaseStatus): string {
  if (marking === undefined) return 'unknown, the role is missing';
  return marking === 'origin' ? `marked by replication origin (${origins})` : 'marked by logical message';
}

function setupFaults(
  { slot, comparisons, joins, unpublished, missingRoles }: DatabaseStatus,
  slotName: string,
): string[] {
  const faults = missingRoles.map((role) => `role ${role} does not exist: run \`sfsync prepare\``);
  if (unpublished === undefined) faults.push('the publication does not exist: run `sfsync prepare`');
  else if (unpublished.length > 0) faults.push(`not published: ${unpublished.join(', ')}: run \`sfsync prepare\``);
  faults.push(...comparisons.map(comparisonFault));
  for (const { object, field, records } of joins) {
    faults.push(
      `${object}.${field}: the field joins the mapping by itself: ${plural(records, 'record')} due for it so far`,
    );
  }
  if (slot === undefined)
    faults.push(
      `replication slot ${slotName} does not exist: run \`sfsync prepare\`, or \`sfsync recover-slot\` where there was one`,
    );
  else if (slot.walStatus === 'lost')
    faults.push(
      `replication slot ${slotName} is lost: run \`sfsync recover-slot\`, which makes it anew and finds what was changed without it`,
    );
  else if (!slot.active) faults.push(`replication slot ${slotName} has no reader: is the streamer running?`);
  return faults;
}

function comparisonFault({ object, reasons, orderedAt, stage, looked, marked, waits }: Comparison): string {
  const why = reasons.map(comparisonReason).join('; ');
  const how =
    stage === 'records'
      ? 'its records in Salesforce are compared by the next sweep'
      : waits
        ? 'it begins when the transactions that were open then have ended'
        : `${looked} links and rows looked at, ${marked} due`;
  return `${object}: a comparison is due since ${orderedAt.toISOString()}, because ${why}; the deployment does it by itself: ${how}`;
}

function objectFaults(status: ObjectStatus): string[] {
  const { object, circuit, circuitReason, openRejects, openConflicts, heldDeletes } = status;
  const faults: string[] = [];
  if (circuit === 'open') faults.push(`${object}: the circuit is open: ${circuitReason ?? 'no reason kept'}`);
  if (openRejects > 0)
    faults.push(
      `${object}: ${plural(openRejects, 'rejected record')}: \`sfsync rejects\` lists them, \`sfsync redrive rejects\` tries them again`,
    );
  if (heldDeletes > 0) {
    faults.push(
      `${object}: ${heldDeletes} deletes are held: \`sfsync release ${object}\` sends them or brings the rows back`,
    );
  }
  if (openConflicts > 0)
    faults.push(`${object}: ${plural(openConflicts, 'conflict')}: \`sfsync conflicts\` lists them`);
  return faults;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

export function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    // The last cell of a row is followed by nothing, so it may be as long as it likes.
    for (const [i, cell] of row.slice(0, -1).entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  return rows.map((row) =>
    row
      .map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
