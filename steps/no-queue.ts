/** In the place of the change queue of a read-only object, which has none: its table is not published. */
import { setTimeout as pause } from 'node:timers/promises';
import type { ReceivePorts } from './receive.ts';

export const NO_QUEUE: ReceivePorts['queue'] = {
  receive: async (waitSeconds) => {
    await pause(waitSeconds * 1000);
    return [];
  },
  delete: async () => undefined,
  handBack: async () => undefined,
  sendAgain: async () => undefined,
};
