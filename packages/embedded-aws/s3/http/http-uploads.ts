import { element } from '../../protocols/xml.ts';
import { type ObjectOperations, quoted } from '../object-operations.ts';
import type { NamedPart } from '../upload-parts.ts';
import type { UploadedPart } from '../upload-records.ts';
import type { Uploads } from '../uploads.ts';
import { CHECKSUM_ALGORITHMS, checksumAlgorithm } from './checksums.ts';
import { reply } from './http-buckets.ts';
import { addressIn, outputHeaders, S3_NAMESPACE } from './http-objects.ts';
import {
  checksumHeaders,
  copySource,
  header,
  objectSettings,
  preconditions,
  type S3Reply,
  type S3Request,
  textBody,
  uploadPayload,
} from './http-request.ts';
import { checksumMembers } from './object-headers.ts';
import { elementsOf, parseBody, textOf, type XmlElement } from './xml-body.ts';

/** Multipart uploads as HTTP has them. */
export class HttpUploads {
  readonly #uploads: Uploads;
  readonly #objects: ObjectOperations;

  constructor(uploads: Uploads, objects: ObjectOperations) {
    this.#uploads = uploads;
    this.#objects = objects;
  }

  createMultipartUpload(request: S3Request): S3Reply {
    const { headers } = request;
    const name = header(headers, 'x-amz-checksum-algorithm');
    const type = header(headers, 'x-amz-checksum-type');
    const upload = this.#uploads.create(
      addressIn(request),
      objectSettings(headers),
      name === undefined ? undefined : checksumAlgorithm(name),
      type === 'FULL_OBJECT' || type === 'COMPOSITE' ? type : undefined,
    );
    const answer = reply(
      element(
        'InitiateMultipartUploadResult',
        [element('Bucket', upload.bucket), element('Key', upload.key), element('UploadId', upload.id)],
        S3_NAMESPACE,
      ),
    );
    const checksums = {
      'x-amz-checksum-algorithm': upload.algorithm,
      'x-amz-checksum-type': upload.algorithm === undefined ? undefined : upload.checksumType,
    };
    return { ...answer, headers: { ...answer.headers, ...checksums } };
  }

  async uploadPart(request: S3Request): Promise<S3Reply> {
    const { id, number } = partIn(request);
    const part = await this.#uploads.addPart(addressIn(request), id, number, uploadPayload(request));
    return { headers: outputHeaders(describedPart(part)) };
  }

  async uploadPartCopy(request: S3Request): Promise<S3Reply> {
    const { id, number } = partIn(request);
    const { bucket, key } = copySource(request.headers);
    const conditions = preconditions(request.headers, 'x-amz-copy-source-');
    const range = header(request.headers, 'x-amz-copy-source-range');
    const found = this.#objects.find({ Bucket: bucket, Key: key }, conditions, range);
    const chunks = this.#objects.read(found) as AsyncIterable<Uint8Array>;
    const payload = { chunks, algorithm: undefined, expected: () => ({}) };
    const part = await this.#uploads.addPart(addressIn(request), id, number, payload);
    const modified = element('LastModified', new Date(part.modifiedAt).toISOString());
    const described = Object.entries(describedPart(part)).map(([name, value]) => element(name, value));
    return reply(element('CopyPartResult', [modified, ...described], S3_NAMESPACE));
  }

  async completeMultipartUpload(request: S3Request): Promise<S3Reply> {
    const body = parseBody(await textBody(request), 'CompleteMultipartUpload');
    const completed = await this.#uploads.complete(
      addressIn(request),
      partIn(request).id,
      elementsOf(body, 'Part').map(namedPart),
      checksumHeaders((name) => header(request.headers, name)),
      preconditions(request.headers),
      request.origin,
    );
    const members = Object.entries(completed).map(([name, value]) => element(name, String(value)));
    return reply(element('CompleteMultipartUploadResult', members, S3_NAMESPACE));
  }

  async abortMultipartUpload(request: S3Request): Promise<S3Reply> {
    await this.#uploads.abort(addressIn(request), partIn(request).id);
    return { status: 204 };
  }

  listParts(request: S3Request): S3Reply {
    const upload = this.#uploads.find(addressIn(request), partIn(request).id);
    const after = Number(request.query.get('part-number-marker') ?? 0);
    const limit = Math.min(Number(request.query.get('max-parts') ?? 1_000), 1_000);
    const rest = this.#uploads.parts(upload.id).filter((part) => part.number > after);
    const page = rest.slice(0, limit);
    return reply(
      element(
        'ListPartsResult',
        [
          element('Bucket', upload.bucket),
          element('Key', upload.key),
          element('UploadId', upload.id),
          element('PartNumberMarker', after),
          element('NextPartNumberMarker', page.at(-1)?.number ?? 0),
          element('MaxParts', limit),
          element('IsTruncated', rest.length > page.length),
          element('ChecksumAlgorithm', upload.algorithm),
          element('StorageClass', 'STANDARD'),
          ...page.map((part) =>
            element('Part', [
              element('PartNumber', part.number),
              element('LastModified', new Date(part.modifiedAt).toISOString()),
              element('Size', part.size),
              ...Object.entries(describedPart(part)).map(([name, value]) => element(name, value)),
            ]),
          ),
        ],
        S3_NAMESPACE,
      ),
    );
  }

  listMultipartUploads(request: S3Request): S3Reply {
    const prefix = request.query.get('prefix') ?? '';
    const uploads = this.#uploads.all(request.bucket).filter((upload) => upload.key.startsWith(prefix));
    return reply(
      element(
        'ListMultipartUploadsResult',
        [
          element('Bucket', request.bucket),
          element('Prefix', prefix),
          element('IsTruncated', false),
          ...uploads.map((upload) =>
            element('Upload', [
              element('Key', upload.key),
              element('UploadId', upload.id),
              element('Initiated', new Date(upload.startedAt).toISOString()),
              element('StorageClass', 'STANDARD'),
            ]),
          ),
        ],
        S3_NAMESPACE,
      ),
    );
  }
}

function partIn({ query }: S3Request): { readonly id: string; readonly number: number } {
  return { id: query.get('uploadId') ?? '', number: Number(query.get('partNumber') ?? 0) };
}

function describedPart(part: UploadedPart): Record<string, string> {
  const { ChecksumType: _, ...checksum } = checksumMembers(part.checksum);
  return { ETag: quoted(part.etag), ...checksum };
}

function namedPart(part: XmlElement): NamedPart {
  const checksums = CHECKSUM_ALGORITHMS.map((algorithm) => [
    `Checksum${algorithm}`,
    textOf(part, `Checksum${algorithm}`),
  ]).filter(([, value]) => value !== undefined);
  return {
    PartNumber: Number(textOf(part, 'PartNumber')),
    ETag: textOf(part, 'ETag') ?? '',
    ...Object.fromEntries(checksums),
  };
}
