import type { Call } from '../call.ts';
import type { Org } from '../org.ts';
import { SalesforceError } from '../salesforce-error.ts';
import type { Sessions } from '../sessions.ts';
import { child, text, type XmlNode } from './envelope.ts';

/** SOAP login is gone from this version on. */
const WITHOUT_LOGIN = 65;

/** Starts a session by user name and password. Throws UNSUPPORTED_API_VERSION or INVALID_LOGIN. */
export function login(org: Org, call: Call, sessions: Sessions, parameters: XmlNode): object {
  if (Number(call.version) >= WITHOUT_LOGIN)
    throw new SalesforceError(
      'UNSUPPORTED_API_VERSION',
      `SOAP login() is not available in API version ${call.version}`,
    );
  const { username, password, organizationId, userId } = org.identity;
  if (text(child(parameters, 'username')) !== username || text(child(parameters, 'password')) !== password)
    throw new SalesforceError('INVALID_LOGIN', 'Invalid username, password, security token; or user locked out.');
  const base = `${org.instanceUrl()}/services/Soap`;
  const path = `${call.version}/${organizationId.slice(0, 15)}`;
  return {
    metadataServerUrl: `${base}/m/${path}`,
    passwordExpired: false,
    sandbox: false,
    serverUrl: `${base}/u/${path}`,
    sessionId: sessions.issue(org.now()),
    userId,
    userInfo: userInfo(org),
  };
}

/** Who the session belongs to. */
export function userInfo(org: Org): object {
  const { organizationId, userId, username } = org.identity;
  return {
    accessibilityMode: false,
    currencySymbol: '$',
    organizationId,
    organizationMultiCurrency: false,
    organizationName: org.records.get(organizationId)?.values.Name ?? '',
    profileId: { '@xsi:nil': 'true' },
    sessionSecondsValid: 7200,
    userEmail: username,
    userFullName: org.records.get(userId)?.values.Name ?? '',
    userId,
    userLanguage: 'en_US',
    userLocale: 'en_US',
    userName: username,
    userTimeZone: 'GMT',
    userType: 'Standard',
  };
}
