import { describe, expect, test } from 'vitest';
import { afterOneAlike } from '../../../core/agreement/insertion.ts';
import { alikeKey, externalIdFault } from '../../../core/mapping/external-id.ts';

describe('keys that Salesforce may take for one', () => {
  test.for([
    ['kq-7Ab', 'kq-7aB'],
    ['straße', 'STRASSE'],
    ['ｋｑ', 'KQ'],
    ['café', 'CAFE'],
    ['ﬁ', 'FI'],
    ['Σ', 'ς'],
    ['İ', 'i'],
  ])('%j and %j are alike', ([one, other]) => {
    expect(alikeKey(one as string)).toBe(alikeKey(other as string));
  });

  test.for([
    ['k1', 'k2'],
    ['a b', 'ab'],
    ['1', '01'],
    ['1', '1.0'],
  ])('%j and %j are not', ([one, other]) => {
    expect(alikeKey(one as string)).not.toBe(alikeKey(other as string));
  });

  test('of several in a batch the first one goes', () => {
    expect(afterOneAlike(['a', 'B', 'A', 'b', 'c', 'a'])).toEqual(new Set(['A', 'b', 'a']));
  });
});

describe('a key that Salesforce does not hold as it is', () => {
  test.for([
    ['', 'is empty'],
    ['trim1 ', 'has white space at its ends, which Salesforce cuts off'],
    ['\ttrim1', 'has white space at its ends, which Salesforce cuts off'],
    ['a\rb', 'has a control character'],
  ])('%j %s', ([key, fault]) => {
    expect(externalIdFault(key as string)).toBe(fault);
  });

  test.for(['trim1', 'a b', '006000000000001AAA', '01', '\u00a0'])('%j is held', (key) => {
    expect(externalIdFault(key)).toBeUndefined();
  });
});
