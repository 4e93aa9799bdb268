/** Begins a sweep: says from when on records are listed. */
import { z } from 'zod';
import configuration from '#sync.config';
import { windowStart } from '../../core/agreement/sweep.ts';
import { openSweepInput, openSweepOutput } from '../../core/contracts/sweep-tasks.ts';
import { mappingOf } from '../../core/mapping/configuration.ts';
import { forgetListed, sweptUntil } from '../../postgres/ledger/sweep.ts';
import { sharedSession } from '../connections.ts';
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
