import { element, type Xml, document as xmlDocument } from '../../protocols/xml.ts';
import { AwsError, type EmbeddedAws } from '../../service.ts';
import { type BucketOperations, continuationToken, type ListedPage, placeOfToken } from '../bucket-operations.ts';
import { s3Error } from '../errors.ts';
import { type ObjectOperations, quoted } from '../object-operations.ts';
import { S3_NAMESPACE } from './http-objects.ts';
import type { S3Reply, S3Request } from './http-request.ts';
import { textBody } from './http-request.ts';
import { elementOf, elementsOf, parseBody, textOf } from './xml-body.ts';

const OWNER = () => element('Owner', [element('ID', 'embedded-aws'), element('DisplayName', 'embedded-aws')]);

/** The operations on buckets as HTTP has them. */
export class HttpBuckets {
  readonly #aws: EmbeddedAws;
  readonly #buckets: BucketOperations;
  readonly #objects: ObjectOperations;

  constructor(aws: EmbeddedAws, buckets: BucketOperations, objects: ObjectOperations) {
    this.#aws = aws;
    this.#buckets = buckets;
    this.#objects = objects;
  }

  listBuckets(): S3Reply {
    const buckets = this.#buckets
      .all()
      .map((bucket) =>
        element('Bucket', [
          element('Name', bucket.name),
          element('CreationDate', new Date(bucket.createdAt).toISOString()),
        ]),
      );
    return reply(element('ListAllMyBucketsResult', [OWNER(), element('Buckets', buckets)], S3_NAMESPACE));
  }

  createBucket(request: S3Request): S3Reply {
    this.#buckets.create(request.bucket, false);
    return { headers: { location: `/${request.bucket}` } };
  }

