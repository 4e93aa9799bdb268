/** What a client was told is committed is in the versions; what was refused is not. */

import { id18 } from '../../history/normal-form.ts';
import { Findings } from '../finding.ts';
import type { IndexedHistory } from '../index/indexed-history.ts';
import { nameOf } from '../index/pairs.ts';

export const RULE = 'writes are kept';

export function writesAreKept(history: IndexedHistory): Findings {
  const findings = new Findings();
  const written = new Map<number, Set<string>>();
  for (const { writer, object, key } of history.history.versions) {
    if (writer.by !== 'client') continue;
    const keys = written.get(writer.operation) ?? new Set();
    written.set(writer.operation, keys.add(nameOf(object, id18(key))));
  }
  for (const { number, answer, targets, side, kind, object, ended } of history.operations.values()) {
    const keys = written.get(number);
    if (answer === 'refused' && keys !== undefined) {
      const says = `The ${kind} ${number} in ${side} was refused, and has written all the same.`;
      findings.violate({ rule: RULE, object, says, versions: versionsOf(history, number) });
    }
    if (answer !== 'done' || targets.length === 0 || keys !== undefined) continue;
    if (side === 'postgres' && isOfLostTimeline(history, ended)) findings.excuse('lost by a failover');
    else {
      const says = `The ${kind} ${number} in ${side} was acknowledged, and no version of it is there.`;
      findings.violate({ rule: RULE, object, says, versions: [] });
    }
  }
  return findings;
}

function versionsOf({ history }: IndexedHistory, operation: number) {
  return history.versions.filter(({ writer }) => writer.by === 'client' && writer.operation === operation);
}

function isOfLostTimeline(history: IndexedHistory, ended: number): boolean {
  return history.faultsIn(ended, ended + 60_000).some(({ name }) => /failover/i.test(name));
}
