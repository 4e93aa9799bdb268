/** No value that a client planted is anywhere but in the two systems, schema sfsync and the bucket. */
import { Findings } from '../finding.ts';
import type { IndexedHistory } from '../index/indexed-history.ts';

export const RULE = 'no leaks';

export function noLeaks({ history }: IndexedHistory): Findings {
  const findings = new Findings();
  for (const { where, marker } of history.leaks) {
    findings.violate({ rule: RULE, says: `A planted ${marker} was found in ${where}.`, versions: [] });
  }
  return findings;
}
