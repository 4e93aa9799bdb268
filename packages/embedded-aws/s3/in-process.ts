import { randomUUID } from 'node:crypto';
import type { Operations } from '../service.ts';
import { type BucketOperations, continuationToken, placeOfToken } from './bucket-operations.ts';
import { addressOf } from './http/http-request.ts';
import {
  type ChecksumMembers,
  checksumMembers,
  givenChecksum,
  type ObjectSettings,
  settingsOf,
} from './http/object-headers.ts';
import { type Body, payloadOf } from './http/payload.ts';
import type { Preconditions } from './http/preconditions.ts';
import { type FoundObject, type ObjectAddress, type ObjectOperations, quoted } from './object-operations.ts';

interface Conditional {
  readonly IfMatch?: string;
  readonly IfNoneMatch?: string;
}
type Put = ObjectAddress &
  ObjectSettings &
  ChecksumMembers &
  Conditional & { readonly Body?: Body; readonly ContentMD5?: string };
type Get = ObjectAddress & Conditional & { readonly Range?: string };
type Copy = ObjectAddress &
  ObjectSettings &
  Conditional & {
    readonly CopySource: string;
    readonly MetadataDirective?: 'COPY' | 'REPLACE';
    readonly TaggingDirective?: 'COPY' | 'REPLACE';
  };
interface List {
  readonly Bucket: string;
  readonly Prefix?: string;
  readonly Delimiter?: string;
  readonly MaxKeys?: number;
  readonly StartAfter?: string;
  readonly ContinuationToken?: string;
}
interface CreateBucket {
  readonly Bucket: string;
  /** Not S3's: objects' events go to the event bus from the start. */
  readonly eventBridge?: boolean;
}
interface NotificationConfiguration {
  readonly Bucket: string;
  readonly NotificationConfiguration: { readonly EventBridgeConfiguration?: object };
}

/**
 * The operations for callers in the same process, with the members of the API. A body given may be text, bytes or a
 * stream of bytes; a body got is a Buffer.
 */
export function inProcessOperations(buckets: BucketOperations, objects: ObjectOperations): Operations {
  const origin = () => ({ requestId: randomUUID(), sourceIp: '127.0.0.1' });
  return {
    CreateBucket: (input: CreateBucket) => {
      buckets.create(input.Bucket, input.eventBridge === true);
      return { Location: `/${input.Bucket}` };
    },
    HeadBucket: (input: { readonly Bucket: string }) => {
      buckets.named(input.Bucket);
      return {};
    },
    DeleteBucket: (input: { readonly Bucket: string }) => buckets.delete(input.Bucket),
    ListBuckets: () => ({
      Buckets: buckets.all().map(({ name, createdAt }) => ({ Name: name, CreationDate: new Date(createdAt) })),
    }),
    PutBucketNotificationConfiguration: (input: NotificationConfiguration) =>
      buckets.setEventBridge(input.Bucket, input.NotificationConfiguration.EventBridgeConfiguration !== undefined),
    PutObject: (input: Put) => {
      const given = givenChecksum(input);
      const payload = payloadOf(input.Body, given?.algorithm, { md5: input.ContentMD5, checksum: given?.value });
      return objects.putObject(input, input, payload, conditionsIn(input), origin());
    },
    GetObject: async (input: Get) => {
      const found = objects.find(input, conditionsIn(input), input.Range);
      const stream = objects.read(found);
      const chunks: Buffer[] = [];
      for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
      return { ...described(found), Body: Buffer.concat(chunks) };
    },
    HeadObject: (input: Get) => described(objects.find(input, conditionsIn(input), input.Range)),
    DeleteObject: async (input: ObjectAddress) => {
      await objects.deleteObject(input, origin());
      return {};
    },
    CopyObject: async (input: Copy) => {
      const { bucket, key } = addressOf(`/${input.CopySource.replace(/^\//, '')}`);
      const replacement = {
        ...(input.MetadataDirective === 'REPLACE' && { settings: input }),
        ...(input.TaggingDirective === 'REPLACE' && { tagging: input.Tagging ?? '' }),
      };
      const copy = await objects.copyObject(input, { bucket, key }, replacement, conditionsIn(input), origin());
      return { CopyObjectResult: { ETag: quoted(copy.etag), LastModified: new Date(copy.modifiedAt) } };
    },
    ListObjectsV2: (input: List) => listed(buckets, input),
  };
}

function conditionsIn(input: Conditional): Preconditions {
  return { ifMatch: input.IfMatch, ifNoneMatch: input.IfNoneMatch };
}

function described({ object, range }: FoundObject): Record<string, unknown> {
  return {
    ...settingsOf(object.content),
    ...checksumMembers(object.content.checksum),
    ContentLength: range === undefined ? object.size : range.end - range.start + 1,
    ...(range !== undefined && { ContentRange: `bytes ${range.start}-${range.end}/${object.size}` }),
    ETag: quoted(object.etag),
    LastModified: new Date(object.modifiedAt),
  };
}

function listed(buckets: BucketOperations, input: List): object {
  const { ContinuationToken: token, StartAfter: startAfter } = input;
  const page = buckets.list({ ...input, after: token === undefined ? startAfter : placeOfToken(token) });
  return {
    Name: input.Bucket,
    Prefix: input.Prefix ?? '',
    MaxKeys: page.maxKeys,
    KeyCount: page.objects.length + page.commonPrefixes.length,
    IsTruncated: page.next !== undefined,
    NextContinuationToken: page.next === undefined ? undefined : continuationToken(page.next),
    Contents: page.objects.map((object) => ({
      Key: object.key,
      ETag: quoted(object.etag),
      Size: object.size,
      LastModified: new Date(object.modifiedAt),
      StorageClass: object.content.headers['x-amz-storage-class'] ?? 'STANDARD',
    })),
    CommonPrefixes: page.commonPrefixes.map((Prefix) => ({ Prefix })),
  };
}
