/** The bucket: inbound files by byte ranges, scratch files of JSON lines, the CSV of a batch. */
import { randomUUID } from 'node:crypto';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  NotFound,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import type { z } from 'zod';
import { InvariantError } from '../core/errors.ts';

export class Storage {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(bucket: string, client = new S3Client()) {
    this.#bucket = bucket;
    this.#client = client;
  }

  /** Bytes `start` to `end` (exclusive) of an object. */
  async readRange(key: string, start: number, end: number): Promise<Buffer> {
    const { Body } = await this.#client.send(
      new GetObjectCommand({ Bucket: this.#bucket, Key: key, Range: `bytes=${start}-${end - 1}` }),
    );
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  }

  async write(key: string, body: string, contentType: string): Promise<void> {
    await this.#client.send(
      new PutObjectCommand({
        Bucket: this.#bucket,
        Key: key,
        Body: body,
        // The SDK does not find it out for an empty body, and warns.
        ContentLength: Buffer.byteLength(body),
        ContentType: contentType,
      }),
    );
  }

  async writeLines(key: string, lines: readonly unknown[]): Promise<void> {
    await this.write(key, lines.map((line) => `${JSON.stringify(line)}\n`).join(''), 'application/x-ndjson');
  }

  /**
   * Reads a scratch file. Throws InvariantError when a line does not fit: another version of us wrote it. The message holds
   * nothing of the line, which JSON's own errors quote.
   */
  async readLines<Schema extends z.ZodType>(key: string, schema: Schema): Promise<z.output<Schema>[]> {
    const { Body } = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key }));
    const text = (await Body?.transformToString()) ?? '';
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line, i) => {
        const parsed = schema.safeParse(parseJson(line));
        if (parsed.success) return parsed.data;
        const faults = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the line'}: ${issue.message}`);
        throw new InvariantError('UNREADABLE_WORK_FILE', `Line ${i + 1} of ${key} does not fit: ${faults.join('; ')}.`);
      });
  }

  /** Size in bytes, and when it was put; undefined: it is not there. */
  async describe(key: string): Promise<{ readonly size: number; readonly putAt: Date } | undefined> {
    try {
      const found = await this.#client.send(new HeadObjectCommand({ Bucket: this.#bucket, Key: key }));
      return { size: found.ContentLength ?? 0, putAt: found.LastModified ?? new Date(0) };
    } catch (error) {
      if (error instanceof NotFound) return undefined;
      throw error;
    }
  }

  /** Puts an object that is not there yet. false: another call has put one by that key. */
  async create(key: string, body: string): Promise<boolean> {
    const call = randomUUID();
    const input = { Bucket: this.#bucket, Key: key, Body: body, IfNoneMatch: '*', Metadata: { call } };
    try {
      await this.#client.send(new PutObjectCommand(input));
      return true;
    } catch (error) {
      // By its name: the SDK has no class for it.
      if (!(error instanceof S3ServiceException) || error.name !== 'PreconditionFailed') throw error;
      // The SDK repeats a request whose answer was lost: then it is our own object that is there already.
      const { Metadata } = await this.#client.send(new HeadObjectCommand({ Bucket: this.#bucket, Key: key }));
      return Metadata?.call === call;
    }
  }

  async remove(key: string): Promise<void> {
    await this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: key }));
  }

  /** Keys under a prefix; only for prefixes that hold a handful of objects. */
  async list(prefix: string): Promise<string[]> {
    const { Contents } = await this.#client.send(new ListObjectsV2Command({ Bucket: this.#bucket, Prefix: prefix }));
    return (Contents ?? []).flatMap(({ Key }) => Key ?? []);
  }

  async move(from: string, to: string): Promise<void> {
    await this.#client.send(
      new CopyObjectCommand({
        Bucket: this.#bucket,
        Key: to,
        CopySource: `${this.#bucket}/${from.split('/').map(encodeURIComponent).join('/')}`,
      }),
    );
    await this.remove(from);
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
