/** What a rule answers. */
import type { Side, Version } from '../history/history.ts';
import type { IndexedHistory } from './index/indexed-history.ts';

export interface Violation {
  readonly rule: string;
  readonly object?: string | undefined;
  readonly salesforceId?: string | undefined;
  readonly rowKey?: string | undefined;
  readonly field?: string | undefined;
  /** A sentence without values. */
  readonly says: string;
  /** The versions that show it, in the order in which they count. */
  readonly versions: readonly Version[];
}

/**
 * Something that a promise does not cover, and why. Each has bounds of its own, in the rule that grants it, and all are counted: a bug that hides
 * behind one makes it frequent.
 */
export type Excuse =
  | 'window'
  | 'unknown outcome'
  | 'there and back'
  | 'same edit'
  | 'first merge'
  | 'joining'
  | 'consequence'
  | 'waiting'
  | 'not stamped'
  | 'filled by Salesforce'
  | 'rewritten by a trigger'
  | 'discarded by its own side'
  | 'refused'
  | 'held'
  | 'outside the filter'
  | 'lost by a failover'
  | 'key taken over'
  | 'owned by the other side'
  | 'repeated under a fault'
  | 'dead letter of a fault';

export interface Finding {
  readonly violations: readonly Violation[];
  readonly excuses: readonly Excuse[];
}

export type Rule = (history: IndexedHistory) => Finding;

/** Collects what one rule finds. */
export class Findings implements Finding {
  readonly violations: Violation[] = [];
  readonly excuses: Excuse[] = [];

  violate(violation: Violation): void {
    this.violations.push(violation);
  }

  excuse(excuse: Excuse): void {
    this.excuses.push(excuse);
  }
}

export function otherSide(side: Side): Side {
  return side === 'salesforce' ? 'postgres' : 'salesforce';
}
