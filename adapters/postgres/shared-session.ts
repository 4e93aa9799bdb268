import { readSecret } from '../secrets.ts';
import type { Session } from './connection.ts';
import { databaseCredentials, openSession } from './connection.ts';

interface Open {
  readonly secretId: string;
  readonly session: Promise<Session>;
}

let open: Open | undefined;

/** The one session of this Lambda environment, opened at the first use and again after it was lost. */
export function sharedSession(secretId: string): Promise<Session> {
  if (open?.secretId === secretId) return open.session;
  const opened: Open = { secretId, session: start(secretId, () => forget(opened)) };
  open = opened;
  return opened.session;
}

/** The end of a session may be told when another one has taken its place: that one stays. */
function forget(ended: Open): void {
  if (open === ended) open = undefined;
}

async function start(secretId: string, forgetIt: () => void): Promise<Session> {
  try {
    const session = await openSession(await readSecret(secretId, databaseCredentials));
    session.once('end', forgetIt);
    // An idle session may be terminated by the server. The next use opens another; there is nothing to do here.
    session.on('error', forgetIt);
    return session;
  } catch (error) {
    forgetIt();
    throw error;
  }
}
