import { s3Error } from '../errors.ts';
import type { S3Request } from './http-request.ts';

/** Operations by method and, where it has one, by the query parameter that makes it another operation. */
const ON_BUCKETS: Readonly<Record<string, string>> = {
  PUT: 'CreateBucket',
  HEAD: 'HeadBucket',
  DELETE: 'DeleteBucket',
  GET: 'ListObjects',
  'GET list-type': 'ListObjectsV2',
  'GET location': 'GetBucketLocation',
  'GET versioning': 'GetBucketVersioning',
  'GET notification': 'GetBucketNotificationConfiguration',
  'PUT notification': 'PutBucketNotificationConfiguration',
  'GET uploads': 'ListMultipartUploads',
  'POST delete': 'DeleteObjects',
};

const ON_OBJECTS: Readonly<Record<string, string>> = {
  PUT: 'PutObject',
  GET: 'GetObject',
  HEAD: 'HeadObject',
  DELETE: 'DeleteObject',
  'GET tagging': 'GetObjectTagging',
  'PUT tagging': 'PutObjectTagging',
  'DELETE tagging': 'DeleteObjectTagging',
  'POST uploads': 'CreateMultipartUpload',
  'PUT uploadId': 'UploadPart',
  'GET uploadId': 'ListParts',
  'POST uploadId': 'CompleteMultipartUpload',
  'DELETE uploadId': 'AbortMultipartUpload',
};

/** Parameters that do not change which operation is meant. */
const PARAMETERS: ReadonlySet<string> = new Set([
  'AWSAccessKeyId',
  'Expires',
  'Signature',
  'continuation-token',
  'delimiter',
  'encoding-type',
  'fetch-owner',
  'key-marker',
  'marker',
  'max-buckets',
  'max-keys',
  'max-parts',
  'max-uploads',
  'part-number-marker',
  'partNumber',
  'prefix',
  'start-after',
  'upload-id-marker',
  'versionId',
  'x-id',
]);

/**
 * The API operation that a request stands for.
 * @throws AwsError `NotImplemented`, naming what was asked for
 */
export function operationOf(request: S3Request): string {
  const { method, bucket, key, query, headers } = request;
  if ((query.get('versionId') ?? 'null') !== 'null') throw s3Error('NotImplemented', 'versions are not kept here');
  const markers = [...query.keys()].filter((name) => !PARAMETERS.has(name) && !/^(x-amz-|response-)/i.test(name));
  const asked = [method, ...markers].join(' ');
  let operation: string | undefined;
  if (bucket === '') operation = asked === 'GET' ? 'ListBuckets' : undefined;
  else operation = (key === '' ? ON_BUCKETS : ON_OBJECTS)[asked];
  if (headers['x-amz-copy-source'] !== undefined) {
    if (operation === 'PutObject') return 'CopyObject';
    if (operation === 'UploadPart') return 'UploadPartCopy';
  }
  if (operation === undefined || (query.has('partNumber') && !operation.startsWith('UploadPart'))) {
    const place = bucket === '' ? 'the service' : key === '' ? 'a bucket' : 'an object';
    throw s3Error('NotImplemented', `S3 here has no operation for "${asked}" on ${place}`);
  }
  return operation;
}
