/** Once everything has drained, nothing is on its way, nothing is written any more, and what was given up is explained by a fault. */
import type { Version } from '../../history/history.ts';
import { id18 } from '../../history/normal-form.ts';
import { Findings } from '../finding.ts';
import type { SideHistory } from '../index/field-history.ts';
import type { IndexedHistory } from '../index/indexed-history.ts';
import { nameOf } from '../index/pairs.ts';
import { explains } from './dead-letters.ts';

export const RULE = 'rest';

/**
 * Documented: Salesforce need not stamp a child whose lookup it changes because of the parent, so that only a sweep of everything finds
 * it, which is what the second drain is.
 */
function isOfUnstamped(history: IndexedHistory, { side, object, key, sequence, values }: Version): boolean {
  if (side !== 'postgres') return false;
  const id = values[history.objects.get(object)?.idColumn ?? ''];
  const pair = typeof id === 'string' ? history.paired.byId.get(nameOf(object, id18(id))) : undefined;
  const changed =
    pair === undefined ? [] : history.fields(pair).filter(({ postgres }) => wrote(postgres, key, sequence));
  return (
    changed.length > 0 &&
    changed.every(({ field, salesforce }) => {
      return field.type === 'reference' && salesforce.writes.at(-1)?.version.writer.by === 'consequence';
    })
  );
}

function wrote({ writes }: SideHistory, key: string, sequence: number): boolean {
  return writes.some(({ version }) => version.key === key && version.sequence === sequence);
}

export function rest(history: IndexedHistory): Findings {
  const findings = new Findings();
  const { end } = history.history;
  for (const version of end.afterQuiet) {
    const { object, key, side } = version;
    if (isOfUnstamped(history, version)) {
      findings.excuse('not stamped');
      continue;
    }
    const says = `After everything had drained, something was still written in ${side}.`;
    findings.violate({
      rule: RULE,
      object,
      ...(side === 'salesforce' ? { salesforceId: key } : { rowKey: key }),
      says,
      versions: [version],
    });
  }
  for (const [queue, count] of Object.entries(end.queues)) {
    if (count > 0)
      findings.violate({ rule: RULE, says: `The queue ${queue} still holds ${count} messages.`, versions: [] });
  }
  for (const what of end.restless)
    findings.violate({ rule: RULE, says: `It never came to rest: ${what}.`, versions: [] });
  for (const { object, salesforceId, rowKey, pushOpen, dirty, rereadDue } of end.links) {
    const left = [pushOpen ? 'its push open' : '', dirty ? 'due' : '', rereadDue ? 'to be read again' : ''].filter(
      Boolean,
    );
    const pair = history.paired.byId.get(nameOf(object, salesforceId));
    const isListed = pair !== undefined && history.rejectsOf(pair).some(({ open }) => open);
    if (left.length === 0) continue;
    // What a side refuses stays due, and is tried again after growing pauses.
    if (isListed && !pushOpen) {
      findings.excuse('refused');
      continue;
    }
    const says = `In the end a link is still ${left.join(', ')}.`;
    findings.violate({ rule: RULE, object, salesforceId, rowKey: rowKey ?? undefined, says, versions: [] });
  }
  for (const letter of end.deadLetters) {
    if (history.history.faults.some((fault) => explains(fault, letter))) findings.excuse('dead letter of a fault');
    else {
      const says = `A dead letter in ${letter.queue} that no fault in force explains: ${letter.error} in ${letter.state}.`;
      findings.violate({ rule: RULE, says, versions: [] });
    }
  }
  return findings;
}
