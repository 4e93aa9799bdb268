import { createHash, randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { Readable } from 'node:stream';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketNotificationConfigurationCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startTestAws, type TestAws } from '../embedded-aws.ts';

const Bucket = 'bucket';
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

async function text(Key: string, more: object = {}): Promise<string> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, ...more }));
  return (await Body?.transformToString()) ?? '';
}

describe('one object', () => {
  test('comes back with its bytes, type, metadata, tags and checksum', async () => {
    const put = new PutObjectCommand({
      Bucket,
      Key: 'a/b c+ü.json',
      Body: '{"a":1}',
      ContentType: 'application/json',
      Metadata: { Batch: '7' },
      Tagging: 'kind=work',
    });
    const { ETag } = await s3.send(put);
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'a/b c+ü.json' }));
    expect(await got.Body?.transformToString()).toBe('{"a":1}');
    expect(got).toMatchObject({ ContentType: 'application/json', Metadata: { batch: '7' }, ContentLength: 7, ETag });
    expect(ETag).toBe(`"${createHash('md5').update('{"a":1}').digest('hex')}"`);
    expect(got.ChecksumCRC32).toBeDefined();
    const { TagSet } = await s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'a/b c+ü.json' }));
    expect(TagSet).toEqual([{ Key: 'kind', Value: 'work' }]);
  });

  test('keeps a key with dots and slashes as it is', async () => {
    for (const Key of ['x/../y', './z', '//double', 'trailing/', ' blanks ']) {
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
      expect(await text(Key)).toBe(Key);
    }
  });

  test('can be read in parts', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'range', Body: '0123456789' }));
    expect(await text('range', { Range: 'bytes=2-4' })).toBe('234');
    expect(await text('range', { Range: 'bytes=7-' })).toBe('789');
    expect(await text('range', { Range: 'bytes=-2' })).toBe('89');
    expect(await text('range', { Range: 'bytes=8-99' })).toBe('89');
    const part = await s3.send(new GetObjectCommand({ Bucket, Key: 'range', Range: 'bytes=2-4' }));
    expect(part.ContentRange).toBe('bytes 2-4/10');
    await expect(text('range', { Range: 'bytes=10-' })).rejects.toMatchObject({ name: 'InvalidRange' });
  });

  test('streams with a trailing checksum arrive decoded', async () => {
    const Body = randomBytes(1_000_003);
    const stream = Readable.from([Body.subarray(0, 10), Body.subarray(10, 700_000), Body.subarray(700_000)]);
    await s3.send(new PutObjectCommand({ Bucket, Key: 'stream', Body: stream, ContentLength: Body.length }));
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'stream' }));
    expect(got.ContentEncoding).toBeUndefined();
    expect(got.ChecksumCRC32).toBeDefined();
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(Body)).toBe(true);
  });

  test('a wrong checksum is refused, whatever the algorithm, and nothing is kept', async () => {
    const wrong = { ChecksumCRC32: 'AAAAAA==', ChecksumCRC32C: 'AAAAAA==', ChecksumSHA256: `${'A'.repeat(43)}=` };
    for (const [name, value] of Object.entries(wrong)) {
      const put = s3.send(new PutObjectCommand({ Bucket, Key: 'wrong', Body: 'x', [name]: value }));
      await expect(put).rejects.toMatchObject({ name: 'BadDigest' });
    }
    const md5 = s3.send(
      new PutObjectCommand({ Bucket, Key: 'wrong', Body: 'x', ContentMD5: 'AAAAAAAAAAAAAAAAAAAAAA==' }),
    );
    await expect(md5).rejects.toMatchObject({ name: 'BadDigest' });
    await expect(text('wrong')).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  test('right checksums of all algorithms are taken', async () => {
    for (const ChecksumAlgorithm of ['CRC32', 'CRC32C', 'SHA1', 'SHA256'] as const) {
      await s3.send(new PutObjectCommand({ Bucket, Key: ChecksumAlgorithm, Body: 'some text', ChecksumAlgorithm }));
      expect(await text(ChecksumAlgorithm)).toBe('some text');
    }
    // The check value of CRC-32C (RFC 3720).
    const check = { Bucket, Key: 'check', Body: '123456789', ChecksumCRC32C: '4waSgw==' };
    await s3.send(new PutObjectCommand(check));
  });

  test('is written only under its conditions', async () => {
    const first = await s3.send(new PutObjectCommand({ Bucket, Key: 'once', Body: '1', IfNoneMatch: '*' }));
    const again = s3.send(new PutObjectCommand({ Bucket, Key: 'once', Body: '2', IfNoneMatch: '*' }));
    await expect(again).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await s3.send(new PutObjectCommand({ Bucket, Key: 'once', Body: '3', IfMatch: first.ETag }));
    const stale = s3.send(new PutObjectCommand({ Bucket, Key: 'once', Body: '4', IfMatch: first.ETag }));
    await expect(stale).rejects.toMatchObject({ name: 'PreconditionFailed' });
    const missing = s3.send(new PutObjectCommand({ Bucket, Key: 'nothing', Body: '5', IfMatch: first.ETag }));
    await expect(missing).rejects.toMatchObject({ name: 'NoSuchKey' });
    expect(await text('once')).toBe('3');
  });

  test('of two conditional writes at once one wins', async () => {
    const puts = ['a', 'b', 'c', 'd'].map((Body) =>
      s3.send(new PutObjectCommand({ Bucket, Key: 'race', Body, IfNoneMatch: '*' })).then(
        () => Body,
        () => undefined,
      ),
    );
    const winners = (await Promise.all(puts)).filter((body) => body !== undefined);
    expect(winners).toHaveLength(1);
    expect(await text('race')).toBe(winners[0]);
  });

  test('is not sent again to who has it', async () => {
    const { ETag } = await s3.send(new PutObjectCommand({ Bucket, Key: 'known', Body: 'x' }));
    await expect(text('known', { IfNoneMatch: ETag })).rejects.toMatchObject({ $metadata: { httpStatusCode: 304 } });
    await expect(text('known', { IfMatch: '"other"' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    expect(await text('known', { IfMatch: ETag })).toBe('x');
  });

  test('that is missing, and a bucket that is missing, are different errors', async () => {
    await expect(text('missing')).rejects.toMatchObject({ name: 'NoSuchKey' });
    const head = s3.send(new HeadObjectCommand({ Bucket, Key: 'missing' }));
    await expect(head).rejects.toMatchObject({ name: 'NotFound', $metadata: { httpStatusCode: 404 } });
    const put = s3.send(new PutObjectCommand({ Bucket: 'no-bucket', Key: 'k', Body: 'x'.repeat(100_000) }));
    await expect(put).rejects.toMatchObject({ name: 'NoSuchBucket' });
    await expect(s3.send(new HeadBucketCommand({ Bucket: 'no-bucket' }))).rejects.toMatchObject({ name: 'NotFound' });
  });

  test('is replaced while a client reads the old one to its end', async () => {
    const old = randomBytes(3_000_000);
    await s3.send(new PutObjectCommand({ Bucket, Key: 'replaced', Body: old }));
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: 'replaced' }));
    await s3.send(new PutObjectCommand({ Bucket, Key: 'replaced', Body: 'new' }));
    const read = Buffer.from((await Body?.transformToByteArray()) ?? []);
    expect(read.equals(old)).toBe(true);
    expect(await text('replaced')).toBe('new');
  });

  test('is copied with or without its metadata', async () => {
    const source = { Bucket, Key: 'from here', Body: 'body', Metadata: { a: '1' }, Tagging: 'x=1' };
    await s3.send(new PutObjectCommand(source));
    const CopySource = `${Bucket}/${encodeURIComponent('from here')}`;
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource }));
    const replace = { Metadata: { b: '2' }, MetadataDirective: 'REPLACE' } as const;
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy2', CopySource, ...replace }));
    expect(await text('copy')).toBe('body');
    expect((await s3.send(new HeadObjectCommand({ Bucket, Key: 'copy' }))).Metadata).toEqual({ a: '1' });
    expect((await s3.send(new HeadObjectCommand({ Bucket, Key: 'copy2' }))).Metadata).toEqual({ b: '2' });
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'from here' }));
    expect(await text('copy')).toBe('body');
    const itself = s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/copy` }));
    await expect(itself).rejects.toMatchObject({ name: 'InvalidRequest' });
  });

  test('can be read by an address that carries a signature of either kind', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'shared', Body: 'for you' }));
    const scope = encodeURIComponent('key/20261123/eu-west-1/s3/aws4_request');
    const signatures = [
      `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${scope}&X-Amz-Expires=60&X-Amz-Signature=0&x-id=GetObject`,
      'AWSAccessKeyId=key&Expires=1795420000&Signature=0',
    ];
    for (const signature of signatures) {
      const answer = await fetch(`${running.client.endpoint}/${Bucket}/shared?${signature}`);
      expect(await answer.text()).toBe('for you');
    }
  });

  test('tags can be replaced', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'tagged', Body: 'x' }));
    const TagSet = [{ Key: 'a', Value: '1 & 2' }];
    await s3.send(new PutObjectTaggingCommand({ Bucket, Key: 'tagged', Tagging: { TagSet } }));
    expect((await s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'tagged' }))).TagSet).toEqual(TagSet);
  });
});

describe('a listing', () => {
  beforeAll(async () => {
    await s3.send(new CreateBucketCommand({ Bucket: 'listed' }));
    const keys = ['a/1', 'a/2', 'b/1', 'b/2/3', 'c', 'c&d', 'ü', 'Z', ' e f'];
    for (const Key of keys) await s3.send(new PutObjectCommand({ Bucket: 'listed', Key, Body: Key }));
  });

  test('is in the order of bytes', async () => {
    const { Contents, KeyCount } = await s3.send(new ListObjectsV2Command({ Bucket: 'listed' }));
    expect(Contents?.map((object) => object.Key)).toEqual([' e f', 'Z', 'a/1', 'a/2', 'b/1', 'b/2/3', 'c', 'c&d', 'ü']);
    expect(KeyCount).toBe(9);
  });

  test('rolls up what shares a prefix', async () => {
    const { Contents, CommonPrefixes } = await s3.send(new ListObjectsV2Command({ Bucket: 'listed', Delimiter: '/' }));
    expect(Contents?.map((object) => object.Key)).toEqual([' e f', 'Z', 'c', 'c&d', 'ü']);
    expect(CommonPrefixes?.map((common) => common.Prefix)).toEqual(['a/', 'b/']);
    const inB = await s3.send(new ListObjectsV2Command({ Bucket: 'listed', Delimiter: '/', Prefix: 'b/' }));
    expect(inB.Contents?.map((object) => object.Key)).toEqual(['b/1']);
    expect(inB.CommonPrefixes?.map((common) => common.Prefix)).toEqual(['b/2/']);
  });

  test.each([1, 2, 3, 6, 7])('page by page of %i is the whole one', async (pageSize) => {
    const found: (string | undefined)[] = [];
    const pages = paginateListObjectsV2({ client: s3, pageSize }, { Bucket: 'listed', Delimiter: '/' });
    for await (const page of pages) {
      expect(page.KeyCount).toBeLessThanOrEqual(pageSize);
      found.push(...(page.Contents ?? []).map((object) => object.Key));
      found.push(...(page.CommonPrefixes ?? []).map((common) => common.Prefix));
    }
    expect(found.sort()).toEqual([' e f', 'Z', 'a/', 'b/', 'c', 'c&d', 'ü'].sort());
  });

  test('starts after a key, and can be url-encoded', async () => {
    const after = { Bucket: 'listed', StartAfter: 'b/2/3', EncodingType: 'url' } as const;
    const { Contents } = await s3.send(new ListObjectsV2Command(after));
    expect(Contents?.map((object) => decodeURIComponent(object.Key ?? ''))).toEqual(['c', 'c&d', 'ü']);
  });

  test('loses the deleted ones', async () => {
    await s3.send(new CreateBucketCommand({ Bucket: 'emptied' }));
    for (const Key of ['a', 'b&c', 'd']) await s3.send(new PutObjectCommand({ Bucket: 'emptied', Key, Body: 'x' }));
    const Objects = [{ Key: 'a' }, { Key: 'b&c' }, { Key: 'never there' }];
    const { Deleted } = await s3.send(new DeleteObjectsCommand({ Bucket: 'emptied', Delete: { Objects } }));
    expect(Deleted?.map((deleted) => deleted.Key)).toEqual(['a', 'b&c', 'never there']);
    const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: 'emptied' }));
    expect(Contents?.map((object) => object.Key)).toEqual(['d']);
  });
});

describe('an upload in parts', () => {
  test('becomes one object', async () => {
    const Body = randomBytes(12 * 1024 * 1024 + 17);
    const upload = new Upload({ client: s3, params: { Bucket, Key: 'large', Body }, partSize: 5 * 1024 * 1024 });
    const { ETag } = await upload.done();
    expect(ETag).toMatch(/^"[0-9a-f]{32}-3"$/);
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'large' }));
    expect(got.ContentLength).toBe(Body.length);
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(Body)).toBe(true);
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'large copy', CopySource: `${Bucket}/large` }));
    const copied = await s3.send(new HeadObjectCommand({ Bucket, Key: 'large copy' }));
    expect(copied.ETag).toBe(`"${createHash('md5').update(Body).digest('hex')}"`);
  });
});

describe('events', () => {
  const eventBridge = { EventBridgeConfiguration: {} };

  test('report what is made and deleted, once a bucket has them on', async () => {
    const own = 'with-events';
    await s3.send(new CreateBucketCommand({ Bucket: own }));
    await s3.send(new PutObjectCommand({ Bucket: own, Key: 'before', Body: 'x' }));
    const configuration = { Bucket: own, NotificationConfiguration: eventBridge };
    await s3.send(new PutBucketNotificationConfigurationCommand(configuration));
    const { EventBridgeConfiguration } = await s3.send(new GetBucketNotificationConfigurationCommand({ Bucket: own }));
    expect(EventBridgeConfiguration).toBeDefined();
    await s3.send(new PutObjectCommand({ Bucket: own, Key: 'a key ü', Body: '12345' }));
    await s3.send(new CopyObjectCommand({ Bucket: own, Key: 'copy', CopySource: `${own}/before` }));
    const upload = new Upload({
      client: s3,
      params: { Bucket: own, Key: 'parts', Body: Buffer.alloc(6 * 1024 * 1024) },
    });
    await upload.done();
    await s3.send(new DeleteObjectCommand({ Bucket: own, Key: 'copy' }));
    await s3.send(new DeleteObjectCommand({ Bucket: own, Key: 'never there' }));
    await vi.waitFor(() => expect(running.events).toHaveLength(4));
    const [put, copied, joined, deleted] = running.events;
    expect(put).toEqual({
      'detail-type': 'Object Created',
      source: 'aws.s3',
      resources: ['arn:aws:s3:::with-events'],
      detail: {
        version: '0',
        bucket: { name: own },
        object: {
          key: 'a key ü',
          size: 5,
          etag: createHash('md5').update('12345').digest('hex'),
          sequencer: expect.stringMatching(/^[0-9A-F]{18}$/),
        },
        'request-id': expect.any(String),
        requester: '000000000000',
        'source-ip-address': '127.0.0.1',
        reason: 'PutObject',
      },
    });
    expect(copied).toMatchObject({ detail: { reason: 'CopyObject', object: { key: 'copy', size: 1 } } });
    expect(joined).toMatchObject({ detail: { reason: 'CompleteMultipartUpload', object: { size: 6 * 1024 * 1024 } } });
    expect(deleted).toMatchObject({ 'detail-type': 'Object Deleted', detail: { object: { key: 'copy' } } });
    const sequencers = running.events.map(
      (event) => (event.detail as { object: { sequencer: string } }).object.sequencer,
    );
    expect([...sequencers].sort()).toEqual(sequencers);
  });

  test('that the bus has not taken are delivered after a restart, as are the objects', async () => {
    let isDown = true;
    await using first = await startTestAws({
      publish: () => {
        if (isDown) throw new Error('the bus is down');
      },
    });
    await first.aws.call('s3', 'CreateBucket', { Bucket, eventBridge: true });
    await first.aws.call('s3', 'PutObject', { Bucket, Key: 'kept', Body: 'here' });
    await vi.waitFor(() => expect(first.journal.some((entry) => entry.kind === 'fault')).toBe(true));
    isDown = false;
    await using second = await first.restart();
    await vi.waitFor(() => expect(second.events).toMatchObject([{ detail: { object: { key: 'kept' } } }]));
    const { Body } = await second.aws.call<{ Body: Buffer }>('s3', 'GetObject', { Bucket, Key: 'kept' });
    expect(Body.toString()).toBe('here');
  });
});

describe('in process', () => {
  test('the same objects are read, copied, listed and deleted', async () => {
    const call = running.aws.call;
    await call('s3', 'PutObject', { Bucket, Key: 'in/one', Body: Buffer.from('1'), ContentType: 'text/csv' });
    await call('s3', 'CopyObject', { Bucket, Key: 'in/two', CopySource: `${Bucket}/in/one` });
    const got = await call<{ Body: Buffer; ContentType: string }>('s3', 'GetObject', { Bucket, Key: 'in/two' });
    expect([got.Body.toString(), got.ContentType]).toEqual(['1', 'text/csv']);
    expect(await text('in/one')).toBe('1');
    await call('s3', 'DeleteObject', { Bucket, Key: 'in/one' });
    const listing = await call<{ Contents: { Key: string }[] }>('s3', 'ListObjectsV2', { Bucket, Prefix: 'in/' });
    expect(listing.Contents.map((object) => object.Key)).toEqual(['in/two']);
    await expect(call('s3', 'HeadObject', { Bucket, Key: 'in/one' })).rejects.toMatchObject({ code: 'NoSuchKey' });
  });
});

describe('what is not offered', () => {
  test('is refused by name and journalled', async () => {
    const address = `${running.client.endpoint}/${Bucket}?lifecycle`;
    const status = await new Promise((resolve, reject) => {
      httpRequest(address, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(501);
    const fault = running.journal.find((entry) => entry.kind === 'fault' && entry.subject === 's3');
    expect(fault?.text).toContain('lifecycle');
  });
});
