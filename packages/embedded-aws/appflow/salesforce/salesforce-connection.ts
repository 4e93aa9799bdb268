import { z } from 'zod';
import { SalesforceError } from './salesforce-error.ts';

/** What a connector profile stands for: where the org answers, and a token for it. */
export interface SalesforceConnection {
  readonly instanceUrl: string;
  /** A token to use now. `refused` names one that the org has just answered with 401, so that it is replaced. */
  accessToken(refused?: string): Promise<string>;
}

export interface OAuthCredentials {
  readonly loginUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** With it the refresh-token grant is used, as AppFlow does; without it client credentials. */
  readonly refreshToken: string | undefined;
}

const TokenAnswer = z.object({ access_token: z.string().min(1), instance_url: z.string().min(1) });

/**
 * Connects by OAuth: fetches a token at once (so a wrong secret shows now, not in the first run), keeps it, and
 * fetches another when the org refuses it. Throws SalesforceError.
 */
export async function connectByOAuth(credentials: OAuthCredentials): Promise<SalesforceConnection> {
  const first = await fetchToken(credentials);
  let current = first.access_token;
  let renewal: Promise<string> | undefined;
  return {
    instanceUrl: first.instance_url.replace(/\/+$/, ''),
    async accessToken(refused) {
      if (refused !== current) return current;
      renewal ??= fetchToken(credentials)
        .then((answer) => {
          current = answer.access_token;
          return current;
        })
        .finally(() => {
          renewal = undefined;
        });
      return renewal;
    },
  };
}

async function fetchToken(credentials: OAuthCredentials): Promise<z.infer<typeof TokenAnswer>> {
  const form = new URLSearchParams({ client_id: credentials.clientId, client_secret: credentials.clientSecret });
  if (credentials.refreshToken === undefined) {
    form.set('grant_type', 'client_credentials');
  } else {
    form.set('grant_type', 'refresh_token');
    form.set('refresh_token', credentials.refreshToken);
  }
  const url = `${credentials.loginUrl.replace(/\/+$/, '')}/services/oauth2/token`;
  let response: Response;
  try {
    response = await fetch(url, { method: 'POST', body: form });
  } catch (error) {
    throw SalesforceError.unreachable(url, error);
  }
  const text = await response.text();
  if (!response.ok) throw SalesforceError.fromAnswer(response.status, text);
  return TokenAnswer.parse(JSON.parse(text));
}
