/** What the history of an execution shows of Step Functions' limits. */
import type { ExecutionEvent } from '../test/support/system/both-sides.ts';

/** Bytes of the largest input or output in the history. */
export function largestPayload(events: readonly ExecutionEvent[]): number {
  let largest = 0;
  for (const event of events) {
    for (const details of Object.values(event)) {
      if (typeof details !== 'object' || details === null) continue;
      for (const [name, value] of Object.entries(details)) {
        const holdsData = name === 'input' || name === 'output' || name === 'parameters';
        if (holdsData && typeof value === 'string') largest = Math.max(largest, Buffer.byteLength(value));
      }
    }
  }
  return largest;
}
