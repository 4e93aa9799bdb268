import { createHash, randomUUID } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { EmbeddedAws } from '../service.ts';
import type { Blobs, WrittenBlob } from './blobs.ts';
import type { Buckets } from './buckets.ts';
import { type Checksum, type ChecksumAlgorithm, checksumDigest } from './checksums.ts';
import { s3Error } from './errors.ts';
import type { Origin } from './object-events.ts';
import {
  type ChecksumMembers,
  checksumMembers,
  contentOf,
  givenChecksum,
  type ObjectSettings,
} from './object-headers.ts';
import { assertKey, type ObjectAddress, type ObjectOperations, quoted } from './object-operations.ts';
import type { ObjectContent, StoredObject } from './objects.ts';
import type { Payload } from './payload.ts';
import type { Preconditions } from './preconditions.ts';

/** A multipart upload under way. */
export interface Upload {
  readonly id: string;
  readonly bucket: string;
  readonly key: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly content: ObjectContent;
  readonly algorithm: ChecksumAlgorithm | undefined;
  readonly checksumType: Checksum['type'];
}

export interface UploadedPart {
  readonly number: number;
  readonly blob: string;
  readonly size: number;
  readonly etag: string;
  readonly checksum: Checksum | undefined;
  readonly modifiedAt: number;
}

/** A part as CompleteMultipartUpload names it. */
export type NamedPart = { readonly PartNumber: number; readonly ETag: string } & ChecksumMembers;

/** All parts but the last have at least this size (User Guide, multipart upload limits). */
const MIN_PART_BYTES = 5 * 1024 * 1024;

/** Multipart uploads: parts wait as files of their own until they are joined. */
export class Uploads {
  readonly #aws: EmbeddedAws;
  readonly #buckets: Buckets;
  readonly #blobs: Blobs;
  readonly #operations: ObjectOperations;
  readonly #statements: Readonly<Record<keyof typeof SQL, StatementSync>>;

  constructor(aws: EmbeddedAws, store: DatabaseSync, buckets: Buckets, blobs: Blobs, operations: ObjectOperations) {
    this.#aws = aws;
    this.#buckets = buckets;
    this.#blobs = blobs;
    this.#operations = operations;
    store.exec(SCHEMA);
    const prepared = Object.entries(SQL).map(([name, sql]) => [name, store.prepare(sql)] as const);
    this.#statements = Object.fromEntries(prepared) as Record<keyof typeof SQL, StatementSync>;
  }

  create(
    address: ObjectAddress,
    settings: ObjectSettings,
    algorithm: ChecksumAlgorithm | undefined,
    checksumType: Checksum['type'] | undefined,
  ): Upload {
    this.#buckets.named(address.Bucket);
    assertKey(address.Key);
    const upload: Upload = {
      id: randomUUID().replaceAll('-', ''),
      bucket: address.Bucket,
      key: address.Key,
      startedAt: this.#aws.now(),
      content: contentOf(settings),
      algorithm,
      checksumType: checksumType ?? 'COMPOSITE',
    };
    if (upload.checksumType === 'FULL_OBJECT' && algorithm?.startsWith('SHA') === true) {
      throw s3Error('InvalidRequest', `The FULL_OBJECT checksum type cannot be used with the ${algorithm} algorithm.`);
    }
    this.#statements.insert.run(upload.id, upload.bucket, upload.key, JSON.stringify(upload));
    return upload;
  }

  /** @throws AwsError `NoSuchUpload` */
  find(address: ObjectAddress, id: string): Upload {
    this.#buckets.named(address.Bucket);
    const row = this.#statements.find.get(id, address.Bucket, address.Key);
    if (row === undefined) {
      throw s3Error(
        'NoSuchUpload',
        'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
        { UploadId: id },
      );
    }
    return JSON.parse(String(row.upload)) as Upload;
  }

  async addPart(address: ObjectAddress, id: string, number: number, payload: Payload): Promise<UploadedPart> {
    const upload = this.find(address, id);
    if (!Number.isInteger(number) || number < 1 || number > 10_000) {
      throw s3Error('InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive');
    }
    if (upload.algorithm !== undefined && payload.algorithm !== undefined && payload.algorithm !== upload.algorithm) {
      throw s3Error(
        'InvalidRequest',
        `Checksum Type mismatch occurred, expected checksum Type: ${upload.algorithm}, actual checksum Type: ${payload.algorithm}`,
      );
    }
    const algorithm = payload.algorithm ?? upload.algorithm;
    const written = await this.#blobs.write({ ...payload, algorithm });
    const part = partOf(number, written, this.#aws.now());
    // While the part was coming, the upload may have ended.
    const known = this.#statements.find.get(id, address.Bucket, address.Key) !== undefined;
    const replaced = known ? this.#part(id, number) : undefined;
    if (known) this.#statements.addPart.run(id, number, part.blob, JSON.stringify(part));
    else await this.#blobs.remove(written.blob);
    if (replaced !== undefined) await this.#blobs.remove(replaced.blob);
    if (!known) this.find(address, id);
    return part;
  }

  #part(id: string, number: number): UploadedPart | undefined {
    return this.parts(id).find((part) => part.number === number);
  }

  parts(id: string): UploadedPart[] {
    return this.#statements.parts.all(id).map((row) => JSON.parse(String(row.part)) as UploadedPart);
  }

