import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeText } from '../../../steps/files/decode-text.ts';

test('a text in UTF-8 is what it is, whatever its characters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(decodeText(Buffer.from(text, 'utf8'))).toBe(text);
    }),
  );
});

test.for<[string, number[], string]>([
  ['a lone byte', [0x61, 0xff, 0x62], 'a\udcffb'],
  ['a character that is cut off', [0xe2, 0x82, 0x0a, 0xc3, 0xa4], '\udce2\udc82\nä'],
  ['the end of a character', [0xf0, 0x9f, 0x98], '\udcf0\udc9f\udc98'],
  ['a letter of another encoding between two of this one', [0xc3, 0xa4, 0xe4, 0xc3, 0xb6], 'ä\udce4ö'],
  ['half of a surrogate pair, encoded', [0xed, 0xa0, 0x80], '\udced\udca0\udc80'],
  ['a character in more bytes than it takes', [0xc0, 0x80], '\udcc0\udc80'],
])('%s is kept byte by byte, and the rest is read', ([, bytes, text]) => {
  expect(decodeText(Buffer.from(bytes))).toBe(text);
  expect(decodeText(Buffer.from(bytes)).isWellFormed()).toBe(false);
});
