import { readSecret } from '../secrets.ts';
import type { Session } from './connection.ts';
import { databaseCredentials, openSession } from './connection.ts';

let open: { secretId: string; session: Promise<Session> } | undefined;

/** The one session of this Lambda environment, opened at the first use and again after it was lost. */
export function sharedSession(secretId: string): Promise<Session> {
  if (open?.secretId !== secretId) open = { secretId, session: start(secretId) };
  return open.session;
}

async function start(secretId: string): Promise<Session> {
  const forget = () => {
    open = undefined;
  };
  try {
    const session = await openSession(await readSecret(secretId, databaseCredentials));
    session.once('end', forget);
    // An idle session may be terminated by the server. The next use opens another; there is nothing to do here.
    session.on('error', forget);
    return session;
  } catch (error) {
    forget();
    throw error;
  }
}
