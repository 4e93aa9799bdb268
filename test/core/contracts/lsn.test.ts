import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatLsn, lsnText, parseLsn } from '../../../core/contracts/lsn.ts';

const lsn = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });

test('text and number go back and forth', () => {
  expect(parseLsn('16/B374D848')).toBe(0x16b374d848n);
  expect(formatLsn(0x16b374d848n)).toBe('16/B374D848');
  expect(parseLsn('00000016/b374d848')).toBe(0x16b374d848n);
  expect(formatLsn(0n)).toBe('0/0');
  fc.assert(
    fc.property(lsn, (position) => {
      const text = formatLsn(position);
      expect(parseLsn(text)).toBe(position);
      expect(lsnText.safeParse(text).success).toBe(true);
    }),
  );
});

test('the order of numbers is the order of positions, which that of texts is not', () => {
  expect(parseLsn('2/0') < parseLsn('10/0')).toBe(true);
  expect(parseLsn('1/FFFFFFFF') < parseLsn('2/0')).toBe(true);
});

test.for(['', '16', '16/', '/1', '16/G', '123456789/0', '1/2/3', '-1/0', ' 1/0'])('%j is no position', (text) => {
  expect(() => parseLsn(text)).toThrow(RangeError);
});
