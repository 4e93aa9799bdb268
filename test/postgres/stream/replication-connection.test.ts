import { expect, test } from 'vitest';
import { statusMessage } from '../../../postgres/stream/status-message.ts';

test('a status message holds exactly the given position, three times', () => {
  const frame = statusMessage(0x16_b374_d848n, true, Date.UTC(2000, 0, 1, 0, 0, 1));
  expect(frame.toString('latin1', 0, 1)).toBe('d');
  expect(frame.readUInt32BE(1)).toBe(frame.length - 1);
  expect(frame.toString('latin1', 5, 6)).toBe('r');
  for (const at of [6, 14, 22]) expect(frame.readBigUInt64BE(at)).toBe(0x16_b374_d848n);
  expect(frame.readBigInt64BE(30)).toBe(1_000_000n);
  expect(frame[38]).toBe(1);
});
