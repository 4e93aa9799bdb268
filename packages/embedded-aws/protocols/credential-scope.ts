import type { IncomingHttpHeaders } from 'node:http';

/** What a signed request says of its signer: whose key, for which service. The signature itself is not looked at. */
export interface CredentialScope {
  readonly accessKeyId: string;
  readonly region: string;
  /** The signing name, such as `sqs` or `execute-api`. */
  readonly service: string;
}

/**
 * The credential scope of a request, from the Authorization header (Signature Version 4) or the query string of a
 * presigned address; undefined for an unsigned request.
 */
export function credentialScope(headers: IncomingHttpHeaders, query: URLSearchParams): CredentialScope | undefined {
  // Presigned by Signature Version 2, as the older AWS CLI still does for S3.
  const older = query.get('AWSAccessKeyId');
  if (older) return { accessKeyId: older, region: '', service: 's3' };
  const header = /^AWS4-[A-Z0-9-]+ .*?Credential=([^,\s]+)/.exec(headers.authorization ?? '')?.[1];
  const credential = header ?? query.get('X-Amz-Credential') ?? undefined;
  // <access key>/<yyyymmdd>/<region>/<service>/aws4_request; read from its end, since a key may have slashes here.
  const [terminator, service, region, , ...key] = (credential?.split('/') ?? []).reverse();
  const accessKeyId = key.reverse().join('/');
  if (accessKeyId === '' || region === undefined || !service || terminator !== 'aws4_request') return undefined;
  return { accessKeyId, region, service };
}
