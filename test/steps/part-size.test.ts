/** How many records go into one transaction: as many as hold their rows for a tenth of a second. */
import { describe, expect, test } from 'vitest';
import { PartSize } from '../../steps/part-size.ts';

/** Parts of a run in which the round trips take so long, and each record. Answers how many records they had, the next one last. */
function partsOf(parts: number, fixedMs: number, eachMs: number): number[] {
  const size = new PartSize();
  const found = [size.records];
  for (let i = 0; i < parts; i++) {
    size.took(size.records, fixedMs + eachMs * size.records);
    found.push(size.records);
  }
  return found;
}

test('the first part has five hundred records', () => {
  expect(new PartSize().records).toBe(500);
});

describe('parts come to a tenth of a second', () => {
  test.for([
    ['a quick server', 10, 0.1, 900],
    ['a slow one', 10, 1, 90],
    ['a slow network', 45, 0.5, 110],
  ] as const)('on %s', ([, fixed, each, records]) => {
    expect(partsOf(12, fixed, each).at(-1)).toBe(records);
  });

  test('and are not made ever smaller where the round trips alone take longer', () => {
    // Half of the time is given to the records all the same.
    expect(partsOf(20, 200, 0.5).at(-1)).toBe(100);
  });

  test('also where all parts have had one size: the round trips are taken for twenty milliseconds', () => {
    const size = new PartSize();
    size.took(500, 180);
    // (180 - 20) / 500 for each, and 80 ms for them.
    expect(size.records).toBe(250);
  });

  test('where time goes down with the number of records, nothing is known of one: parts grow', () => {
    const size = new PartSize();
    size.took(500, 120);
    const before = size.records;
    size.took(before * 2, 40);
    expect(size.records).toBe(before * 4);
  });
});

test('a part is at most twice as large as the one before, and at least a quarter of it', () => {
  expect(partsOf(3, 1, 0.001)).toEqual([500, 1000, 2000, 4000]);
  expect(partsOf(2, 0, 10)).toEqual([500, 125, 31]);
});

test('no part has more than four thousand records, nor less than one', () => {
  expect(partsOf(8, 1, 0).at(-1)).toBe(4000);
  expect(partsOf(8, 0, 1000).at(-1)).toBe(1);
});

test('a small rest that was quick says nothing of the size, and one that was slow does', () => {
  const size = new PartSize();
  size.took(3, 5);
  expect(size.records).toBe(500);
  size.took(100, 400);
  expect(size.records).toBeLessThan(100);
});

test('the parts that went last count most', () => {
  const size = new PartSize();
  for (let i = 0; i < 10; i++) size.took(size.records, 10 + size.records * 0.1);
  expect(size.records).toBeGreaterThan(800);
  // Now an application works beside it.
  for (let i = 0; i < 10; i++) size.took(size.records, 10 + size.records);
  expect(size.records).toBe(80);
});
