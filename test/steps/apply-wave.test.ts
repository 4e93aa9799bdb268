import { expect, test } from 'vitest';
import type { Item } from '../../steps/apply-set.ts';
import { waves } from '../../steps/apply-wave.ts';
import { version } from '../support/postgres/lender-database.ts';

const item = (n: number, second = 1): Item => ({
  version: version('Account', `00100000000000${n}AAA`, second),
  line: undefined,
  revision: undefined,
});

test('a file is worked off in the order of the ids, so that of two executions none waits for the other in a circle', () => {
  const [one, two, three] = [item(1), item(2), item(3)];
  expect(waves([three, one, two])).toEqual([[one, two, three]]);
  expect(waves([])).toEqual([]);
});

test('a record that occurs several times does so in the order of the file, once in each set', () => {
  const [first, then, last] = [item(2, 5), item(2, 3), item(2, 4)];
  expect(waves([first, item(3), then, item(1), last])).toEqual([[item(1), first, item(3)], [then], [last]]);
});
