import type { ChecksumAlgorithm } from './checksums.ts';

/** What the sender says of a body; known in part only after its last byte, when a trailer has come. */
export interface ExpectedDigests {
  /** Content-MD5, base64. */
  readonly md5?: string | undefined;
  /** The payload hash of the signature, hex. */
  readonly sha256?: string | undefined;
  /** Base64, in the payload's algorithm. */
  readonly checksum?: string | undefined;
}

/** A body on its way in. */
export interface Payload {
  readonly chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** The checksum to compute: what the sender sends, or asks for. */
  readonly algorithm: ChecksumAlgorithm | undefined;
  /** Whether the signature holds a hash of the payload that can be checked. */
  readonly expectsSha256?: boolean;
  /** To be asked once the chunks have been read. */
  readonly expected: () => ExpectedDigests;
}

/** What callers in process may give as a body. */
export type Body = string | Uint8Array | AsyncIterable<Uint8Array> | undefined;

export function payloadOf(body: Body, algorithm?: ChecksumAlgorithm, expected: ExpectedDigests = {}): Payload {
  return { chunks: chunksOf(body), algorithm, expected: () => expected };
}

function chunksOf(body: Body): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  if (body === undefined) return [];
  if (typeof body === 'string') return [Buffer.from(body, 'utf8')];
  return body instanceof Uint8Array ? [body] : body;
}
