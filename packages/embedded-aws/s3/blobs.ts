import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs';
import { constants, copyFile, link, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { s3Error } from './errors.ts';
import { type Checksum, checksumDigest } from './http/checksums.ts';
import type { Payload } from './http/payload.ts';

/** A body on disk, with what was computed while it was written. */
export interface WrittenBlob {
  readonly blob: string;
  readonly size: number;
  readonly md5: Buffer;
  readonly checksum: Checksum | undefined;
}

/** Bytes `start` to `end`, both included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Bodies as files, each under a name of its own and never changed: who reads one goes on reading the same bytes while its
 * object is replaced. The store says which of them count; what it does not know is left over from a crash.
 */
export class Blobs {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
  }

  #path(blob: string): string {
    return join(this.#directory, blob);
  }

  /**
   * Writes a body and checks it against what its sender declared.
   * @throws AwsError `BadDigest`, `InvalidDigest`, `XAmzContentSHA256Mismatch`; nothing is kept then
   */
  async write(payload: Payload): Promise<WrittenBlob> {
    const blob = randomUUID();
    const md5 = createHash('md5');
    const sha256 = payload.expectsSha256 === true ? createHash('sha256') : undefined;
    const running = payload.algorithm === undefined ? undefined : checksumDigest(payload.algorithm);
    let size = 0;
    const file = await open(this.#path(blob), 'wx');
    try {
      for await (const chunk of payload.chunks) {
        md5.update(chunk);
        sha256?.update(chunk);
        running?.update(chunk);
        size += chunk.length;
        await writeAll(file, chunk);
      }
      const checksum =
        payload.algorithm === undefined || running === undefined
          ? undefined
          : ({
              algorithm: payload.algorithm,
              value: running.digest().toString('base64'),
              type: 'FULL_OBJECT',
            } as const);
      const written = { blob, size, md5: md5.digest(), checksum };
      verify(written, sha256?.digest('hex'), payload);
      await file.close();
      return written;
    } catch (error) {
      await file.close();
      await this.remove(blob);
      throw error;
    }
  }

  /** The same bytes under a new name; no copying where the file system has links. */
  async copy(blob: string): Promise<string> {
    const copy = randomUUID();
    try {
      await link(this.#path(blob), this.#path(copy));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EMLINK' && code !== 'ENOSYS') throw error;
      await copyFile(this.#path(blob), this.#path(copy), constants.COPYFILE_FICLONE);
    }
    return copy;
  }

  /** Opens at once, so that removing the blob afterwards does not disturb the reading. */
  read(blob: string, range?: ByteRange): Readable {
    const fd = openSync(this.#path(blob), 'r');
    return createReadStream('', { fd, ...range });
  }

  async *chunks(blobs: readonly string[]): AsyncGenerator<Uint8Array> {
    for (const blob of blobs) yield* this.read(blob) as AsyncIterable<Uint8Array>;
  }

  async remove(blob: string): Promise<void> {
    await rm(this.#path(blob), { force: true });
  }

  /** Removes all but the given ones. */
  keepOnly(known: ReadonlySet<string>): void {
    for (const blob of readdirSync(this.#directory)) if (!known.has(blob)) rmSync(this.#path(blob), { force: true });
  }
}

async function writeAll(file: Awaited<ReturnType<typeof open>>, chunk: Uint8Array): Promise<void> {
  for (let written = 0; written < chunk.length; ) {
    written += (await file.write(chunk, written)).bytesWritten;
  }
}

function verify(written: WrittenBlob, sha256: string | undefined, payload: Payload): void {
  const expected = payload.expected();
  if (expected.md5 !== undefined) {
    if (Buffer.from(expected.md5, 'base64').length !== 16) {
      throw s3Error('InvalidDigest', 'The Content-MD5 you specified was invalid.');
    }
    if (written.md5.toString('base64') !== expected.md5) {
      throw s3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.');
    }
  }
  if (expected.sha256 !== undefined && sha256 !== undefined && expected.sha256 !== sha256) {
    const message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
    throw s3Error('XAmzContentSHA256Mismatch', message);
  }
  if (expected.checksum !== undefined && written.checksum?.value !== expected.checksum) {
    const message = `The ${payload.algorithm} you specified did not match the calculated checksum.`;
    throw s3Error('BadDigest', message);
  }
}
