/** Begins a sweep: says from when on records are listed. */
import { z } from 'zod';
import { sharedSession } from '../../adapters/postgres/shared-session.ts';
import { forgetListed, sweptUntil } from '../../adapters/postgres/sweep.ts';
import { mappingOf } from '../../core/configuration.ts';
import { windowStart } from '../../core/sweep.ts';
import { openSweepInput, openSweepOutput } from '../../core/sweep-tasks.ts';
import configuration from '../../sync.config.ts';
import { defineHandler, environment } from '../handler.ts';

const { DATABASE_SECRET_ARN } = environment({ DATABASE_SECRET_ARN: z.string() });

export const handler = defineHandler({
  input: openSweepInput,
  output: openSweepOutput,
  run: async ({ object, full }) => {
    mappingOf(configuration, object);
    const session = await sharedSession(DATABASE_SECRET_ARN);
    const now = Date.now();
    const startedAt = new Date(now).toISOString();
    if (full) {
      await forgetListed(session, object);
      return { startedAt };
    }
    const from = windowStart(now, await sweptUntil(session, object), configuration.settings);
    return { startedAt, from: new Date(from).toISOString() };
  },
});
