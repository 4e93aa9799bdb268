import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isId18, toId18 } from '../../../core/mapping/salesforce-id.ts';

test.for([
  ['a01M00000062mPg', 'IAI'],
  ['001M000000qfPyS', 'IAU'],
  ['a0FE000000D6r3F', 'MAR'],
  ['0F9E000000092w2', 'KAA'],
  ['001D000000IqhSL', 'IAZ'],
  ['AbCdEfGhIjKlMnO', 'VKV'],
  ['aBcDEfgHIJKLMNO', '025'],
])('%s ends in %s', ([id, suffix]) => {
  expect(toId18(id as string)).toBe(`${id}${suffix}`);
});

test('an id of 18 characters stays; anything else is none', () => {
  expect(toId18('001D000000IqhSLIAZ')).toBe('001D000000IqhSLIAZ');
  for (const text of ['', '001', '001D000000IqhSLI', '001D000000IqhS!', '001D000000IqhSLiaz', ' 001D000000IqhSL'])
    expect(toId18(text)).toBeUndefined();
});

test('what stands for an id of 18 characters has the suffix that its letters ask for', () => {
  expect(isId18('001D000000IqhSLIAZ')).toBe(true);
  for (const text of ['001D000000IqhSLIAA', '001D000000IqhSL', 'xxxxxxxxxxxxxxxxxx', ''])
    expect(isId18(text)).toBe(false);
});

test('ids that differ only in letter case differ without regard to case, too, once they have 18 characters', () => {
  const id = fc.stringMatching(/^[0-9A-Za-z]{15}$/);
  fc.assert(
    fc.property(id, fc.nat(14), (one, at) => {
      const letter = one.charAt(at);
      const swapped = letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();
      const other = one.slice(0, at) + swapped + one.slice(at + 1);
      fc.pre(one !== other);
      expect(toId18(one)?.toLowerCase()).not.toBe(toId18(other)?.toLowerCase());
    }),
  );
});
