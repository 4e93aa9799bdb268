/** What a Lambda environment keeps open between invocations: one session with PostgreSQL, one connection to Salesforce. */
import { classified } from '../aws/aws-errors.ts';
import { readSecret } from '../aws/secrets.ts';
import { databaseNames } from '../core/contracts/database-names.ts';
import { DEFAULT_NAME, deploymentName } from '../core/contracts/deployment-name.ts';
import { ConfigurationError, RetryableError } from '../core/errors.ts';
import { answers, databaseCredentials, openSession, type Session } from '../postgres/session/connection.ts';
import { logIn, type SalesforceConnection, salesforceCredentials } from '../salesforce/connection.ts';
import { endWhenCutOff, environment } from './handler.ts';

interface Open {
  readonly secretId: string;
  readonly session: Promise<Session>;
}

const { SFSYNC_NAME } = environment({ SFSYNC_NAME: deploymentName.default(DEFAULT_NAME) });

let open: Open | undefined;
let usedAt = 0;

/** A session that was not used for so long is asked first: the server ends one whose client was frozen, which does not hear of it. */
const ASKED_AFTER_MS = 30_000;

/** The one session of this Lambda environment, opened at the first use and again after it was lost. */
export async function sharedSession(secretId: string): Promise<Session> {
  const now = Date.now();
  const idleMs = now - usedAt;
  usedAt = now;
  if (open?.secretId === secretId) {
    const session = await open.session;
    if (idleMs < ASKED_AFTER_MS || (await answers(session))) return session;
    open = undefined;
  }
  const opened: Open = { secretId, session: start(secretId, () => forget(opened)) };
  open = opened;
  return opened.session;
}

/** At once, and not by a message to the server: a statement that is under way fails, and what follows it. */
endWhenCutOff(() => {
  const { session } = open ?? {};
  open = undefined;
  session?.then(
    ({ connection }) => connection.stream.destroy(),
    () => undefined,
  );
});

/** A session may report its end when another one has taken its place: that one stays. */
function forget(ended: Open): void {
  if (open === ended) open = undefined;
}

async function start(secretId: string, forgetIt: () => void): Promise<Session> {
  try {
    const session = await openSession(await readSecret(secretId, databaseCredentials), databaseNames(SFSYNC_NAME));
    session.once('end', forgetIt);
    // An idle session may be terminated by the server. The next use opens another; there is nothing to do here.
    session.on('error', forgetIt);
    return session;
  } catch (error) {
    forgetIt();
    throw retryableWhileRotating(error);
  }
}

const WRONG_PASSWORD = '28P01';

/** A rotation changes the role's password and the secret one after the other. Where it is none, the retries end, and it is told then. */
function retryableWhileRotating(error: unknown): unknown {
  if (!(error instanceof ConfigurationError) || error.code !== WRONG_PASSWORD) return error;
  return new RetryableError(error.code, error.message, { cause: error });
}

let connected: { readonly secretId: string; readonly connection: Promise<SalesforceConnection> } | undefined;

/** The one connection of this Lambda environment. A failed log-in is tried again at the next use. */
export function sharedConnection(secretId: string): Promise<SalesforceConnection> {
  if (connected?.secretId !== secretId) {
    const connection = logIn(() => salesforceSecret(secretId));
    connected = { secretId, connection };
    const forgetIt = () => {
      connected = undefined;
    };
    connection.then((made) => {
      made.lost = forgetIt;
    }, forgetIt);
  }
  return connected.connection;
}

async function salesforceSecret(secretId: string) {
  try {
    return await readSecret(secretId, salesforceCredentials);
  } catch (error) {
    throw classified(error);
  }
}
