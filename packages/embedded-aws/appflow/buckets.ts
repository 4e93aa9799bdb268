import { z } from 'zod';
import type { Caller, EmbeddedAws } from '../service.ts';
import type { SourceBucket, SourceFile } from './runs/source-files.ts';

/** As whom the buckets are used: bucket policies name it. */
const SERVICE: Caller = { principal: 'appflow.amazonaws.com' };

const Listing = z.object({
  Contents: z.array(z.object({ Key: z.string(), Size: z.number() })).default([]),
  IsTruncated: z.boolean().default(false),
  NextContinuationToken: z.string().nullish(),
});

const Found = z.object({ Body: z.instanceof(Buffer) });

/** The buckets as AppFlow uses them. Each call throws AwsError as S3 answers it. */
export class Buckets implements SourceBucket {
  readonly #aws: EmbeddedAws;

  constructor(aws: EmbeddedAws) {
    this.#aws = aws;
  }

  async list(bucket: string, prefix: string): Promise<readonly SourceFile[]> {
    const files: SourceFile[] = [];
    let token: string | undefined;
    do {
      const paging = token === undefined ? {} : { ContinuationToken: token };
      const page = Listing.parse(await this.#call('ListObjectsV2', { Bucket: bucket, Prefix: prefix, ...paging }));
      files.push(...page.Contents.map(({ Key, Size }) => ({ key: Key, sizeBytes: Size })));
      token = page.IsTruncated ? (page.NextContinuationToken ?? undefined) : undefined;
    } while (token !== undefined);
    return files;
  }

  async get(bucket: string, key: string): Promise<Buffer> {
    return Found.parse(await this.#call('GetObject', { Bucket: bucket, Key: key })).Body;
  }

  async put(bucket: string, key: string, body: Buffer): Promise<void> {
    await this.#call('PutObject', { Bucket: bucket, Key: key, Body: body });
  }

  #call(operation: string, input: object): Promise<unknown> {
    return this.#aws.call('s3', operation, input, SERVICE);
  }
}
