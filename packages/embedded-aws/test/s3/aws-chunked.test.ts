import { describe, expect, test } from 'vitest';
import { decodeAwsChunked } from '../../s3/http/aws-chunked.ts';

const SIGNED = 'chunk-signature=0123';
const WHOLE = `5;${SIGNED}\r\nhello\r\n8;${SIGNED}\r\n\r\nworld\n\r\n0;${SIGNED}\r\nx-amz-checksum-crc32:AAAA\r\nX-Other: b: c\r\n\r\n`;
const DECODED = 'hello\r\nworld\n';

async function* cut(text: string, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < text.length; start += size) yield Buffer.from(text.slice(start, start + size), 'latin1');
}

async function decode(text: string, size: number, length?: number) {
  const { chunks, trailers } = decodeAwsChunked(cut(text, size), length);
  const decoded: Uint8Array[] = [];
  for await (const chunk of chunks) decoded.push(chunk);
  return { text: Buffer.concat(decoded).toString('latin1'), trailers: Object.fromEntries(trailers) };
}

describe('aws-chunked', () => {
  test('comes out the same wherever the stream is cut', async () => {
    for (let size = 1; size <= WHOLE.length; size++) {
      const { text, trailers } = await decode(WHOLE, size, DECODED.length);
      expect(text).toBe(DECODED);
      expect(trailers).toEqual({ 'x-amz-checksum-crc32': 'AAAA', 'x-other': 'b: c' });
    }
  });

  test('may end without its last line break', async () => {
    expect(await decode('3\r\nabc\r\n0\r\n', 4)).toEqual({ text: 'abc', trailers: {} });
    expect(await decode('0\r\n\r\n', 2)).toEqual({ text: '', trailers: {} });
  });

  test.each([
    ['no length', 'xyz\r\nabc\r\n0\r\n\r\n'],
    ['an end inside a chunk', 'a\r\nabc'],
    ['a chunk longer than it says', '2\r\nabc\r\n0\r\n\r\n'],
    ['a header without an end', 'f'.repeat(20_000)],
    ['fewer bytes than announced', '2\r\nab\r\n0\r\n\r\n'],
  ])('with %s is refused', async (_, text) => {
    await expect(decode(text, 7, 3)).rejects.toMatchObject({ code: 'IncompleteBody' });
  });
});
