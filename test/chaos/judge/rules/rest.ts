/** Once everything has drained, nothing is on its way, nothing is written any more, and what was given up is explained by a fault. */
import { Findings } from '../finding.ts';
import type { IndexedHistory } from '../index/indexed-history.ts';
import { nameOf } from '../index/pairs.ts';
import { explains } from './dead-letters.ts';

export const RULE = 'rest';

export function rest(history: IndexedHistory): Findings {
  const findings = new Findings();
  const { end } = history.history;
  for (const version of end.afterQuiet) {
    const { object, key, side } = version;
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
