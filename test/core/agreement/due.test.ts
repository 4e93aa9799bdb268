import { expect, test } from 'vitest';
import { NOT_PUT_OFF, putOff } from '../../../core/agreement/due.ts';
import { takenUpInsertion } from '../../../core/agreement/insertion.ts';
import { newLink } from '../../../core/agreement/link.ts';
import { takenUp } from '../../../core/agreement/outbound.ts';

const link = { ...newLink('001000000000001AAA', 'key'), dirty: true };

test('what is put off waits, each time twice as long, five minutes at most', () => {
  const once = putOff(link, 10_000);
  expect(once).toEqual({ ...link, dueAfter: 11_000, retries: 1 });
  expect(putOff(once, 20_000)).toEqual({ ...link, dueAfter: 22_000, retries: 2 });
  const later = [8, 9, 40, 4000].map((retries) => putOff({ ...link, retries }, 0).dueAfter);
  expect(later).toEqual([256_000, 300_000, 300_000, 300_000]);
});

test('what an operator redrives is not put off', () => {
  const put = putOff({ ...link, retries: 7 }, 0);
  expect(takenUp(put)).toMatchObject(NOT_PUT_OFF);
  const insertion = { rowKey: 'k', revision: 0, dirty: true, push: undefined, refused: {}, ...NOT_PUT_OFF };
  expect(takenUpInsertion(putOff(insertion, 0))).toMatchObject(NOT_PUT_OFF);
});
