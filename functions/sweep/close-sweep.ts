/** Ends a sweep: joins what still waits, remembers how far it came, and logs what the metrics are made of. */
import { z } from 'zod';
import configuration from '#sync.config';
import { foundRecords } from '../../core/agreement/sweep.ts';
import { closeSweepInput } from '../../core/contracts/sweep-tasks.ts';
import { mappingOf } from '../../core/mapping/configuration.ts';
import { joinAll } from '../../steps/parents/join-all.ts';
import { closeWindow } from '../../steps/sweep/window.ts';
import { sharedSession } from '../connections.ts';
import { defineHandler, environment } from '../handler.ts';

const { DATABASE_SECRET_ARN } = environment({ DATABASE_SECRET_ARN: z.string() });

export const handler = defineHandler({
  input: closeSweepInput,
  output: z.null(),
  run: async ({ object, full, execution, startedAt, complete, ...counts }, { log }) => {
    const session = await sharedSession(DATABASE_SECRET_ARN);
    await joinAll({ session, configuration, mapping: mappingOf(configuration, object), execution });
    await closeWindow(session, { object, execution, full, startedAt, complete });
    log.info('swept', {
      full,
      ...counts,
      // Each a metric: infra/sweep.ts reads them by name.
      sweepFound: foundRecords(counts),
      ...(complete && { sweepsCompleted: 1 }),
    });
    return null;
  },
});
