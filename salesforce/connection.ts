/** The connection to Salesforce, and what its errors mean for us. */
import http from 'node:http';
import https from 'node:https';
import jsforce from 'jsforce';
import { z } from 'zod';
import { classifySalesforce } from '../core/error-classification.ts';
import { ConfigurationError, InvariantError, RetryableError, SyncError } from '../core/errors.ts';

export const salesforceCredentials = z.object({
  instanceUrl: z.url(),
  clientId: z.string(),
  clientSecret: z.string(),
  /** With it: the refresh token flow. Without: client credentials, as the app's run-as user. */
  refreshToken: z.string().optional(),
});
export type SalesforceCredentials = z.output<typeof salesforceCredentials>;

/** Spring '26. jsforce's own default is 50.0. */
export const API_VERSION = '66.0';

/** Where the credentials come from: asked at each log-in, so that a rotated secret is found. */
export type CredentialSource = () => Promise<SalesforceCredentials>;

interface Access {
  readonly instanceUrl: string;
  readonly token: string;
  readonly organizationId: string | undefined;
}

// A Lambda environment is frozen between two invocations and wakes up with sockets that Salesforce has closed since. A
// write on such a socket has no known outcome, so none is kept open. jsforce goes by the default agents; the AWS SDK and pg
// do not.
Object.assign(http, { globalAgent: new http.Agent({ keepAlive: false }) });
Object.assign(https, { globalAgent: new https.Agent({ keepAlive: false }) });

/** A connection with a token; one that cannot renew it ends with its session. */
export interface SalesforceConnection extends jsforce.Connection {
  /** 15 characters; undefined: it was not made by a log-in. */
  readonly organizationId?: string | undefined;
  /** Throws SyncErrors where no token is given. */
  renewToken?(): Promise<void>;
  /** Called when the credentials lead to another org: this connection is of no more use. */
  lost?: () => void;
}

/** Renews its token by the credentials with which it was made. */
class LoggedIn extends jsforce.Connection implements SalesforceConnection {
  readonly #credentials: CredentialSource;
  readonly organizationId: string | undefined;
  lost?: () => void;

  constructor({ instanceUrl, token, organizationId }: Access, credentials: CredentialSource) {
    // The client shows in change events and in Salesforce's own logs.
    super({ instanceUrl, version: API_VERSION, callOptions: { client: 'sfsync' }, accessToken: token });
    this.#credentials = credentials;
    this.organizationId = organizationId;
  }

  async renewToken(): Promise<void> {
    const { token, organizationId } = await newToken(this.#credentials);
    if (organizationId !== this.organizationId) {
      this.lost?.();
      const [before, now] = [this.organizationId, organizationId].map((id) => id ?? '(unknown)');
      throw new RetryableError('OTHER_ORG', `The secret leads to org ${now} now, and this connection is to ${before}.`);
    }
    this.accessToken = token;
  }
}

/** A connection with fixed credentials. Throws SyncErrors when Salesforce refuses them. */
export function connectSalesforce(credentials: SalesforceCredentials): Promise<SalesforceConnection> {
  return logIn(async () => credentials);
}

/** A connection that asks for its credentials whenever it needs a new token. Throws SyncErrors when Salesforce refuses them. */
export async function logIn(credentials: CredentialSource): Promise<SalesforceConnection> {
  return new LoggedIn(await newToken(credentials), credentials);
}

/** A new access token. The credentials are asked for each time: what was wrong or rotated is mended without a new environment. */
async function newToken(credentials: CredentialSource): Promise<Access> {
  const { instanceUrl, clientId, clientSecret, refreshToken } = await credentials();
  const oauth2 = new jsforce.OAuth2({ loginUrl: instanceUrl, clientId, clientSecret });
  try {
    const { access_token: token, id } =
      refreshToken === undefined
        ? await oauth2.requestToken({ grant_type: 'client_credentials' })
        : await oauth2.refreshToken(refreshToken);
    return { instanceUrl, token, organizationId: organizationOf(id) };
  } catch (error) {
    throw loginFailed(error);
  }
}

/** From the user's identity URL, `https://.../id/<organization>/<user>`. The last three of 18 characters only repeat the case. */
function organizationOf(identity: unknown): string | undefined {
  return typeof identity === 'string' ? /\/id\/(00D\w{12})/.exec(identity)?.[1] : undefined;
}

/** What the token endpoint refuses by a code of OAuth, also by one that is not listed, is a matter of the connected app. */
function loginFailed(error: unknown): SyncError {
  const failure = callFailed(error);
  const isOAuthCode = failure instanceof InvariantError && /^[a-z]+(_[a-z]+)*$/.test(failure.code);
  return isOAuthCode ? configurationFault(failure.code, error) : failure;
}

/**
 * Runs calls as a session that may have ended: then with a new access token, once. (jsforce's own refresh asks for a new
 * token at every 401, without end, and keeps no code of what went wrong.) Throws what the calls throw, and SyncErrors
 * where no token is given.
 */
export async function inSession<T>(connection: SalesforceConnection, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (connection.renewToken === undefined || codeOf(error) !== 'INVALID_SESSION_ID') throw error;
    await connection.renewToken();
    return await call();
  }
}

/** The code of an error of jsforce: Salesforce's error code, an HTTP status or a network error. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'UNKNOWN';
  const answer = answeredCode(error);
  if (answer !== undefined) return answer;
  const cause = error.cause;
  const inner = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const code = 'code' in error ? error.code : inner;
  return typeof code === 'string' ? code : error.name;
}

/** The code of an answer, of the first error where there are several; undefined: the error is no answer of Salesforce. */
export function answeredCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('errorCode' in error) || typeof error.errorCode !== 'string') return undefined;
  const first: unknown = 'data' in error && Array.isArray(error.data) ? error.data[0] : undefined;
  const code = first instanceof Object && 'errorCode' in first ? String(first.errorCode) : error.errorCode;
  // SOAP puts the namespace in front: `sf:INVALID_SESSION_ID`.
  return code.replace(/^\w+:/, '');
}

/** Runs a call whose failure fails the step; the error leaves as one of our classes. */
export async function calling<T>(connection: SalesforceConnection, call: () => Promise<T>): Promise<T> {
  try {
    return await inSession(connection, call);
  } catch (error) {
    throw callFailed(error);
  }
}

/** The failure of a call as a whole. A code without a class is an InvariantError. */
export function callFailed(error: unknown): SyncError {
  if (error instanceof SyncError) return error;
  const code = codeOf(error);
  switch (classifySalesforce(code)) {
    case 'retry':
      return new RetryableError(code, `Salesforce answered ${code}.`, { cause: error });
    case 'configuration':
      return configurationFault(code, error);
    default:
      return new InvariantError(code, `Salesforce answered ${code}.`, { cause: error });
  }
}

function configurationFault(code: string, cause: unknown): ConfigurationError {
  const advice = "Check the connected app, the user's permissions and the mapped fields.";
  return new ConfigurationError(code, `Salesforce answered ${code}. ${advice}`, { cause });
}
