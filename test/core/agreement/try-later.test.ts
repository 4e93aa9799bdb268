import { expect, test } from 'vitest';
import { passBy, tryLater } from '../../../core/agreement/unmerged.ts';
import { link } from './thing.ts';

test('a record whose value another row has is read again, later each time, and keeps what it was set aside with', () => {
  let tried = link({ highWater: 1000 });
  const pauses: number[] = [];
  for (let n = 0; n < 11; n++) {
    const now = n * 1_000_000;
    // What is due for nothing counts no tries: setting it aside forgets them.
    tried = tryLater(tried, { ...passBy(tried, 2000), dirty: false, rereadDue: false, retries: 0 }, now);
    pauses.push((tried.dueAfter ?? 0) - now);
  }
  expect(pauses).toEqual([1000, 2000, 4000, 8000, 16000, 32000, 64000, 128000, 256000, 300000, 300000]);
  expect(tried).toMatchObject({ rereadDue: true, highWater: 2000, dirty: false });
});
