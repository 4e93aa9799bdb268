import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestAws, type TestAws } from '../embedded-aws.ts';

const Bucket = 'bucket';
const LARGE = randomBytes(5 * 1024 * 1024);
let running: TestAws;
let s3: S3Client;

beforeAll(async () => {
  running = await startTestAws();
  s3 = new S3Client(running.client);
  await s3.send(new CreateBucketCommand({ Bucket }));
});
afterAll(async () => {
  s3.destroy();
  await running[Symbol.asyncDispose]();
});

async function begin(Key: string) {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, Metadata: { a: '1' } }));
  const address = { Bucket, Key, UploadId };
  const part = async (PartNumber: number, Body: Uint8Array | string) => {
    const { ETag } = await s3.send(new UploadPartCommand({ ...address, PartNumber, Body }));
    return { PartNumber, ETag };
  };
  const complete = (Parts: { PartNumber: number; ETag: string | undefined }[], more: object = {}) =>
    s3.send(new CompleteMultipartUploadCommand({ ...address, MultipartUpload: { Parts }, ...more }));
  return { address, part, complete };
}

function filesOnDisk(): number {
  return readdirSync(join(running.directory, 'objects')).length;
}

describe('a multipart upload', () => {
  test('joins the parts in their order, a part sent twice as it was last', async () => {
    const before = filesOnDisk();
    const { address, part, complete } = await begin('joined');
    const second = await part(2, 'the end');
    await part(1, randomBytes(10));
    const first = await part(1, LARGE);
    const { Parts } = await s3.send(new ListPartsCommand(address));
    expect(Parts?.map(({ PartNumber, Size }) => [PartNumber, Size])).toEqual([
      [1, LARGE.length],
      [2, 7],
    ]);
    await complete([first, second]);
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'joined' }));
    expect(got.Metadata).toEqual({ a: '1' });
    const bytes = Buffer.from((await got.Body?.transformToByteArray()) ?? []);
    expect(bytes.equals(Buffer.concat([LARGE, Buffer.from('the end')]))).toBe(true);
    // Of all that was written, the object alone is left.
    expect(filesOnDisk()).toBe(before + 1);
    await expect(complete([first, second])).rejects.toMatchObject({ name: 'NoSuchUpload' });
  });

  test('is refused with parts that are wrong, unordered, unknown or too small', async () => {
    const { part, complete } = await begin('refused');
    const first = await part(1, LARGE);
    const second = await part(2, 'small');
    const third = await part(3, 'last');
    await expect(complete([{ ...first, ETag: second.ETag }])).rejects.toMatchObject({ name: 'InvalidPart' });
    await expect(complete([first, { ...third, PartNumber: 4 }])).rejects.toMatchObject({ name: 'InvalidPart' });
    await expect(complete([second, first])).rejects.toMatchObject({ name: 'InvalidPartOrder' });
    await expect(complete([first, second, third])).rejects.toMatchObject({ name: 'EntityTooSmall' });
    await complete([first, third]);
  });

  test('makes an object only under its conditions', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'there', Body: 'before' }));
    const { part, complete } = await begin('there');
    const only = await part(1, 'after');
    const conditional = complete([only], { IfNoneMatch: '*' });
    await expect(conditional).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await complete([only]);
    const { ContentLength } = await s3.send(new HeadObjectCommand({ Bucket, Key: 'there' }));
    expect(ContentLength).toBe(5);
  });

  test('can be given up, and leaves nothing', async () => {
    const before = filesOnDisk();
    const { address, part, complete } = await begin('given-up');
    const first = await part(1, 'x');
    const { Uploads } = await s3.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'given-up' }));
    expect(Uploads).toMatchObject([{ Key: 'given-up', UploadId: address.UploadId }]);
    await s3.send(new AbortMultipartUploadCommand(address));
    await expect(complete([first])).rejects.toMatchObject({ name: 'NoSuchUpload' });
    expect(filesOnDisk()).toBe(before);
  });

  test('may take its parts from other objects', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'source', Body: '0123456789' }));
    const { address, complete } = await begin('from-others');
    const copy = { ...address, PartNumber: 1, CopySource: `${Bucket}/source`, CopySourceRange: 'bytes=2-5' };
    const { CopyPartResult } = await s3.send(new UploadPartCopyCommand(copy));
    await complete([{ PartNumber: 1, ETag: CopyPartResult?.ETag }]);
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: 'from-others' }));
    expect(await Body?.transformToString()).toBe('2345');
  });

  test('has a checksum over the whole where asked for', async () => {
    const address = { Bucket, Key: 'whole' };
    const asked = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' } as const;
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ ...address, ...asked }));
    const { ETag } = await s3.send(
      new UploadPartCommand({ ...address, UploadId, PartNumber: 1, Body: '123456789', ChecksumAlgorithm: 'CRC32' }),
    );
    const Parts = [{ PartNumber: 1, ETag }];
    const complete = (ChecksumCRC32: string) =>
      s3.send(new CompleteMultipartUploadCommand({ ...address, UploadId, MultipartUpload: { Parts }, ChecksumCRC32 }));
    await expect(complete('AAAAAA==')).rejects.toMatchObject({ name: 'BadDigest' });
    // The check value of CRC-32.
    expect((await complete('y/Q5Jg==')).ChecksumCRC32).toBe('y/Q5Jg==');
    const read = await s3.send(new HeadObjectCommand({ ...address, ChecksumMode: 'ENABLED' }));
    expect(read).toMatchObject({ ChecksumCRC32: 'y/Q5Jg==', ChecksumType: 'FULL_OBJECT' });
  });
});

describe('files', () => {
  test('of bodies that did not arrive whole are not kept', async () => {
    const before = filesOnDisk();
    const sending = request(`${running.client.endpoint}/${Bucket}/broken`, {
      method: 'PUT',
      headers: { 'content-length': 2_000 },
    });
    const broken = once(sending, 'error');
    sending.write(Buffer.alloc(1_000));
    await expect.poll(filesOnDisk).toBe(before + 1);
    sending.destroy(new Error('cable pulled'));
    await broken;
    await expect.poll(filesOnDisk).toBe(before);
    expect(running.journal.filter(({ kind }) => kind === 'fault')).toEqual([]);
  });

  test('that nothing refers to are gone after a restart, the others are not', async () => {
    await using first = await startTestAws();
    await first.aws.call('s3', 'CreateBucket', { Bucket });
    await first.aws.call('s3', 'PutObject', { Bucket, Key: 'kept', Body: 'kept' });
    await first.aws.call('s3', 'PutObject', { Bucket, Key: 'orphan', Body: 'orphan' });
    // As a crash between writing a body and recording its object leaves it.
    first.store.exec("DELETE FROM s3_object WHERE key = 'orphan'");
    expect(readdirSync(join(first.directory, 'objects'))).toHaveLength(2);
    await using second = await first.restart();
    expect(readdirSync(join(second.directory, 'objects'))).toHaveLength(1);
    const { Body } = await second.aws.call<{ Body: Buffer }>('s3', 'GetObject', { Bucket, Key: 'kept' });
    expect(Body.toString()).toBe('kept');
  });
});
