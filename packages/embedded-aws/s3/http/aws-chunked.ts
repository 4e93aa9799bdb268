import { s3Error } from '../errors.ts';

/** A body in `aws-chunked` coding, decoded. `trailers` is complete once the chunks have been read. */
export interface ChunkedBody {
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly trailers: ReadonlyMap<string, string>;
}

/** Longer header or trailer lines than this are not made by any client. */
const MAX_LINE_BYTES = 16_384;

/**
 * Decodes `aws-chunked` (S3 developer guide, "Signature calculations: transferring payload in multiple chunks"): each chunk
 * is its length in hex, extensions such as a signature, CRLF, the bytes, CRLF; after the chunk of length 0 come
 * trailers and an empty line. Signatures are not verified.
 * @param decodedLength `x-amz-decoded-content-length`: what must have come when the body ends
 */
export function decodeAwsChunked(source: AsyncIterable<Uint8Array>, decodedLength: number | undefined): ChunkedBody {
  const trailers = new Map<string, string>();
  return { chunks: decode(new ByteReader(source), trailers, decodedLength), trailers };
}

async function* decode(
  reader: ByteReader,
  trailers: Map<string, string>,
  decodedLength: number | undefined,
): AsyncGenerator<Uint8Array> {
  let decoded = 0;
  for (;;) {
    const size = (await reader.line()).split(';')[0] ?? '';
    if (!/^[0-9a-fA-F]+$/.test(size))
      throw incomplete(`a chunk begins with "${size.slice(0, 40)}" instead of its length`);
    const length = Number.parseInt(size, 16);
    if (length === 0) break;
    for await (const piece of reader.bytes(length)) {
      decoded += piece.length;
      yield piece;
    }
    if ((await reader.line()) !== '') throw incomplete('a chunk is longer than its length says');
  }
  for (let line = await reader.line(); line !== ''; line = await reader.line()) {
    const colon = line.indexOf(':');
    trailers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  if (decodedLength !== undefined && decoded !== decodedLength) {
    throw incomplete(`${decoded} bytes came, x-amz-decoded-content-length says ${decodedLength}`);
  }
}

function incomplete(reason: string): Error {
  return s3Error('IncompleteBody', `The request body is not what its headers say: ${reason}.`);
}

/** Lines and stretches of bytes out of a stream that is cut anywhere. */
class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = Buffer.alloc(0);
  #ended = false;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async #more(): Promise<boolean> {
    const next = await this.#source.next();
    if (next.done === true) {
      this.#ended = true;
      return false;
    }
    this.#rest = this.#rest.length === 0 ? next.value : Buffer.concat([this.#rest, next.value]);
    return true;
  }

  /** Up to the next CRLF, without it. The end of the stream ends a line, too: some clients leave out the last CRLF. */
  async line(): Promise<string> {
    for (;;) {
      const end = Buffer.from(this.#rest.buffer, this.#rest.byteOffset, this.#rest.length).indexOf('\r\n');
      if (end >= 0) {
        const line = Buffer.from(this.#rest.subarray(0, end)).toString('latin1');
        this.#rest = this.#rest.subarray(end + 2);
        return line;
      }
      if (this.#rest.length > MAX_LINE_BYTES) throw incomplete('a chunk header has no end');
      if (this.#ended || !(await this.#more())) {
        const line = Buffer.from(this.#rest).toString('latin1');
        this.#rest = Buffer.alloc(0);
        return line;
      }
    }
  }

  async *bytes(count: number): AsyncGenerator<Uint8Array> {
    let missing = count;
    while (missing > 0) {
      if (this.#rest.length === 0 && !(await this.#more())) throw incomplete('it ends inside a chunk');
      const piece = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(piece.length);
      missing -= piece.length;
      if (piece.length > 0) yield piece;
    }
  }
}
