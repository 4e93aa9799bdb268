import { createHash } from 'node:crypto';
import { s3Error } from './errors.ts';
import { type Checksum, type ChecksumAlgorithm, checksumDigest } from './http/checksums.ts';
import { type ChecksumMembers, givenChecksum } from './http/object-headers.ts';
import type { UploadedPart } from './upload-records.ts';

/** A part as CompleteMultipartUpload names it. */
export type NamedPart = { readonly PartNumber: number; readonly ETag: string } & ChecksumMembers;

/** All parts but the last have at least this size (User Guide, multipart upload limits). */
const MIN_PART_BYTES = 5 * 1024 * 1024;

/**
 * The parts that are to be joined, in their order.
 * @throws AwsError `MalformedXML`, `InvalidPart`, `InvalidPartOrder`, `EntityTooSmall`
 */
export function chosenParts(parts: readonly UploadedPart[], named: readonly NamedPart[]): UploadedPart[] {
  if (named.length === 0) throw s3Error('MalformedXML', 'The XML you provided names no part');
  if (named.some((wanted, index) => wanted.PartNumber <= (named[index - 1]?.PartNumber ?? 0))) {
    const message = 'The list of parts was not in ascending order. Parts must be ordered by part number.';
    throw s3Error('InvalidPartOrder', message);
  }
  const byNumber = new Map(parts.map((part) => [part.number, part]));
  return named.map((wanted, index) => {
    const part = byNumber.get(wanted.PartNumber);
    const checksum = givenChecksum(wanted)?.value;
    if (
      part === undefined ||
      part.etag !== wanted.ETag.replaceAll('"', '') ||
      (checksum !== undefined && checksum !== part.checksum?.value)
    ) {
      throw s3Error(
        'InvalidPart',
        "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
        { PartNumber: wanted.PartNumber, ETag: wanted.ETag },
      );
    }
    if (index < named.length - 1 && part.size < MIN_PART_BYTES) {
      throw s3Error('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size', {
        PartNumber: part.number,
        ProposedSize: part.size,
        MinSizeAllowed: MIN_PART_BYTES,
      });
    }
    return part;
  });
}

/** The MD5 of the parts' MD5s, and their number. */
export function compositeEtag(parts: readonly UploadedPart[]): string {
  const hash = createHash('md5');
  for (const part of parts) hash.update(Buffer.from(part.etag, 'hex'));
  return `${hash.digest('hex')}-${parts.length}`;
}

/** The checksum of the parts' checksums, and their number. */
export function compositeChecksum(
  algorithm: ChecksumAlgorithm | undefined,
  parts: readonly UploadedPart[],
): Checksum | undefined {
  if (algorithm === undefined) return undefined;
  const digest = checksumDigest(algorithm);
  for (const part of parts) digest.update(Buffer.from(part.checksum?.value ?? '', 'base64'));
  return { algorithm, value: `${digest.digest().toString('base64')}-${parts.length}`, type: 'COMPOSITE' };
}
