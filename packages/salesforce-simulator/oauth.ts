import { createHmac } from 'node:crypto';
import type { Answer, Call, Route } from './call.ts';
import type { Org } from './org.ts';
import type { Sessions } from './sessions.ts';

/** `/services/oauth2/token`, `/revoke`, `/userinfo` and the identity URL. */
export function oauthRoutes(sessions: Sessions): readonly Route[] {
  const issueToken = (org: Org, call: Call) => token(org, call, sessions);
  const revokeToken = (org: Org, call: Call) => revoke(org, call, sessions);
  return [
    { pattern: 'services/oauth2/token', kind: 'token', open: true, methods: { POST: issueToken } },
    { pattern: 'services/oauth2/revoke', kind: 'token', open: true, methods: { POST: revokeToken, GET: revokeToken } },
    { pattern: 'services/oauth2/userinfo', kind: 'identity', methods: { GET: userInfo, POST: userInfo } },
    { pattern: 'id/:organization/:user', kind: 'identity', methods: { GET: identity, POST: identity } },
  ];
}

function refuse(error: string, error_description: string, status = 400): Answer {
  return { status, json: { error, error_description } };
}

function token(org: Org, call: Call, sessions: Sessions): Answer {
  const form = new URLSearchParams(call.body);
  const { identity: who } = org;
  const basic = /^Basic (.+)$/i.exec(call.headers.authorization ?? '')?.[1];
  const [basicId, basicSecret] = Buffer.from(basic ?? '', 'base64')
    .toString()
    .split(':');
  const clientId = form.get('client_id') ?? basicId ?? '';
  const secret = form.get('client_secret') ?? basicSecret;
  const grant = form.get('grant_type');
  if (!['client_credentials', 'refresh_token', 'password'].includes(grant ?? ''))
    return refuse('unsupported_grant_type', 'grant type not supported');
  if (clientId !== who.clientId) return refuse('invalid_client_id', 'client identifier invalid');
  const secretOptional = grant === 'refresh_token' && !secret;
  if (!secretOptional && secret !== who.clientSecret) return refuse('invalid_client', 'invalid client credentials');
  if (grant === 'refresh_token' && form.get('refresh_token') !== who.refreshToken)
    return refuse('invalid_grant', 'expired access/refresh token');
  if (grant === 'password' && (form.get('username') !== who.username || form.get('password') !== who.password))
    return refuse('invalid_grant', 'authentication failure');
  const issuedAt = String(org.now());
  const id = identityUrl(org);
  return {
    status: 200,
    headers: { 'Cache-Control': 'no-store' },
    json: {
      access_token: sessions.issue(org.now()),
      instance_url: org.instanceUrl(),
      id,
      token_type: 'Bearer',
      issued_at: issuedAt,
      signature: createHmac('sha256', who.clientSecret)
        .update(id + issuedAt)
        .digest('base64'),
      scope: 'refresh_token api',
    },
  };
}

function revoke(org: Org, call: Call, sessions: Sessions): Answer {
  const form = call.body === '' ? call.query : new URLSearchParams(call.body);
  const given = form.get('token') ?? '';
  if (given === org.identity.accessToken || given === org.identity.refreshToken) return { status: 200, text: '' };
  return sessions.revoke(given)
    ? { status: 200, text: '' }
    : refuse('unsupported_token_type', 'this token type is not supported');
}

/** The address of the user, from whose last two parts clients take organization and user. */
export function identityUrl(org: Org): string {
  return `${org.instanceUrl()}/id/${org.identity.organizationId}/${org.identity.userId}`;
}

function profile(org: Org): Record<string, unknown> {
  const user = org.records.get(org.identity.userId);
  return {
    user_id: org.identity.userId,
    organization_id: org.identity.organizationId,
    username: org.identity.username,
    email: user?.values.Email ?? null,
    active: true,
  };
}

function userInfo(org: Org): Answer {
  const { username, ...rest } = profile(org);
  const sub = identityUrl(org);
  return { status: 200, json: { sub, ...rest, preferred_username: username, name: username, urls: urls(org) } };
}

function identity(org: Org): Answer {
  const name = org.records.get(org.identity.userId)?.values.Name ?? null;
  return {
    status: 200,
    json: { id: identityUrl(org), asserted_user: true, ...profile(org), display_name: name, urls: urls(org) },
  };
}

function urls(org: Org): Record<string, string> {
  const base = org.instanceUrl();
  return {
    rest: `${base}/services/data/v{version}/`,
    sobjects: `${base}/services/data/v{version}/sobjects/`,
    query: `${base}/services/data/v{version}/query/`,
    partner: `${base}/services/Soap/u/{version}/${org.identity.organizationId.slice(0, 15)}`,
  };
}
