import fc from 'fast-check';
import { expect, test } from 'vitest';
import { alikeKey } from '../../../core/mapping/external-id.ts';
import { keyParts, keyText } from '../../../core/mapping/row-key.ts';

const part = fc.oneof(
  fc.string({ unit: fc.constantFrom('~', '/', '0', '1', 'a', 'A', ' ', 'ä') }),
  fc.string({ unit: 'binary' }),
  fc.uuid(),
  fc.bigInt().map(String),
);
const several = fc.array(part, { minLength: 2, maxLength: 4 });

test('a key of one column is its text as it stands', () => {
  fc.assert(
    fc.property(part, (text) => {
      expect(keyText([text])).toBe(text);
      expect(keyParts(text, 1)).toEqual([text]);
    }),
  );
});

test('a key of several columns is read as it was written', () => {
  fc.assert(
    fc.property(several, (parts) => {
      expect(keyParts(keyText(parts), parts.length)).toEqual(parts);
    }),
  );
});

test('a text that is read as a key is the text of that key', () => {
  const text = fc.string({ unit: fc.constantFrom('~', '/', '0', '1', 'a') });
  fc.assert(
    fc.property(text, fc.integer({ min: 2, max: 3 }), (key, columns) => {
      const parts = keyParts(key, columns);
      if (parts !== undefined) expect(keyText(parts)).toBe(key);
    }),
  );
});

test('no two keys have the same text, also where an external id does not tell upper and lower case apart', () => {
  fc.assert(
    fc.property(several, several, (one, other) => {
      if (one.length !== other.length) return;
      const [a, b] = [one, other].map((parts) => parts.map((text) => text.toLowerCase()));
      const isSame = a?.every((text, i) => text === b?.[i]) === true;
      expect(keyText(one).toLowerCase() === keyText(other).toLowerCase()).toBe(isSame);
    }),
  );
});

test('the order of the columns counts', () => {
  expect(keyText(['7', '12'])).toBe('7/12');
  expect(keyText(['12', '7'])).toBe('12/7');
  expect(keyText(['a/b', '~c', ''])).toBe('a~1b/~0c/');
  expect(alikeKey(keyText(['a/b', 'c']))).not.toBe(alikeKey(keyText(['a', 'b/c'])));
});

test.each([
  ['7', 2],
  ['7/12/3', 2],
  ['7/~2', 2],
  ['7/~', 2],
])('%j is no key of %i columns', (key, columns) => {
  expect(keyParts(key, columns)).toBeUndefined();
});
