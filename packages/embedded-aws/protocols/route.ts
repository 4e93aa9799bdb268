import type { IncomingHttpHeaders } from 'node:http';
import type { ServiceName } from '../service.ts';
import { JSON_SERVICES } from './aws-json.ts';
import { type CredentialScope, credentialScope } from './credential-scope.ts';
import { QUERY_SERVICES } from './query-xml.ts';

/** In which protocol a request speaks, and to whom. `refused` is a request that no service here can answer. */
export type Route =
  | { readonly protocol: 'json'; readonly service: ServiceName; readonly operation: string }
  | { readonly protocol: 'query'; readonly service: ServiceName }
  | { readonly protocol: 'rest'; readonly service: ServiceName }
  | { readonly protocol: 's3' }
  | { readonly protocol: 'refused'; readonly shape: 'json' | 'query'; readonly reason: string };

export interface Addressed {
  readonly route: Route;
  readonly scope: CredentialScope | undefined;
}

/**
 * Who is meant: the target header names service and operation; without one, the credential scope names the service.
 * What is signed for S3, or for no service (a public or hand-made request), is S3's.
 */
export function routeOf(headers: IncomingHttpHeaders, query: URLSearchParams): Addressed {
  const scope = credentialScope(headers, query);
  return { route: target(headers) ?? signedFor(scope, query), scope };
}

function target(headers: IncomingHttpHeaders): Route | undefined {
  const header = [headers['x-amz-target']].flat()[0];
  if (header === undefined) return undefined;
  const dot = header.lastIndexOf('.');
  const prefix = header.slice(0, Math.max(dot, 0));
  for (const [service, protocol] of Object.entries(JSON_SERVICES)) {
    if (protocol.target !== prefix) continue;
    return { protocol: 'json', service: service as ServiceName, operation: header.slice(dot + 1) };
  }
  return { protocol: 'refused', shape: 'json', reason: `no service here answers the target ${header}` };
}

function signedFor(scope: CredentialScope | undefined, query: URLSearchParams): Route {
  const service = scope?.service;
  if (service === undefined) {
    // The link in a subscription confirmation is opened without a signature.
    return query.has('Action') ? { protocol: 'query', service: 'sns' } : { protocol: 's3' };
  }
  if (service === 's3') return { protocol: 's3' };
  if (service === 'lambda' || service === 'appflow') return { protocol: 'rest', service };
  if (service in QUERY_SERVICES) return { protocol: 'query', service: service as ServiceName };
  const reason =
    service in JSON_SERVICES
      ? `${service} is spoken to in AWS JSON here, and the request has no x-amz-target header`
      : `the service ${service} is not part of this endpoint`;
  return { protocol: 'refused', shape: 'query', reason };
}
