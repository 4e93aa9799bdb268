import type { Org, Writer } from '../org.ts';

/**
 * Runs what a call writes as one unit of work; under the fault delayedVisibility readers see it later. `objects` names
 * what is written.
 */
export function commit<T>(org: Org, writer: Writer, objects: readonly string[], work: () => T): T {
  const delay = org.faults.strike('delayedVisibility', { kind: writer.kind, objects, client: writer.client });
  return org.records.unitOfWork(work, delay === undefined ? undefined : org.now() + delay.seconds * 1000);
}
