import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nthId, parseId, to18 } from '../records/record-id.ts';

test.each([
  ['a01M00000062mPg', 'IAI'],
  ['001M000000qfPyS', 'IAU'],
  ['a0FE000000D6r3F', 'MAR'],
  ['0F9E000000092w2', 'KAA'],
  ['001D000000IqhSL', 'IAZ'],
  ['AbCdEfGhIjKlMnO', 'VKV'],
  ['aBcDEfgHIJKLMNO', '025'],
])('the suffix of %s is %s', (id, suffix) => {
  expect(to18(id)).toBe(id + suffix);
});

test('15 and 18 characters are read, wrong lengths, characters and suffixes are not', () => {
  expect(parseId('001D000000IqhSL')).toBe('001D000000IqhSLIAZ');
  expect(parseId('001D000000IqhSLIAZ')).toBe('001D000000IqhSLIAZ');
  for (const wrong of [
    '',
    '001D000000IqhS',
    '001D000000IqhSLI',
    '001D000000IqhSLIAA',
    '001d000000iqhsliaz',
    '001D000000Iqh-L',
  ])
    expect([wrong, parseId(wrong)]).toEqual([wrong, undefined]);
});

test('ids rise with their number, and some differ in case only', () => {
  fc.assert(
    fc.property(fc.nat(1e9), fc.nat(1e9), (a, b) => {
      expect(nthId('001', a) < nthId('001', b)).toBe(a < b);
    }),
  );
  expect(nthId('001', 10).slice(0, 15).toLowerCase()).toBe(nthId('001', 36).slice(0, 15).toLowerCase());
});
