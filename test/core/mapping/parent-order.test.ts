import { expect, test } from 'vitest';
import { mappingOf } from '../../../core/mapping/configuration.ts';
import { inParentOrder } from '../../../core/mapping/parent-order.ts';
import configuration from '../../../examples/lender/sync.config.ts';

const look = (id: string, AccountId: string | null) => ({ id, version: { fields: { AccountId } } });
const record = (id: string) => ({ id });

test('records of one parent go beside each other, and otherwise stay in their order', () => {
  const looks = [look('a', 'Q'), look('b', null), look('c', 'P'), look('d', 'Q'), look('e', 'P')];
  const records = ['a', 'b', 'c', 'd', 'e', 'unseen'].map(record);
  const ordered = inParentOrder(mappingOf(configuration, 'Contact'), looks, records);
  expect(ordered.map(({ id }) => id)).toEqual(['b', 'unseen', 'c', 'e', 'a', 'd']);
});

test('an object without lookups keeps its order', () => {
  const records = ['b', 'a'].map(record);
  expect(inParentOrder(mappingOf(configuration, 'Account'), [], records)).toEqual(records);
});
