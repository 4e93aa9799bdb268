/** What another transaction does between two statements of a session: the moment at which a lock, or its order, matters. */
import { expect } from 'vitest';
import type { Session } from '../../../postgres/session/connection.ts';

type Act = (sql: string) => Promise<unknown>;

/** Does something right before the session's first statement that holds `part`. Answers whether there was one. */
export function onceBefore(session: Session, part: string | RegExp, act: Act): () => boolean {
  return once(session, part, act, 'before');
}

/** The same right after it. */
export function onceAfter(session: Session, part: string | RegExp, act: Act): () => boolean {
  return once(session, part, act, 'after');
}

function once(session: Session, part: string | RegExp, act: Act, when: 'before' | 'after'): () => boolean {
  let done = false;
  const { query } = session;
  const around = async (sql: string, run: () => unknown) => {
    done = true;
    if (when === 'before') await act(sql);
    const answer = await run();
    if (when === 'after') await act(sql);
    return answer;
  };
  session.query = ((...given: unknown[]) => {
    const run = (): unknown => Reflect.apply(query, session, given);
    const sql = textOf(given[0]);
    return !done && (typeof part === 'string' ? sql.includes(part) : part.test(sql)) ? around(sql, run) : run();
  }) as typeof query;
  return () => done;
}

/** The text of a statement as `query` takes it. */
function textOf(statement: unknown): string {
  return typeof statement === 'string' ? statement : String((statement as { readonly text?: unknown }).text);
}

/** The SQLSTATE of a statement that does not get a lock which another transaction holds. */
export const NO_LOCK = '55P03';

/** Runs a statement of the application, which waits only a moment for locks. Answers its SQLSTATE; undefined: it went through. */
export async function attempt(
  application: { query(sql: string, values?: unknown[]): Promise<unknown> },
  sql: string,
  values: unknown[] = [],
): Promise<string | undefined> {
  await application.query(`set lock_timeout = '100ms'`);
  try {
    await application.query(sql, values);
    return undefined;
  } catch (error) {
    const { code } = error as { readonly code?: string };
    return code ?? expect.unreachable('the server has refused it');
  } finally {
    await application.query('reset lock_timeout');
  }
}
