import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Hold } from '../../wal-streamer/flush-position.ts';
import { FlushPosition } from '../../wal-streamer/flush-position.ts';

describe('the flush position', () => {
  test('starts at what the slot has confirmed', () => {
    expect(new FlushPosition(70n).safe).toBe(70n);
  });

  test('follows the stream while nothing is held', () => {
    const position = new FlushPosition(0n);
    expect(position.reach(100n)).toBe(true);
    expect(position.reach(100n)).toBe(false);
    expect(position.safe).toBe(100n);
  });

  test('stays in front of a batch that is not accepted', () => {
    const position = new FlushPosition(0n);
    position.reach(100n);
    const hold = position.hold();
    expect(position.reach(200n)).toBe(false);
    expect(position.safe).toBe(100n);
    expect(position.accept(hold)).toBe(true);
    expect(position.safe).toBe(200n);
  });

  test('waits for the older batch, whichever is accepted first', () => {
    const position = new FlushPosition(0n);
    const first = position.hold();
    position.reach(100n);
    const second = position.hold();
    position.reach(200n);
    expect(position.accept(second)).toBe(false);
    expect(position.safe).toBe(0n);
    expect(position.accept(first)).toBe(true);
    expect(position.safe).toBe(200n);
  });

  test('stops behind the transactions of the older batch when only that is accepted', () => {
    const position = new FlushPosition(0n);
    const first = position.hold();
    position.reach(100n);
    position.hold();
    position.reach(200n);
    position.accept(first);
    expect(position.safe).toBe(100n);
  });

  test('does not pass a transaction of which only a part was published', () => {
    const position = new FlushPosition(0n);
    position.reach(100n);
    const part = position.hold();
    expect(position.accept(part)).toBe(false);
    expect(position.safe).toBe(100n);
    position.reach(500n);
    expect(position.safe).toBe(500n);
  });

  test('never goes back', () => {
    const position = new FlushPosition(300n);
    position.reach(200n);
    expect(position.safe).toBe(300n);
  });

  /**
   * Any history of transactions whose changes go into the open batches of three objects, with batches that close and are
   * accepted in any order: a commit is safe exactly when every change up to it is in an accepted batch.
   */
  test('never passes a change that no queue has accepted, and reaches the end when all have', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant('change' as const), object: fc.nat(2) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('commit' as const) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('close' as const), object: fc.nat(2) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('accept' as const), which: fc.nat(5) }) },
    );
    interface Batch {
      readonly hold: Hold;
      readonly changes: number[];
    }
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const position = new FlushPosition(0n);
        const open = new Map<number, Batch>();
        const closed: Batch[] = [];
        const accepted = new Set<number>();
        const commits: { end: bigint; changes: number }[] = [];
        let changes = 0;
        const expected = () =>
          commits.reduce((safe, { end, changes: upTo }) => {
            const all = Array.from({ length: upTo }, (_, n) => accepted.has(n)).every(Boolean);
            return all ? end : safe;
          }, 0n);
        const accept = (batch: Batch) => {
          for (const change of batch.changes) accepted.add(change);
          position.accept(batch.hold);
        };
        for (const current of steps) {
          if (current.do === 'change') {
            const batch = open.get(current.object) ?? { hold: position.hold(), changes: [] };
            open.set(current.object, batch);
            batch.changes.push(changes++);
          } else if (current.do === 'commit') {
            const end = BigInt(commits.length + 1) * 10n;
            commits.push({ end, changes });
            position.reach(end);
          } else if (current.do === 'close') {
            const batch = open.get(current.object);
            if (batch !== undefined) closed.push(batch);
            open.delete(current.object);
          } else {
            const [batch] = closed.splice(current.which % Math.max(closed.length, 1), 1);
            if (batch !== undefined) accept(batch);
          }
          expect(position.safe).toBe(expected());
        }
        for (const batch of [...closed, ...open.values()]) accept(batch);
        expect(position.safe).toBe(commits.at(-1)?.end ?? 0n);
      }),
    );
  });
});
