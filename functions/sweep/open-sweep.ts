/** Begins a sweep: answers from when on records are listed. */
import { z } from 'zod';
import configuration from '#sync.config';
import { openSweepInput, openSweepOutput } from '../../core/contracts/sweep-tasks.ts';
import { mappingOf } from '../../core/mapping/configuration.ts';
import { openWindow } from '../../steps/sweep/window.ts';
import { sharedSession } from '../connections.ts';
import { defineHandler, environment } from '../handler.ts';

const { DATABASE_SECRET_ARN } = environment({ DATABASE_SECRET_ARN: z.string() });

export const handler = defineHandler({
  input: openSweepInput,
  output: openSweepOutput,
  run: async ({ object, full, execution }) => {
    const { refreshFormulas } = mappingOf(configuration, object);
    const session = await sharedSession(DATABASE_SECRET_ARN);
    return openWindow(session, { object, full, execution, refreshFormulas }, configuration.settings, Date.now());
  },
});
