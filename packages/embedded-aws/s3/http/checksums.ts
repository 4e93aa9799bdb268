import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { s3Error } from '../errors.ts';

export const CHECKSUM_ALGORITHMS = ['CRC32', 'CRC32C', 'SHA1', 'SHA256'] as const;
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];

/** A checksum as S3 keeps it: base64, and whether it covers the content or the checksums of the parts. */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly value: string;
  readonly type: 'FULL_OBJECT' | 'COMPOSITE';
}

/**
 * The algorithm of a name as in headers and inputs, in any case.
 * @throws AwsError `NotImplemented`; CRC64NVME, the default of some native clients, is among what is not offered
 */
export function checksumAlgorithm(name: string): ChecksumAlgorithm {
  const found = CHECKSUM_ALGORITHMS.find((algorithm) => algorithm === name.toUpperCase());
  if (found === undefined) {
    const message = `the checksum algorithm ${name} is not offered here; take one of ${CHECKSUM_ALGORITHMS.join(', ')}`;
    throw s3Error('NotImplemented', message);
  }
  return found;
}

/** A digest that is fed piece by piece. */
export interface RunningDigest {
  update(bytes: Uint8Array): void;
  digest(): Buffer;
}

export function checksumDigest(algorithm: ChecksumAlgorithm): RunningDigest {
  switch (algorithm) {
    case 'CRC32':
      return cyclicDigest((bytes, value) => crc32(bytes, value));
    case 'CRC32C':
      return cyclicDigest(crc32c);
    case 'SHA1':
    case 'SHA256':
      return createHash(algorithm.toLowerCase());
    default:
      throw algorithm satisfies never;
  }
}

function cyclicDigest(step: (bytes: Uint8Array, value: number) => number): RunningDigest {
  let value = 0;
  return {
    update(bytes) {
      value = step(bytes, value);
    },
    digest() {
      const result = Buffer.alloc(4);
      result.writeUInt32BE(value >>> 0);
      return result;
    },
  };
}

/** Castagnoli's polynomial, reflected (RFC 3720, appendix B.4). */
const CRC32C_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});

function crc32c(bytes: Uint8Array, start: number): number {
  let value = ~start;
  for (const byte of bytes) value = (CRC32C_TABLE[(value ^ byte) & 0xff] ?? 0) ^ (value >>> 8);
  return ~value >>> 0;
}
