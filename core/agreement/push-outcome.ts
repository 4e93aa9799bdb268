/** How a push ended for one record, by what is known of it when the record is read back. */
import type { FieldValues } from '../mapping/canonical.ts';
import type { Instant } from '../mapping/instant.ts';
import type { SalesforceVersion } from '../mapping/salesforce-version.ts';
import type { Link, OpenPush } from './link.ts';
import type { Outcome } from './outbound.ts';

export interface PushAnswer {
  /** The API's answer for the record; undefined: it gave none. */
  readonly answer: Outcome | undefined;
  /** Rows that the flow's run failed to put; undefined: no run ended. */
  readonly flowFailures: number | undefined;
  /** It was refused for the sake of a field that is left out by now: nothing of it has landed. */
  readonly isWithdrawn: boolean;
}

/** `push again`: through the API, whose answer is definite. */
export function outcomeOfPush(
  link: Link,
  readBack: SalesforceVersion,
  { answer, flowFailures, isWithdrawn }: PushAnswer,
): Outcome | 'push again' {
  const { push } = link;
  if (push === undefined) return 'unknown';
  if (isWithdrawn) return 'not applied';
  if (answer !== undefined || push.delivery === 'api') return answer ?? 'unknown';
  return flowFailures === undefined ? 'unknown' : outcomeOfRun(link, readBack, flowFailures);
}

/** Whether the record holds what was sent; then it was accepted, whatever the run's failure count says. */
export function holdsSent(push: OpenPush, version: SalesforceVersion): boolean {
  return !version.deleted && Object.entries(push.sent).every(([field, { value }]) => version.fields[field] === value);
}

/**
 * What a run of the flow says of one record, which is read back after it. The run only counts failures, and does not say
 * which rows they were: those whose record holds what was sent went through. A run may also pass over a row whose
 * record was deleted at that moment and count no failure: where all that was to change is as before, nothing shows that the push
 * was ever there. `push again`: through the API, whose answer is definite.
 */
export function outcomeOfRun(link: Link, readBack: SalesforceVersion, failures: number): Outcome | 'push again' {
  const { base, push } = link;
  if (push === undefined) return 'unknown';
  if (readBack.deleted) return 'not applied';
  if (holdsSent(push, readBack)) return 'accepted';
  const edits = Object.entries(push.sent).filter(([, { filler }]) => !filler);
  const asBefore = edits.every(
    ([field, { value }]) => readBack.fields[field] === base?.fields[field] && readBack.fields[field] !== value,
  );
  return failures > 0 || asBefore ? 'push again' : 'accepted';
}

/** The same push once more, through the API and with changed fields only: its answer is definite. */
export function pushAgain(link: Link, now: Instant): { readonly link: Link; readonly fields: FieldValues } {
  const edits = Object.entries(link.push?.sent ?? {}).filter(([, { filler }]) => !filler);
  const push = link.push && { ...link.push, delivery: 'api' as const, sentAt: now };
  return {
    link: { ...link, push, revision: link.revision + 1 },
    fields: Object.fromEntries(edits.map(([field, { value }]) => [field, value])),
  };
}
