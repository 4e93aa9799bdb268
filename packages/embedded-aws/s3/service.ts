import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DatabaseSync } from 'node:sqlite';
import type { HttpContext, HttpService } from '../endpoint.ts';
import type { EmbeddedAws, Operations } from '../service.ts';
import { Blobs } from './blobs.ts';
import { BucketOperations } from './bucket-operations.ts';
import { Buckets } from './buckets.ts';
import { HttpBuckets } from './http/http-buckets.ts';
import { HttpObjects } from './http/http-objects.ts';
import { HttpUploads } from './http/http-uploads.ts';
import { type Handler, serveS3 } from './http/serve.ts';
import { inProcessOperations } from './in-process.ts';
import { ObjectEvents } from './object-events.ts';
import { ObjectOperations } from './object-operations.ts';
import { Objects } from './objects.ts';
import { UploadRecords } from './upload-records.ts';
import { Uploads } from './uploads.ts';

/**
 * S3, path style, with bodies as files under `directory` and everything else in the store. What a put has answered is
 * there after the death of the process, and so is its event.
 */
export class S3 implements HttpService {
  /** For callers in process; objects are read as a whole. */
  readonly operations: Operations;
  readonly #aws: EmbeddedAws;
  readonly #handlers: ReadonlyMap<string, Handler>;
  readonly #events: ObjectEvents;

  constructor(aws: EmbeddedAws, store: DatabaseSync, options: { readonly directory: string }) {
    this.#aws = aws;
    const blobs = new Blobs(options.directory);
    const buckets = new Buckets(store);
    const objects = new Objects(store);
    this.#events = new ObjectEvents(aws, store);
    const onObjects = new ObjectOperations(aws, store, buckets, objects, blobs, this.#events);
    const records = new UploadRecords(store);
    const uploads = new Uploads(aws, records, buckets, blobs, onObjects);
    const onBuckets = new BucketOperations(aws, buckets, objects);
    blobs.keepOnly(new Set([...objects.blobs(), ...records.blobs()]));
    this.operations = inProcessOperations(onBuckets, onObjects);
    this.#handlers = handlers(
      new HttpBuckets(aws, onBuckets, onObjects),
      new HttpObjects(onObjects),
      new HttpUploads(uploads, onObjects),
    );
  }

  handle(request: IncomingMessage, response: ServerResponse, context: HttpContext): Promise<void> {
    return serveS3(this.#handlers, this.#aws.journal, request, response, context);
  }

  /** Delivers the events that an earlier run left behind; to be called once the event bus is there. */
  start(): void {
    this.#events.deliver();
  }

  close(): void {
    this.#events.close();
  }
}

function handlers(buckets: HttpBuckets, objects: HttpObjects, uploads: HttpUploads): ReadonlyMap<string, Handler> {
  return new Map<string, Handler>([
    ['AbortMultipartUpload', (request) => uploads.abortMultipartUpload(request)],
    ['CompleteMultipartUpload', (request) => uploads.completeMultipartUpload(request)],
    ['CopyObject', (request) => objects.copyObject(request)],
    ['CreateBucket', (request) => buckets.createBucket(request)],
    ['CreateMultipartUpload', (request) => uploads.createMultipartUpload(request)],
    ['DeleteBucket', (request) => buckets.deleteBucket(request)],
    ['DeleteObject', (request) => objects.deleteObject(request)],
    ['DeleteObjectTagging', (request) => objects.deleteObjectTagging(request)],
    ['DeleteObjects', (request) => buckets.deleteObjects(request)],
    ['GetBucketLocation', (request) => buckets.getBucketLocation(request)],
    ['GetBucketNotificationConfiguration', (request) => buckets.getBucketNotificationConfiguration(request)],
    ['GetBucketVersioning', (request) => buckets.getBucketVersioning(request)],
    ['GetObject', (request) => objects.getObject(request)],
    ['GetObjectTagging', (request) => objects.getObjectTagging(request)],
    ['HeadBucket', (request) => buckets.headBucket(request)],
    ['HeadObject', (request) => objects.headObject(request)],
    ['ListBuckets', () => buckets.listBuckets()],
    ['ListMultipartUploads', (request) => uploads.listMultipartUploads(request)],
    ['ListObjects', (request) => buckets.listObjects(request)],
    ['ListObjectsV2', (request) => buckets.listObjectsV2(request)],
    ['ListParts', (request) => uploads.listParts(request)],
    ['PutBucketNotificationConfiguration', (request) => buckets.putBucketNotificationConfiguration(request)],
    ['PutObject', (request) => objects.putObject(request)],
    ['PutObjectTagging', (request) => objects.putObjectTagging(request)],
    ['UploadPart', (request) => uploads.uploadPart(request)],
    ['UploadPartCopy', (request) => uploads.uploadPartCopy(request)],
  ]);
}
