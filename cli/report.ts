/** What `sfsync prepare` and `sfsync check` print. Pure: values in, lines out. */

import { comparisonReason } from '../core/contracts/comparison.ts';
import { tableFault } from '../core/stream/table-faults.ts';
import type { Comparison } from '../postgres/ledger/comparison.ts';
import type { Prepared } from '../postgres/prepare/prepare.ts';
import type { SlotReader, SlotStatus } from '../postgres/prepare/slot-status.ts';
import type { DatabaseStatus, ObjectStatus } from '../postgres/prepare/status.ts';
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
  const { slot, tables, objects } = status;
  const faulty = tables.filter(({ faults }) => faults.length > 0).map(({ object }) => object);
  const lines = aligned([
    ['PostgreSQL', status.server],
    ['slot', slot === undefined ? 'missing' : describeSlot(slot)],
    ['publication', faulty.length === 0 ? 'all mapped tables' : `not the edits of ${faulty.join(', ')}`],
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

function describeSlot({ reader, confirmed, retainedBytes, safeWalBytes }: SlotStatus): string {
  const left = safeWalBytes === null ? 'no limit set' : `${megabytes(safeWalBytes)} left`;
  const by = reader === undefined ? 'not being read' : `read by ${describeReader(reader)}`;
  return `${by}, confirmed ${confirmed ?? '-'}, ${megabytes(retainedBytes)} of WAL retained (${left})`;
}

function describeReader({ isStreamer, pid, application, role, address, since }: SlotReader): string {
  const who = isStreamer
    ? 'the streamer'
    : `${application === '' ? 'a program without a name' : application}, role ${role}`;
  const from = address === null ? '' : ` from ${address}`;
  return `${who} (process ${pid}${from}${since === null ? '' : ` since ${since.toISOString()}`})`;
}

function describeMarking({ marking, origins }: DatabaseStatus): string {
  if (marking === undefined) return 'unknown, the role is missing';
  return marking === 'origin' ? `marked by replication origin (${origins})` : 'marked by logical message';
}

function setupFaults({ slot, comparisons, joins, tables, missingRoles }: DatabaseStatus, slotName: string): string[] {
  const faults = missingRoles.map((role) => `role ${role} does not exist: run \`sfsync prepare\``);
  for (const { object, faults: reasons } of tables) {
    for (const reason of reasons) {
      faults.push(`${object}: edits do not come through the slot, for its table ${tableFault(reason)}`);
    }
  }
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
  else if (slot.reader === undefined)
    faults.push(`replication slot ${slotName} has no reader: is the streamer running?`);
  if (slot?.reader?.isStreamer === false) {
    faults.push(
      `replication slot ${slotName} is read by ${describeReader(slot.reader)} and not by the streamer: what that one confirms never arrives. End it; the streamer then compares all objects by itself`,
    );
  }
  if (slot?.moved === true) {
    faults.push(
      `replication slot ${slotName} is further than the streamer has confirmed: another reader moved it. The streamer compares all objects when it reads the slot again`,
    );
  }
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
    faults.push(
      `${object}: ${plural(openConflicts, 'conflict')}: \`sfsync conflicts\` lists them, and marks them as seen with --resolve`,
    );
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