  /** Uploads under way in a bucket, by key and start. */
  all(bucket: string): Upload[] {
    return this.#statements.all.all(bucket).map((row) => JSON.parse(String(row.upload)) as Upload);
  }

  async abort(address: ObjectAddress, id: string): Promise<void> {
    const upload = this.find(address, id);
    await this.#forget(upload);
  }

  async #forget(upload: Upload): Promise<void> {
    const parts = this.parts(upload.id);
    this.#statements.deleteParts.run(upload.id);
    this.#statements.delete.run(upload.id);
    await Promise.all(parts.map((part) => this.#blobs.remove(part.blob)));
  }

  /** @throws AwsError `InvalidPart`, `InvalidPartOrder`, `EntityTooSmall`, `BadDigest`, `PreconditionFailed` */
  async complete(
    address: ObjectAddress,
    id: string,
    named: readonly NamedPart[],
    given: ChecksumMembers,
    conditions: Preconditions,
    origin: Origin,
  ): Promise<Record<string, unknown>> {
    const upload = this.find(address, id);
    const parts = chosenParts(this.parts(id), named);
    const full = upload.checksumType === 'FULL_OBJECT' ? upload.algorithm : undefined;
    const expected = givenChecksum(given)?.value;
    const chunks = this.#blobs.chunks(parts.map((part) => part.blob));
    const joined = await this.#blobs.write({
      chunks,
      algorithm: full,
      expected: () => (full === undefined ? {} : { checksum: expected }),
    });
    const checksum = full === undefined ? compositeChecksum(upload.algorithm, parts) : joined.checksum;
    if (expected !== undefined && checksum !== undefined && checksum.value.split('-')[0] !== expected.split('-')[0]) {
      await this.#blobs.remove(joined.blob);
      throw s3Error('BadDigest', `The ${checksum.algorithm} you specified did not match the calculated checksum.`);
    }
    const object = await this.#operations.make(
      {
        ...address,
        blob: joined.blob,
        size: joined.size,
        etag: compositeEtag(parts),
        content: { ...upload.content, checksum },
      },
      conditions,
      'CompleteMultipartUpload',
      origin,
    );
    await this.#forget(upload);
    return this.#completed(object);
  }

  #completed(object: StoredObject): Record<string, unknown> {
    const { bucket, key, etag } = object;
    return {
      Location: `${this.#aws.origin}/${bucket}/${encodeURI(key)}`,
      Bucket: bucket,
      Key: key,
      ETag: quoted(etag),
      ...checksumMembers(object.content.checksum),
    };
  }

  blobs(): string[] {
    return this.#statements.blobs.all().map((row) => String(row.blob));
  }
}

function partOf(number: number, written: WrittenBlob, modifiedAt: number): UploadedPart {
  const { blob, size, md5, checksum } = written;
  return { number, blob, size, etag: md5.toString('hex'), checksum, modifiedAt };
}

function chosenParts(parts: readonly UploadedPart[], named: readonly NamedPart[]): UploadedPart[] {
  if (named.length === 0) throw s3Error('MalformedXML', 'The XML you provided names no part');
  const byNumber = new Map(parts.map((part) => [part.number, part]));
  return named.map((wanted, index) => {
    const previous = named[index - 1];
    if (previous !== undefined && previous.PartNumber >= wanted.PartNumber) {
      throw s3Error(
        'InvalidPartOrder',
        'The list of parts was not in ascending order. Parts must be ordered by part number.',
      );
    }
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
function compositeEtag(parts: readonly UploadedPart[]): string {
  const hash = createHash('md5');
  for (const part of parts) hash.update(Buffer.from(part.etag, 'hex'));
  return `${hash.digest('hex')}-${parts.length}`;
}

/** The checksum of the parts' checksums, and their number. */
function compositeChecksum(
  algorithm: ChecksumAlgorithm | undefined,
  parts: readonly UploadedPart[],
): Checksum | undefined {
  if (algorithm === undefined) return undefined;
  const digest = checksumDigest(algorithm);
  for (const part of parts) digest.update(Buffer.from(part.checksum?.value ?? '', 'base64'));
  return { algorithm, value: `${digest.digest().toString('base64')}-${parts.length}`, type: 'COMPOSITE' };
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS s3_upload (
    id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, upload TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS s3_part (
    upload TEXT NOT NULL, number INTEGER NOT NULL, blob TEXT NOT NULL, part TEXT NOT NULL,
    PRIMARY KEY (upload, number)) STRICT;`;

const SQL = {
  insert: 'INSERT INTO s3_upload VALUES (?, ?, ?, ?)',
  find: 'SELECT upload FROM s3_upload WHERE id = ? AND bucket = ? AND key = ?',
  all: 'SELECT upload FROM s3_upload WHERE bucket = ? ORDER BY key, rowid',
  delete: 'DELETE FROM s3_upload WHERE id = ?',
  addPart: 'INSERT OR REPLACE INTO s3_part VALUES (?, ?, ?, ?)',
  parts: 'SELECT part FROM s3_part WHERE upload = ? ORDER BY number',
  deleteParts: 'DELETE FROM s3_part WHERE upload = ?',
  blobs: 'SELECT blob FROM s3_part',
} as const;
