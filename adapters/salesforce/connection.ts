/** The connection to Salesforce, and what its errors mean for us. */
import jsforce from 'jsforce';
import { z } from 'zod';
import type { SalesforceNextStep } from '../../core/error-classification.ts';
import { classifySalesforce, isNetworkError } from '../../core/error-classification.ts';
import type { SyncError } from '../../core/errors.ts';
import { ConfigurationError, InvariantError, RetryableError } from '../../core/errors.ts';
import { readSecret } from '../secrets.ts';

export const salesforceCredentials = z.object({
  instanceUrl: z.url(),
  clientId: z.string(),
  clientSecret: z.string(),
  /** With it: the refresh token flow. Without: client credentials, as the app's run-as user. */
  refreshToken: z.string().optional(),
});
type SalesforceCredentials = z.output<typeof salesforceCredentials>;

/** Spring '26. jsforce's own default is 50.0. */
export const API_VERSION = '66.0';

export type SalesforceConnection = jsforce.Connection;

let open: { secretId: string; connection: Promise<SalesforceConnection> } | undefined;

/** The one connection of this Lambda environment. A failed log-in is tried again at the next use. */
export function sharedConnection(secretId: string): Promise<SalesforceConnection> {
  if (open?.secretId !== secretId) {
    const connection = logIn(secretId);
    open = { secretId, connection };
    connection.catch(() => {
      open = undefined;
    });
  }
  return open.connection;
}

async function logIn(secretId: string): Promise<SalesforceConnection> {
  const credentials = await readSecret(secretId, salesforceCredentials);
  const oauth2 = new jsforce.OAuth2({
    loginUrl: credentials.instanceUrl,
    clientId: credentials.clientId,
    clientSecret: credentials.clientSecret,
  });
  return new jsforce.Connection({
    instanceUrl: credentials.instanceUrl,
    version: API_VERSION,
    // Shows as the client in change events and in Salesforce's own logs.
    callOptions: { client: 'sfsync' },
    accessToken: await calling(() => newToken(oauth2, credentials)),
    refreshFn: cappedRefresh(() => newToken(oauth2, credentials)),
  });
}

async function newToken(oauth2: jsforce.OAuth2, { refreshToken }: SalesforceCredentials): Promise<string> {
  const answer =
    refreshToken === undefined
      ? await oauth2.requestToken({ grant_type: 'client_credentials' })
      : await oauth2.refreshToken(refreshToken);
  return answer.access_token;
}

const MAX_REFRESHES_A_MINUTE = 3;

/** jsforce asks for a new token at every 401, without end: an org that refuses each new token would be called for ever. */
function cappedRefresh(token: () => Promise<string>) {
  const times: number[] = [];
  return (_connection: SalesforceConnection, answer: (error: Error | null, token?: string) => void) => {
    const now = Date.now();
    while (times[0] !== undefined && times[0] < now - 60_000) times.shift();
    if (times.length >= MAX_REFRESHES_A_MINUTE) {
      answer(new Error('Salesforce refuses even new access tokens (INVALID_SESSION_ID).'));
      return;
    }
    times.push(now);
    token().then(
      (fresh) => answer(null, fresh),
      (error: unknown) => answer(error instanceof Error ? error : new Error(String(error))),
    );
  };
}

/** The code of whatever jsforce threw: Salesforce's error code, an HTTP status or a network error. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'UNKNOWN';
  if ('errorCode' in error && typeof error.errorCode === 'string') return error.errorCode;
  const cause = error.cause;
  const inner = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const code = 'code' in error ? error.code : inner;
  return typeof code === 'string' ? code : error.name;
}

/** Runs a call whose failure fails the step; the error leaves as one of our classes. */
export async function calling<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw callFailed(error);
  }
}

function callFailed(error: unknown): SyncError {
  const code = codeOf(error);
  const step: SalesforceNextStep = isNetworkError(code) ? 'retry' : classifySalesforce(code);
  const told = `Salesforce answered ${code}.`;
  if (step === 'retry') return new RetryableError(code, told, { cause: error });
  if (step === 'configuration') {
    return new ConfigurationError(
      code,
      `${told} Check the connected app, the user's permissions and the mapped fields.`,
      {
        cause: error,
      },
    );
  }
  return new InvariantError(code, told, { cause: error });
}
