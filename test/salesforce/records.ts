/** Many records in an org at once, and the answers of a push by record. */

import type { OutcomeLine, PushLine } from '../../core/contracts/outbound-tasks.ts';
import { mappingOf } from '../../core/mapping/configuration.ts';
import configuration from '../../examples/lender/sync.config.ts';
import type { StartedOrg } from '../../packages/salesforce-simulator/test/started-org.ts';

export const accounts = mappingOf(configuration, 'Account');
export const contacts = mappingOf(configuration, 'Contact');
export const opportunities = mappingOf(configuration, 'Opportunity');

/** Creates records in calls of 200 and forgets that they were counted. Answers their ids in order. */
export async function createMany(
  org: StartedOrg,
  object: string,
  count: number,
  fields: (i: number) => Record<string, unknown> = (i) => ({ Name: `Lender ${i}` }),
): Promise<string[]> {
  const ids: string[] = [];
  for (let first = 0; first < count; first += 200) {
    const records = Array.from({ length: Math.min(200, count - first) }, (_, i) => fields(first + i));
    const results = await org.connection.sobject(object).create(records);
    for (const result of results) {
      if (!result.success) throw new Error(JSON.stringify(result.errors));
      ids.push(result.id);
    }
  }
  await org.call('POST', '~/_simulator/stats/reset');
  return ids;
}

/** Moves records to the recycle bin and forgets that they were counted. */
export async function deleteMany(org: StartedOrg, ids: readonly string[]): Promise<void> {
  for (let first = 0; first < ids.length; first += 200) {
    const part = ids.slice(first, first + 200).join(',');
    await org.call('DELETE', `/composite/sobjects?ids=${part}`);
  }
  await org.call('POST', '~/_simulator/stats/reset');
}

export function update(id: string, fields: PushLine['fields']): PushLine {
  return { id, kind: 'update', fields };
}

/** How many records ended in which way. */
export function tally(outcomes: readonly OutcomeLine[]): Record<string, number> {
  const groups = Map.groupBy(outcomes, ({ outcome }) => outcome);
  return Object.fromEntries([...groups].map(([outcome, lines]) => [outcome, lines.length]));
}

export function outcomeOf(outcomes: readonly OutcomeLine[], id: string): OutcomeLine | undefined {
  const [line, ...others] = outcomes.filter((each) => each.id === id);
  if (others.length > 0) throw new Error(`${id} has several outcomes`);
  return line;
}
