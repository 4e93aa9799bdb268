/** Another program reads the streamer's slot. */
import { setTimeout as pause } from 'node:timers/promises';
import { DEFAULT_NAMES } from '../../../core/contracts/database-names.ts';
import type { Fault } from './fault.ts';
import { signalStreamer, slotIsRead } from './processes.ts';

const { slot, publication } = DEFAULT_NAMES;
const READ = `select count(*) as changes from pg_logical_slot_get_binary_changes('${slot}', null, null, 'proto_version', '1', 'publication_names', '${publication}')`;

export const slotFaults: readonly Fault[] = [
  {
    name: 'slot moved by another reader',
    about:
      'The streamer is killed, and before it is there again another program reads the slot and confirms what it has read.',
    lasts: [0, 0],
    excludes: ['slot', 'streamer', 'database', 'system'],
    weight: 0.3,
    async begin(world) {
      const { server } = world;
      await signalStreamer(world, 'SIGKILL');
      // ECS starts it after half a second; the walsender of the dead one may hold the slot for a moment.
      let struck = 0;
      for (const until = Date.now() + 3_000; Date.now() < until && struck === 0; ) {
        const [row] = await server.query<{ changes: string }>(READ).catch(() => []);
        struck = Number(row?.changes ?? 0);
        if (struck === 0) await pause(50);
      }
      return {
        detail: `${struck} messages`,
        async end() {
          await slotIsRead(world);
          return { struck: struck > 0 ? 1 : 0 };
        },
      };
    },
  },
];
