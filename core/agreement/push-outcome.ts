/** How a push ended for one record, by what is known of it when the record is read back. */
import type { FieldValues } from '../mapping/canonical.ts';
import type { Instant } from '../mapping/instant.ts';
import { otherOfLocation } from '../mapping/location-parts.ts';
import type { SalesforceVersion } from '../mapping/salesforce-version.ts';
import { type Deferrable, NOT_PUT_OFF, putOff } from './due.ts';
import type { Link, OpenPush } from './link.ts';
import type { Outcome } from './outbound.ts';

export interface PushAnswer {
  /** The API's answer for the record; undefined: it gave none. */
  readonly answer: Outcome | undefined;
  /** Rows that the flow's run failed to put; undefined: no run ended. */
  readonly flowFailures: number | undefined;
  /** It was refused for the sake of a field that is left out by now: nothing of it has landed. */
  readonly isWithdrawn: boolean;
  /** The field whose value alone it was refused for; undefined: it was not, or no other attempt is left. */
  readonly blamed?: string | undefined;
}

/**
 * What is known of a push that may be settled, or what else is to be done. push again: through the API, whose answer is
 * definite; without a field that was blamed. open: something of it may still land, so it is left until it is fenced.
 */
export type PushEnd = Outcome | 'push again' | 'open';

export function outcomeOfPush(
  link: Link,
  readBack: SalesforceVersion,
  { answer, flowFailures, isWithdrawn, blamed }: PushAnswer,
): PushEnd {
  const { push } = link;
  if (push === undefined) return 'open';
  if (isWithdrawn) return 'not applied';
  if (answer === 'refused' && blamed !== undefined && goesWithout(link, blamed, readBack)) return 'push again';
  if (answer !== undefined) return answer === 'unknown' ? 'open' : answer;
  return push.delivery === 'api' || flowFailures === undefined ? 'open' : outcomeOfRun(link, readBack, flowFailures);
}

/**
 * Whether the other edits of a refused push go without the one that was blamed: nobody has edited those fields in Salesforce since.
 * An answer may be told twice, and the field be left out already.
 */
function goesWithout({ base, push, refused }: Link, blamed: string, readBack: SalesforceVersion): boolean {
  if (push === undefined || push.sentDeleted !== undefined || readBack.deleted) return false;
  const edits = editsOf(push);
  const others = edits.filter(([field]) => field !== blamed);
  const isLeftOut = refused.fields[blamed] !== undefined;
  if (others.length === 0 || (others.length === edits.length && !isLeftOut)) return false;
  return others.every(([field]) => readBack.fields[field] === base?.fields[field]);
}

function editsOf(push: OpenPush | undefined) {
  return Object.entries(push?.sent ?? {}).filter(([, { filler }]) => !filler);
}

/**
 * What a run of the flow says of one record, which is read back after it: nothing of the push can land any more. The run only
 * counts failures, and does not say which rows they were. A file's row is written as a whole, so a record that holds all edits
 * was written. One that is as before was not, also where no failure was counted: a run passes over a row whose record is deleted
 * at that moment. Any other was edited since. Where all rows went through, that edit came after ours; else it may be either's,
 * and nothing is sent over it: the merge of the read-back decides.
 */
export function outcomeOfRun(link: Link, readBack: SalesforceVersion, failures: number): PushEnd {
  const { base, push } = link;
  if (push === undefined) return 'open';
  if (readBack.deleted) return 'not applied';
  const edits = editsOf(push);
  const holds = ([field, { value }]: (typeof edits)[number]) => readBack.fields[field] === value;
  if (edits.every(holds)) return 'accepted';
  if (edits.every((edit) => !holds(edit) && readBack.fields[edit[0]] === base?.fields[edit[0]])) return 'push again';
  return failures > 0 ? 'unknown' : 'accepted';
}

/**
 * After SETTLE, how long the record waits before the next attempt. `isBusy`: Salesforce could not take it now. A push of which
 * it is not known whether it landed was tried in vain, too; that a record was in the recycle bin says nothing.
 */
export function afterAttempt<Due extends Deferrable>(due: Due, outcome: Outcome, isBusy: boolean, now: Instant): Due {
  if (isBusy || outcome === 'unknown') return putOff(due, now);
  return outcome === 'not applied' ? due : { ...due, ...NOT_PUT_OFF };
}

/**
 * The same push once more, through the API and with changed fields only: its answer is definite. `blamed`: without this field, whose
 * value Salesforce has refused.
 */
export function pushAgain(
  link: Link,
  now: Instant,
  blamed?: string,
): { readonly link: Link; readonly fields: FieldValues } {
  const { push, revision } = link;
  const edits = new Set(editsOf(push).flatMap(([field]) => (field === blamed ? [] : field)));
  const goes = (field: string) => edits.has(field) || (field !== blamed && edits.has(otherOfLocation(field) ?? ''));
  const fields = Object.fromEntries(
    Object.entries(push?.sent ?? {}).flatMap(([field, { value }]) => (goes(field) ? [[field, value] as const] : [])),
  );
  const open = push && { ...push, delivery: 'api' as const, sentAt: now };
  const again = { ...link, push: open, revision: revision + 1 };
  return { link: blamed === undefined ? again : withoutBlamed(again, blamed), fields };
}

function withoutBlamed(link: Link, blamed: string): Link {
  const { push, refused } = link;
  const value = push?.sent[blamed]?.value;
  if (push === undefined || value === undefined) return link;
  const sent = Object.fromEntries(Object.entries(push.sent).filter(([field]) => field !== blamed));
  return {
    ...link,
    push: { ...push, sent },
    refused: { ...refused, fields: { ...refused.fields, [blamed]: value } },
  };
}
