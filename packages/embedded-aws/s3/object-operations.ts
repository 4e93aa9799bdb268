import type { DatabaseSync } from 'node:sqlite';
import type { Readable } from 'node:stream';
import type { EmbeddedAws } from '../service.ts';
import { transaction } from '../transaction.ts';
import type { Blobs, ByteRange } from './blobs.ts';
import type { Buckets } from './buckets.ts';
import { s3Error } from './errors.ts';
import { assertTags, checksumMembers, contentOf, type ObjectSettings } from './http/object-headers.ts';
import type { Payload } from './http/payload.ts';
import { assertReadable, assertWritable, byteRange, type Preconditions } from './http/preconditions.ts';
import type { CreationReason, ObjectEvents, Origin } from './object-events.ts';
import type { ObjectContent, Objects, StoredObject } from './objects.ts';

export interface ObjectAddress {
  readonly Bucket: string;
  readonly Key: string;
}

/** What is about to become an object. */
export interface NewObject extends ObjectAddress {
  readonly blob: string;
  readonly size: number;
  readonly etag: string;
  readonly content: ObjectContent;
}

/** An object found for reading, and the part of it that was asked for. */
export interface FoundObject {
  readonly object: StoredObject;
  readonly range: ByteRange | undefined;
}

export interface CopySource extends Preconditions {
  readonly bucket: string;
  readonly key: string;
}

/** Everything that works on one object at a time. */
export class ObjectOperations {
  readonly #aws: EmbeddedAws;
  readonly #store: DatabaseSync;
  readonly #buckets: Buckets;
  readonly #objects: Objects;
  readonly #blobs: Blobs;
  readonly #events: ObjectEvents;

  constructor(
    aws: EmbeddedAws,
    store: DatabaseSync,
    buckets: Buckets,
    objects: Objects,
    blobs: Blobs,
    events: ObjectEvents,
  ) {
    this.#aws = aws;
    this.#store = store;
    this.#buckets = buckets;
    this.#objects = objects;
    this.#blobs = blobs;
    this.#events = events;
  }

  async putObject(
    address: ObjectAddress,
    settings: ObjectSettings,
    payload: Payload,
    conditions: Preconditions,
    origin: Origin,
  ): Promise<Record<string, unknown>> {
    const { Bucket, Key } = address;
    this.#buckets.named(Bucket);
    assertKey(Key);
    const content = contentOf(settings);
    const { blob, size, md5, checksum } = await this.#blobs.write(payload);
    const made = { Bucket, Key, blob, size, etag: md5.toString('hex'), content: { ...content, checksum } };
    const object = await this.make(made, conditions, 'PutObject', origin);
    return { ETag: quoted(object.etag), ...checksumMembers(checksum) };
  }

  /**
   * Makes a written body an object, with its event, if the conditions hold at this very moment; otherwise the body goes.
   * @throws AwsError `NoSuchBucket`, `PreconditionFailed`, `NoSuchKey`
   */
  async make(
    made: NewObject,
    conditions: Preconditions,
    reason: CreationReason,
    origin: Origin,
  ): Promise<StoredObject> {
    const { Bucket, Key, blob, size, etag, content } = made;
    const object = { bucket: Bucket, key: Key, blob, size, etag, modifiedAt: this.#aws.now(), content };
    let replaced: StoredObject | undefined;
    try {
      transaction(this.#store, () => {
        const bucket = this.#buckets.named(Bucket);
        replaced = this.#objects.find(Bucket, Key);
        assertWritable(replaced, Key, conditions);
        this.#objects.put(object);
        if (bucket.eventBridge) this.#events.created({ bucket: Bucket, key: Key, size, etag }, reason, origin);
      });
    } catch (error) {
      await this.#blobs.remove(blob);
      throw error;
    }
    this.#events.deliver();
    this.#aws.journal.record({ kind: 'object-created', subject: `${Bucket}/${Key}`, text: `${reason}, ${size} bytes` });
    if (replaced !== undefined) await this.#blobs.remove(replaced.blob);
    return object;
  }

  /** @throws AwsError `NoSuchBucket`, `NoSuchKey`, `PreconditionFailed`, `NotModified`, `InvalidRange` */
  find(address: ObjectAddress, conditions: Preconditions = {}, range?: string): FoundObject {
    this.#buckets.named(address.Bucket);
    const object = this.#objects.find(address.Bucket, address.Key);
    if (object === undefined) throw s3Error('NoSuchKey', 'The specified key does not exist.', { Key: address.Key });
    assertReadable(object, conditions);
    return { object, range: byteRange(range, object.size) };
  }

  /** The bytes of what `find` has just found; to be called before anything else is waited for. */
  read({ object, range }: FoundObject): Readable {
    return this.#blobs.read(object.blob, range);
  }

  deleteObject(address: ObjectAddress, origin: Origin): Promise<void> {
    const { Bucket: bucket, Key: key } = address;
    const existing = transaction(this.#store, () => {
      const { eventBridge } = this.#buckets.named(bucket);
      const found = this.#objects.find(bucket, key);
      if (found === undefined) return undefined;
      this.#objects.delete(bucket, key);
      if (eventBridge) this.#events.deleted({ bucket, key }, origin);
      return found;
    });
    this.#events.deliver();
    return existing === undefined ? Promise.resolve() : this.#blobs.remove(existing.blob);
  }

  /** Without `replacement`, metadata and tags come along. */
  async copyObject(
    address: ObjectAddress,
    source: CopySource,
    replacement: { readonly settings?: ObjectSettings; readonly tagging?: string },
    conditions: Preconditions,
    origin: Origin,
  ): Promise<StoredObject> {
    assertKey(address.Key);
    this.#buckets.named(address.Bucket);
    const { object } = this.find({ Bucket: source.bucket, Key: source.key }, source);
    const { settings, tagging } = replacement;
    if (settings === undefined && source.bucket === address.Bucket && source.key === address.Key) {
      throw s3Error(
        'InvalidRequest',
        "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
      );
    }
    const kept =
      settings === undefined ? object.content : { ...contentOf(settings), checksum: object.content.checksum };
    const tags = tagging === undefined ? object.content.tags : contentOf({ Tagging: tagging }).tags;
    const copy = await this.#copyBody(object);
    const made = { ...address, ...copy, size: object.size, content: { ...kept, tags } };
    return this.make(made, conditions, 'CopyObject', origin);
  }

  /** The copy of an object made in parts is one made in one piece: its ETag is the MD5 of its bytes. */
  async #copyBody(object: StoredObject): Promise<{ blob: string; etag: string }> {
    if (!object.etag.includes('-')) return { blob: await this.#blobs.copy(object.blob), etag: object.etag };
    const payload = { chunks: this.#blobs.chunks([object.blob]), algorithm: undefined, expected: () => ({}) };
    const { blob, md5 } = await this.#blobs.write(payload);
    return { blob, etag: md5.toString('hex') };
  }

  /** @throws AwsError `InvalidTag`, `NoSuchKey` */
  setTags(address: ObjectAddress, tags: Readonly<Record<string, string>>): void {
    assertTags(tags);
    const { object } = this.find(address);
    this.#objects.setContent(object.bucket, object.key, { ...object.content, tags });
  }
}

export function quoted(etag: string): string {
  return `"${etag}"`;
}

/** @throws AwsError `KeyTooLongError` */
export function assertKey(key: string): void {
  if (Buffer.byteLength(key) > 1_024) throw s3Error('KeyTooLongError', 'Your key is too long');
  if (key === '') throw s3Error('InvalidArgument', 'the key of an object cannot be empty');
}
