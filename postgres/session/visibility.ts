import { query, type Session } from './connection.ts';

/** Of these transactions (xid8 as text), those that a new snapshot cannot see: decoded before they became visible. */
export async function invisibleTransactions(session: Session, transactions: readonly string[]): Promise<Set<string>> {
  if (transactions.length === 0) return new Set();
  const { rows } = await query<{ xid: string }>(
    session,
    `select xid from unnest($1::text[]) as x (xid) where not pg_visible_in_snapshot(xid::xid8, pg_current_snapshot())`,
    [transactions],
  );
  return new Set(rows.map(({ xid }) => xid));
}
