import { expect, test } from 'vitest';
import { type FoundSlot, type StreamedUntil, slotGap } from '../../../core/stream/slot-history.ts';

const server = { system: '7', timeline: 1 };
const written: StreamedUntil = { server, confirmed: 100n };
const found: FoundSlot = { server, confirmed: 100n, walEnd: 500n, furthest: 0n };

test.for<[string, StreamedUntil | undefined, Partial<FoundSlot>, string | undefined]>([
  ['where it was left', written, {}, undefined],
  [
    'behind what is written: killed before it was confirmed, or the server lost it in a crash',
    written,
    { confirmed: 90n },
    undefined,
  ],
  ['further than what is written: another reader', written, { confirmed: 101n }, 'slot moved'],
  [
    'further than where it was made, and never read by us',
    { server: undefined, confirmed: 100n },
    { confirmed: 101n },
    'slot moved',
  ],
  ['read for the first time by a streamer that writes down where it is', undefined, {}, undefined],
  [
    'on another server, wherever it stands',
    written,
    { server: { ...server, system: '8' }, confirmed: 5n },
    'server changed',
  ],
  ['on another timeline, wherever it stands', written, { server: { ...server, timeline: 2 } }, 'timeline changed'],
  ['in a WAL that ends before what this process was sent', written, { furthest: 501n }, 'database restored'],
  ['in a WAL that ends where it did', written, { furthest: 500n }, undefined],
])('%s', ([, before, change, reason]) => {
  expect(slotGap(before, { ...found, ...change })?.reason).toBe(reason);
});

test('only where rows may be older than records are the records compared, too', () => {
  expect(slotGap(written, { ...found, confirmed: 101n })).toMatchObject({ records: false });
  expect(slotGap(written, { ...found, furthest: 501n })).toMatchObject({ records: true });
});
