/** The verbs that put off what cannot be worked on now, because another transaction holds it. */
import { becomesDue, putOff } from '../../core/agreement/due.ts';
import type { Link } from '../../core/agreement/link.ts';
import type { Instant } from '../../core/mapping/instant.ts';
import type { Session } from '../session/connection.ts';
import { changeInsertions } from './insertions.ts';
import { changeLinks, type LinkSelection } from './links.ts';

/** Puts off links that are due. Answers them as they are now. */
export async function putOffLinks(
  session: Session,
  object: string,
  salesforceIds: readonly string[],
  now: Instant,
): Promise<readonly Link[]> {
  const changes = await changeLinks(session, object, { salesforceIds }, (link) => putOff(link, now));
  return changes.map(({ after }) => after);
}

/** Makes links due to be read again, after a pause: of these Salesforce ids, or those selected. */
export async function leaveToRead(
  session: Session,
  object: string,
  which: readonly string[] | LinkSelection,
  now: Instant,
): Promise<void> {
  const links = 'where' in which ? which : { salesforceIds: which };
  await changeLinks(session, object, links, (link) => putOff(becomesDue(link, 'read again'), now));
}

/** Puts off insertions that are due. */
export async function putOffInsertions(
  session: Session,
  object: string,
  rowKeys: readonly string[],
  now: Instant,
): Promise<void> {
  await changeInsertions(session, object, rowKeys, (insertion) => putOff(insertion, now));
}
