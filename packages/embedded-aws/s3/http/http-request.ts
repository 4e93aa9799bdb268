import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { s3Error } from '../errors.ts';
import type { Origin } from '../object-events.ts';
import { decodeAwsChunked } from './aws-chunked.ts';
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm, checksumAlgorithm } from './checksums.ts';
import { type ChecksumMembers, givenChecksum, KEPT_HEADERS, type ObjectSettings } from './object-headers.ts';
import type { ExpectedDigests, Payload } from './payload.ts';
import type { Preconditions } from './preconditions.ts';

/** A path-style S3 request, decoded. Bucket and key are empty where the address has none. */
export interface S3Request {
  readonly method: string;
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: AsyncIterable<Uint8Array>;
  readonly origin: Origin;
  /** May the caller do this to that key of the bucket? Throws AwsError when not. */
  readonly authorize: (operation: string, input: object) => Promise<void>;
}

/** What is answered. Headers that are undefined are left out. */
export interface S3Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: string | Readable;
}

/**
 * Bucket and key of a request target. The URL class is of no use here: it would resolve `../..`, which a key may contain.
 * @throws AwsError `InvalidArgument`
 */
export function addressOf(target: string): { bucket: string; key: string; query: URLSearchParams } {
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const [, bucket = '', ...key] = path.split('/');
  try {
    return {
      bucket: decodeURIComponent(bucket),
      key: decodeURIComponent(key.join('/')),
      query: new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1)),
    };
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    throw s3Error('InvalidArgument', `the path ${path} is not percent-encoded UTF-8`);
  }
}

export function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}

/** Where `x-amz-copy-source` points: `/bucket/key`, percent-encoded, the first slash optional. */
export function copySource(headers: IncomingHttpHeaders): { readonly bucket: string; readonly key: string } {
  const given = header(headers, 'x-amz-copy-source') ?? '';
  const { bucket, key, query } = addressOf(given.startsWith('/') ? given : `/${given}`);
  if (bucket === '' || key === '') {
    throw s3Error('InvalidArgument', 'Copy Source must mention the source bucket and key: sourcebucket/sourcekey');
  }
  if ((query.get('versionId') ?? 'null') !== 'null') throw s3Error('NotImplemented', 'versions are not kept here');
  return { bucket, key };
}

/** @param prefix `x-amz-copy-source-` for the conditions on the source of a copy */
export function preconditions(headers: IncomingHttpHeaders, prefix = ''): Preconditions {
  const seconds = (name: string) => {
    const time = Date.parse(header(headers, prefix + name) ?? '');
    // A date that is none is ignored, as HTTP has it.
    return Number.isNaN(time) ? undefined : Math.floor(time / 1_000);
  };
  return {
    ifMatch: header(headers, `${prefix}if-match`),
    ifNoneMatch: header(headers, `${prefix}if-none-match`),
    ifModifiedSince: seconds('if-modified-since'),
    ifUnmodifiedSince: seconds('if-unmodified-since'),
  };
}

/** @throws AwsError `NotImplemented` for keys that the client keeps, which S3 would encrypt with */
export function objectSettings(headers: IncomingHttpHeaders): ObjectSettings {
  if (headers['x-amz-server-side-encryption-customer-algorithm'] !== undefined) {
    throw s3Error('NotImplemented', 'encryption with keys of the customer (SSE-C) is not offered here');
  }
  const kept: Record<string, string> = {};
  for (const [member, name] of Object.entries(KEPT_HEADERS)) {
    const value = header(headers, name);
    if (value !== undefined) kept[member] = value;
  }
  // A coding of the transfer only; what else is in the list describes the content.
  const encoding = kept.ContentEncoding?.split(',').map((coding) => coding.trim());
  if (encoding !== undefined) kept.ContentEncoding = encoding.filter((coding) => coding !== 'aws-chunked').join(',');
  const metadata = Object.entries(headers).flatMap(([name, value]) =>
    name.startsWith('x-amz-meta-') ? [[name.slice('x-amz-meta-'.length), String(value)]] : [],
  );
  return { ...kept, Metadata: Object.fromEntries(metadata), Tagging: header(headers, 'x-amz-tagging') };
}

/** `x-amz-checksum-crc32` and its like, from headers or trailers. */
export function checksumHeaders(value: (name: string) => string | undefined): ChecksumMembers {
  const given = CHECKSUM_ALGORITHMS.map((algorithm) => [
    `Checksum${algorithm}`,
    value(`x-amz-checksum-${algorithm.toLowerCase()}`),
  ]);
  return Object.fromEntries(given.filter(([, checksum]) => checksum !== undefined));
}

/** The body of an upload with all that its headers, and later its trailers, say of it. */
export function uploadPayload(request: S3Request): Payload {
  const { headers } = request;
  const contentSha256 = header(headers, 'x-amz-content-sha256') ?? '';
  const fromHeader = givenChecksum(checksumHeaders((name) => header(headers, name)));
  const algorithm = fromHeader?.algorithm ?? announcedAlgorithm(headers);
  const expected: ExpectedDigests = {
    md5: header(headers, 'content-md5'),
    sha256: /^[0-9a-f]{64}$/.test(contentSha256) ? contentSha256 : undefined,
    checksum: fromHeader?.value,
  };
  const isChunked =
    contentSha256.startsWith('STREAMING-') || /(^|,)\s*aws-chunked/.test(header(headers, 'content-encoding') ?? '');
  if (!isChunked) {
    const expectsSha256 = expected.sha256 !== undefined;
    return { chunks: request.body, algorithm, expectsSha256, expected: () => expected };
  }
  const length = header(headers, 'x-amz-decoded-content-length');
  const { chunks, trailers } = decodeAwsChunked(request.body, length === undefined ? undefined : Number(length));
  const trailing = () => givenChecksum(checksumHeaders((name) => trailers.get(name)))?.value;
  return { chunks, algorithm, expected: () => ({ ...expected, checksum: expected.checksum ?? trailing() }) };
}

function announcedAlgorithm(headers: IncomingHttpHeaders): ChecksumAlgorithm | undefined {
  const trailer = /x-amz-checksum-(\w+)/.exec(header(headers, 'x-amz-trailer') ?? '')?.[1];
  const other = Object.keys(headers).flatMap((name) => /^x-amz-checksum-((?:crc|sha)\w+)$/.exec(name)?.[1] ?? [])[0];
  const name = trailer ?? other ?? header(headers, 'x-amz-sdk-checksum-algorithm');
  return name === undefined ? undefined : checksumAlgorithm(name);
}

/** A whole body as text; the XML documents that S3 takes are small. */
export async function textBody(request: S3Request): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of uploadPayload(request).chunks) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

export function sourceIp(request: IncomingMessage): string {
  return request.socket.remoteAddress ?? '127.0.0.1';
}
