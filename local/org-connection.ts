import { connectByOAuth, type SalesforceConnection } from '../packages/embedded-aws/embedded-aws.ts';
import type { OrgSimulator } from '../packages/salesforce-simulator/org-simulator.ts';

/** The name of the connection to the org, as it would be made in the AppFlow console. */
export const CONNECTION_NAME = 'local-org';

/** The connection of the template's flows, and no other. */
export function connectionsOf(org: OrgSimulator): (name: string) => Promise<SalesforceConnection> {
  let connected: Promise<SalesforceConnection> | undefined;
  return async (name) => {
    if (name !== CONNECTION_NAME) throw new Error(`there is no connection ${name} here, only ${CONNECTION_NAME}`);
    const { instanceUrl: loginUrl, ...login } = loginOf(org);
    connected ??= connectByOAuth({ loginUrl, ...login }).catch((error: unknown) => {
      // The next run tries again.
      connected = undefined;
      throw error;
    });
    return connected;
  };
}

/** What a client of the org logs in with: the shape of the secret for the Salesforce API. */
export function loginOf({ instanceUrl, clientId, clientSecret, refreshToken }: OrgSimulator) {
  return { instanceUrl, clientId, clientSecret, refreshToken };
}
