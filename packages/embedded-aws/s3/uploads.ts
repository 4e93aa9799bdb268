import { randomUUID } from 'node:crypto';
import type { EmbeddedAws } from '../service.ts';
import type { Blobs, WrittenBlob } from './blobs.ts';
import type { Buckets } from './buckets.ts';
import { s3Error } from './errors.ts';
import type { Checksum, ChecksumAlgorithm } from './http/checksums.ts';
import {
  type ChecksumMembers,
  checksumMembers,
  contentOf,
  givenChecksum,
  type ObjectSettings,
} from './http/object-headers.ts';
import type { Payload } from './http/payload.ts';
import type { Preconditions } from './http/preconditions.ts';
import type { Origin } from './object-events.ts';
import { assertKey, type ObjectAddress, type ObjectOperations, quoted } from './object-operations.ts';
import type { StoredObject } from './objects.ts';
import { chosenParts, compositeChecksum, compositeEtag, type NamedPart } from './upload-parts.ts';
import type { Upload, UploadedPart, UploadRecords } from './upload-records.ts';

/** Multipart uploads: parts wait as files of their own until they are joined. */
export class Uploads {
  readonly #aws: EmbeddedAws;
  readonly #buckets: Buckets;
  readonly #blobs: Blobs;
  readonly #operations: ObjectOperations;
  readonly #records: UploadRecords;

  constructor(aws: EmbeddedAws, records: UploadRecords, buckets: Buckets, blobs: Blobs, operations: ObjectOperations) {
    this.#aws = aws;
    this.#buckets = buckets;
    this.#blobs = blobs;
    this.#operations = operations;
    this.#records = records;
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
    this.#records.insert(upload);
    return upload;
  }

  /** @throws AwsError `NoSuchUpload` */
  find(address: ObjectAddress, id: string): Upload {
    this.#buckets.named(address.Bucket);
    const upload = this.#records.find(id, address.Bucket, address.Key);
    if (upload === undefined) {
      throw s3Error(
        'NoSuchUpload',
        'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
        { UploadId: id },
      );
    }
    return upload;
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
    if (this.#records.find(id, address.Bucket, address.Key) === undefined) await this.#blobs.remove(part.blob);
    this.find(address, id);
    const replaced = this.#records.part(id, number);
    this.#records.putPart(id, part);
    if (replaced !== undefined) await this.#blobs.remove(replaced.blob);
    return part;
  }

  parts(id: string): UploadedPart[] {
    return this.#records.parts(id);
  }

  all(bucket: string): Upload[] {
    this.#buckets.named(bucket);
    return this.#records.all(bucket);
  }

  async abort(address: ObjectAddress, id: string): Promise<void> {
    const upload = this.find(address, id);
    await this.#forget(upload);
  }

  async #forget(upload: Upload): Promise<void> {
    const parts = this.parts(upload.id);
    this.#records.delete(upload.id);
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
}

function partOf(number: number, written: WrittenBlob, modifiedAt: number): UploadedPart {
  const { blob, size, md5, checksum } = written;
  return { number, blob, size, etag: md5.toString('hex'), checksum, modifiedAt };
}
