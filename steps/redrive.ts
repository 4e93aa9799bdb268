/** Taking up rejected records again: what makes the outbound machine look at them afresh. */
import { takenUpInsertion } from '../core/agreement/insertion.ts';
import { takenUp } from '../core/agreement/outbound.ts';
import { changeInsertions } from '../postgres/ledger/insertions.ts';
import { changeLinks, claimLinks } from '../postgres/ledger/links.ts';
import { inTransaction, type Session } from '../postgres/session/connection.ts';

/** Records of one object, by either of their keys. */
export interface RecordKeys {
  readonly salesforceIds: readonly string[];
  readonly rowKeys: readonly string[];
}

/**
 * Makes records due on both sides: what was refused is forgotten, and the next execution reads the record afresh before
 * it decides anything, so that nothing newer on either side is undone. A record that was never applied gets a link. The
 * rejects stay open until that has gone well. Answers how many records are due now.
 */
export function takeUpAgain(session: Session, object: string, { salesforceIds, rowKeys }: RecordKeys): Promise<number> {
  return inTransaction(session, async () => {
    await claimLinks(session, object, [...new Set(salesforceIds)]);
    const where = '(l.salesforce_id = any ($2::text[]) or l.row_key = any ($3::text[]))';
    const links = await changeLinks(session, object, { where, values: [salesforceIds, rowKeys] }, takenUp);
    const newRows = await changeInsertions(session, object, rowKeys, takenUpInsertion);
    return links.length + newRows.length;
  });
}
