import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StampIndex } from '../records/stamp-index.ts';

test('finds what a scan of the current stamps finds, whatever the order of writes', () => {
  const stamp = fc.integer({ min: 10, max: 99 }).map(String);
  const write = fc.record({ id: fc.integer({ min: 0, max: 30 }).map(String), stamp });
  fc.assert(
    fc.property(fc.array(write, { minLength: 1200, maxLength: 2500 }), stamp, stamp, (writes, from, to) => {
      const index = new StampIndex();
      const current = new Map<string, string>();
      for (const { id, stamp } of writes) {
        if (current.has(id)) index.remove((other, its) => current.get(other) === its);
        current.set(id, stamp);
        index.add(stamp, id);
      }
      const expected = [...current].filter(([, at]) => at >= from && at <= to).map(([id]) => id);
      const found = index
        .range(from, to)
        .filter((id) => (current.get(id) ?? '') >= from && (current.get(id) ?? '') <= to);
      expect(found.sort()).toEqual(expected.sort());
    }),
    { numRuns: 15 },
  );
});
