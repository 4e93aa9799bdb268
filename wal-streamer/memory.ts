/**
 * Keeps the process small: the task has a few hundred megabytes, yet V8, left alone, takes 200 MB for a
 * transaction of a million rows. What is read and sent is garbage at once, so a young generation that grows (by default
 * to 3 x 16 MB) buys nothing; and the bodies of sent requests lie outside of V8's heap, where it lets up to 64 MB gather
 * before it looks. Measured by `bench/wal-streamer.ts`: 145 MB at the most with this, 175 to 215 MB without; and less than
 * 120 MB with a compile cache (NODE_COMPILE_CACHE), as in the image: then the parser that strips the types is not loaded.
 *
 * It is imported before everything else, because loading the modules would make the young generation grow.
 */
import v8 from 'node:v8';
import vm from 'node:vm';

v8.setFlagsFromString('--semi-space-growth-factor=1');
v8.setFlagsFromString('--expose-gc');
const collect: () => void = vm.runInNewContext('gc');

/** A collection takes about 20 ms, and a row that is sent 20 bytes: one for each 50,000 rows, four a second at the most. */
const COLLECT_EVERY_BYTES = 1024 * 1024;

let uncollected = 0;

/** Bodies of this many bytes were sent, and are garbage now. */
export function discarded(bytes: number): void {
  uncollected += bytes;
  if (uncollected < COLLECT_EVERY_BYTES) return;
  uncollected = 0;
  collect();
}
