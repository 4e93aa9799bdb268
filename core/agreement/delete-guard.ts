/**
 * The guard against delete storms. An application that deletes rows by mistake (a wrong WHERE, a TRUNCATE, a restore of an
 * old backup) would take the records along. More deletes than usual are held instead until an operator says that they are meant.
 */
import { executionName, executionOfBatch } from '../contracts/storage-layout.ts';
import type { DeleteGuard, ObjectMapping } from '../mapping/configuration.ts';
import { becomesDue } from './due.ts';
import type { Link } from './link.ts';
import type { Decision } from './outbound.ts';

/**
 * Whether deletes are held when `chosen` were chosen within the window, these included. `records`: how many live records
 * the object has, counted up to `most`; asked only where it matters, and no further than it matters, for counting takes time.
 */
export async function isStorm(
  guard: DeleteGuard,
  chosen: number,
  records: (most: number) => Promise<number>,
): Promise<boolean> {
  if (chosen <= guard.atLeast) return false;
  if (chosen > guard.atMost) return true;
  const share = guard.percent / 100;
  return share === 0 || chosen > share * (await records(Math.ceil(chosen / share) + 1));
}

type Push = Extract<Decision, { outcome: 'push' }>;

/** Whether the guard has to judge the decision: a delete that it has not let pass already. */
export function isGuarded({ deleteGuard }: ObjectMapping, decision: Decision): decision is Push {
  const deletes = decision.outcome === 'push' && decision.push.outgoing.kind === 'delete';
  return deleteGuard !== undefined && deletes && decision.link.guard !== 'passed';
}

/** The delete goes on; it is not counted again should it have to be repeated. */
export function passed(decision: Push): Push {
  return { ...decision, link: { ...decision.link, guard: 'passed' } };
}

/** The delete is not sent. The link keeps it, and Collect passes it over until it is released or the row comes back. */
export function held({ push: _, ...decision }: Push): Extract<Decision, { outcome: 'done' }> {
  return { ...decision, outcome: 'done', link: { ...decision.link, push: undefined, dirty: false, guard: 'held' } };
}

/** Release: the delete is meant. It goes, and is not counted again. */
export function sendHeld(link: Link): Link {
  return { ...becomesDue(link, 'row changed'), guard: 'passed' };
}

/** Release with `--restore`: the delete was a mistake. As after an undelete in Salesforce, the row is made from the record. */
export function takeBackHeld(link: Link): Link {
  const base = link.base && { ...link.base, deleted: true };
  return { ...becomesDue(link, 'read again'), base, wasInside: false, guard: undefined };
}

/** Which batch was to report that deletes are held. */
export interface HeldReport {
  readonly batchId: string;
  /** An execution has gone on after that batch: its notice is out. */
  readonly confirmed: boolean;
}

/**
 * What an execution that goes on knows of the last report. confirmed: its own batch has made it. lost: that was the batch
 * of an execution which has ended since, and may have ended before its notice.
 */
export function heldReported(report: HeldReport | undefined, execution: string): 'confirmed' | 'lost' | 'nothing' {
  if (report === undefined || report.confirmed) return 'nothing';
  return executionOfBatch(report.batchId) === executionName(execution) ? 'confirmed' : 'lost';
}
