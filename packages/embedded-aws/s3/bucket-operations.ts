import type { EmbeddedAws } from '../service.ts';
import type { Bucket, Buckets } from './buckets.ts';
import { s3Error } from './errors.ts';
import { type Listing, listPage } from './listing.ts';
import type { Objects } from './objects.ts';

export interface ListRequest {
  readonly Bucket: string;
  readonly Prefix?: string | undefined;
  readonly Delimiter?: string | undefined;
  readonly MaxKeys?: number | undefined;
  /** Where to go on: a marker, a decoded continuation token, or what to start after. */
  readonly after?: string | undefined;
}

/** One page, with what was asked for. */
export interface ListedPage extends Listing {
  readonly maxKeys: number;
}

/** Everything that works on buckets, and on many objects. */
export class BucketOperations {
  readonly #aws: EmbeddedAws;
  readonly #buckets: Buckets;
  readonly #objects: Objects;

  constructor(aws: EmbeddedAws, buckets: Buckets, objects: Objects) {
    this.#aws = aws;
    this.#buckets = buckets;
    this.#objects = objects;
  }

  create(name: string, eventBridge: boolean): void {
    this.#buckets.create(name, eventBridge, this.#aws.now());
  }

  /** @throws AwsError `BucketNotEmpty` */
  delete(name: string): void {
    this.#buckets.named(name);
    if (this.#objects.after(name, '', '', 1).length > 0) {
      throw s3Error('BucketNotEmpty', 'The bucket you tried to delete is not empty', { BucketName: name });
    }
    this.#buckets.delete(name);
  }

  named(name: string): Bucket {
    return this.#buckets.named(name);
  }

  all(): Bucket[] {
    return this.#buckets.all();
  }

  setEventBridge(name: string, eventBridge: boolean): void {
    this.#buckets.setEventBridge(name, eventBridge);
  }

  list(request: ListRequest): ListedPage {
    this.#buckets.named(request.Bucket);
    const asked = request.MaxKeys ?? 1_000;
    if (!Number.isInteger(asked) || asked < 0) {
      throw s3Error('InvalidArgument', 'Argument maxKeys must be an integer between 0 and 2147483647');
    }
    const limit = Math.min(asked, 1_000);
    const { Prefix: prefix = '', Delimiter: delimiter = '', after = '' } = request;
    return { ...listPage(this.#objects, request.Bucket, { prefix, delimiter, after, limit }), maxKeys: limit };
  }
}

/** Continuation tokens are opaque to clients; here they are the place to go on from. */
export function continuationToken(next: string): string {
  return Buffer.from(next, 'utf8').toString('base64url');
}

export function placeOfToken(token: string): string {
  return Buffer.from(token, 'base64url').toString('utf8');
}