  headBucket(request: S3Request): S3Reply {
    this.#buckets.named(request.bucket);
    return { headers: { 'x-amz-bucket-region': this.#aws.region } };
  }

  deleteBucket(request: S3Request): S3Reply {
    this.#buckets.delete(request.bucket);
    return { status: 204 };
  }

  getBucketLocation(request: S3Request): S3Reply {
    this.#buckets.named(request.bucket);
    // us-east-1 is written as nothing.
    const region = this.#aws.region === 'us-east-1' ? '' : this.#aws.region;
    return reply(element('LocationConstraint', region, S3_NAMESPACE));
  }

  getBucketVersioning(request: S3Request): S3Reply {
    this.#buckets.named(request.bucket);
    return reply(element('VersioningConfiguration', '', S3_NAMESPACE));
  }

  getBucketNotificationConfiguration(request: S3Request): S3Reply {
    const { eventBridge } = this.#buckets.named(request.bucket);
    const content = eventBridge ? element('EventBridgeConfiguration', '') : '';
    return reply(element('NotificationConfiguration', content, S3_NAMESPACE));
  }

  async putBucketNotificationConfiguration(request: S3Request): Promise<S3Reply> {
    const configuration = parseBody(await textBody(request), 'NotificationConfiguration');
    for (const name of Object.keys(configuration)) {
      if (!name.endsWith('Configuration') || name === 'EventBridgeConfiguration') continue;
      throw s3Error('NotImplemented', `notifications go to EventBridge only here; ${name} is not offered`);
    }
    this.#buckets.setEventBridge(request.bucket, elementOf(configuration, 'EventBridgeConfiguration') !== undefined);
    return {};
  }

  listObjects(request: S3Request): S3Reply {
    const { query } = request;
    const page = this.#list(request, query.get('marker') ?? undefined);
    const encode = encoder(query);
    // Without a delimiter clients go on from the last key themselves, as with S3.
    const nextMarker = query.has('delimiter') && page.next !== undefined ? encode(page.next) : undefined;
    return reply(
      element(
        'ListBucketResult',
        [
          ...listed(request, page, encode),
          element('Marker', encode(query.get('marker') ?? '')),
          element('NextMarker', nextMarker),
        ],
        S3_NAMESPACE,
      ),
    );
  }

  listObjectsV2(request: S3Request): S3Reply {
    const { query } = request;
    const token = query.get('continuation-token') ?? undefined;
    const startAfter = query.get('start-after') ?? undefined;
    const page = this.#list(request, token === undefined ? startAfter : placeOfToken(token));
    const encode = encoder(query);
    return reply(
      element(
        'ListBucketResult',
        [
          ...listed(request, page, encode),
          element('KeyCount', page.objects.length + page.commonPrefixes.length),
          element('ContinuationToken', token),
          element('NextContinuationToken', page.next === undefined ? undefined : continuationToken(page.next)),
          element('StartAfter', startAfter === undefined ? undefined : encode(startAfter)),
        ],
        S3_NAMESPACE,
      ),
    );
  }

  #list(request: S3Request, after: string | undefined): ListedPage {
    const { query } = request;
    const maxKeys = query.get('max-keys');
    return this.#buckets.list({
      Bucket: request.bucket,
      Prefix: query.get('prefix') ?? undefined,
      Delimiter: query.get('delimiter') ?? undefined,
      MaxKeys: maxKeys === null ? undefined : Number(maxKeys),
      after,
    });
  }

  /** Each key is deleted, and refused, by itself. */
  async deleteObjects(request: S3Request): Promise<S3Reply> {
    this.#buckets.named(request.bucket);
    const body = parseBody(await textBody(request), 'Delete');
    const keys = elementsOf(body, 'Object').map((object) => textOf(object, 'Key') ?? '');
    if (keys.length === 0 || keys.length > 1_000) throw s3Error('MalformedXML', 'name 1 to 1,000 objects to delete');
    const results: (Xml | undefined)[] = [];
    for (const key of keys) {
      const address = { Bucket: request.bucket, Key: key };
      try {
        await request.authorize('DeleteObject', address);
        await this.#objects.deleteObject(address, request.origin);
        if (textOf(body, 'Quiet') !== 'true') results.push(element('Deleted', element('Key', key)));
      } catch (error) {
        if (!(error instanceof AwsError)) throw error;
        results.push(
          element('Error', [element('Key', key), element('Code', error.code), element('Message', error.message)]),
        );
      }
    }
    return reply(element('DeleteResult', results, S3_NAMESPACE));
  }
}

export function reply(root: Xml | undefined): S3Reply {
  return { headers: { 'content-type': 'application/xml' }, body: xmlDocument(root) };
}

/** With `encoding-type=url`, keys that XML could not carry travel percent-encoded. */
function encoder(query: URLSearchParams): (key: string) => string {
  return query.get('encoding-type') === 'url' ? (key) => encodeURIComponent(key).replaceAll('%2F', '/') : (key) => key;
}

function listed(request: S3Request, page: ListedPage, encode: (key: string) => string): (Xml | undefined)[] {
  const { query } = request;
  const delimiter = query.get('delimiter');
  return [
    element('Name', request.bucket),
    element('Prefix', encode(query.get('prefix') ?? '')),
    element('Delimiter', delimiter === null ? undefined : encode(delimiter)),
    element('MaxKeys', page.maxKeys),
    element('EncodingType', query.get('encoding-type') ?? undefined),
    element('IsTruncated', page.next !== undefined),
    ...page.objects.map((object) =>
      element('Contents', [
        element('Key', encode(object.key)),
        element('LastModified', new Date(object.modifiedAt).toISOString()),
        element('ETag', quoted(object.etag)),
        element('ChecksumAlgorithm', object.content.checksum?.algorithm),
        element('ChecksumType', object.content.checksum?.type),
        element('Size', object.size),
        element('StorageClass', object.content.headers['x-amz-storage-class'] ?? 'STANDARD'),
        query.get('fetch-owner') === 'true' ? OWNER() : undefined,
      ]),
    ),
    ...page.commonPrefixes.map((prefix) => element('CommonPrefixes', element('Prefix', encode(prefix)))),
  ];
}
