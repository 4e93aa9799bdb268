import { s3Error } from '../errors.ts';
import type { ObjectContent } from '../objects.ts';
import { CHECKSUM_ALGORITHMS, type Checksum, type ChecksumAlgorithm } from './checksums.ts';

/** Input members that are kept with an object as they are, by the header that carries them. */
const KEPT = {
  CacheControl: 'cache-control',
  ContentDisposition: 'content-disposition',
  ContentEncoding: 'content-encoding',
  ContentLanguage: 'content-language',
  ContentType: 'content-type',
  Expires: 'expires',
  SSEKMSKeyId: 'x-amz-server-side-encryption-aws-kms-key-id',
  ServerSideEncryption: 'x-amz-server-side-encryption',
  StorageClass: 'x-amz-storage-class',
  WebsiteRedirectLocation: 'x-amz-website-redirect-location',
} as const;

export const KEPT_HEADERS: Readonly<Record<string, string>> = KEPT;

export type ObjectSettings = {
  readonly [Name in keyof typeof KEPT]?: string | undefined;
} & {
  readonly Metadata?: Readonly<Record<string, string>> | undefined;
  /** `key=value&key=value`, percent-encoded. */
  readonly Tagging?: string | undefined;
};

/** S3's own default (API reference, PutObject). */
const DEFAULT_TYPE = 'binary/octet-stream';

/** What is kept with an object, from the members of an input. @throws AwsError `InvalidTag` */
export function contentOf(settings: ObjectSettings): ObjectContent {
  const headers: Record<string, string> = { 'content-type': DEFAULT_TYPE, 'x-amz-server-side-encryption': 'AES256' };
  for (const [member, header] of Object.entries(KEPT_HEADERS)) {
    const value = (settings as Readonly<Record<string, unknown>>)[member];
    if (value !== undefined && value !== '') headers[header] = String(value);
  }
  const metadata = Object.entries(settings.Metadata ?? {}).map(([name, value]) => [name.toLowerCase(), value]);
  const tags = Object.fromEntries(new URLSearchParams(settings.Tagging ?? ''));
  assertTags(tags);
  return { headers, metadata: Object.fromEntries(metadata), tags };
}

/** @throws AwsError `InvalidTag` */
export function assertTags(tags: Readonly<Record<string, string>>): void {
  const entries = Object.entries(tags);
  if (entries.length > 10) throw s3Error('InvalidTag', 'Object tags cannot be greater than 10');
  for (const [key, value] of entries) {
    if (key.length === 0 || key.length > 128) throw s3Error('InvalidTag', 'The TagKey you have provided is invalid');
    if (value.length > 256) throw s3Error('InvalidTag', 'The TagValue you have provided is invalid');
  }
}

/** The same, as the members of an output. */
export function settingsOf(content: ObjectContent): Record<string, unknown> {
  const kept = Object.entries(KEPT_HEADERS).map(([member, header]) => [member, content.headers[header]]);
  return { ...Object.fromEntries(kept.filter(([, value]) => value !== undefined)), Metadata: content.metadata };
}

/** `ChecksumCRC32` and its like, in an input or output. */
export type ChecksumMembers = { readonly [Name in `Checksum${ChecksumAlgorithm}`]?: string | undefined };

/** The one checksum that an input gives, if any. @throws AwsError `InvalidRequest` when there are several */
export function givenChecksum(
  input: ChecksumMembers,
): { readonly algorithm: ChecksumAlgorithm; readonly value: string } | undefined {
  const given = CHECKSUM_ALGORITHMS.flatMap((algorithm) => {
    const value = input[`Checksum${algorithm}`];
    return value === undefined ? [] : [{ algorithm, value }];
  });
  if (given.length > 1) {
    throw s3Error(
      'InvalidRequest',
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    );
  }
  return given[0];
}

export function checksumMembers(checksum: Checksum | undefined): Record<string, string> {
  if (checksum === undefined) return {};
  return { [`Checksum${checksum.algorithm}`]: checksum.value, ChecksumType: checksum.type };
}
