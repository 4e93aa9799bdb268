/** Works off the comparison of links and rows that is due of an object, for as long as one call may take. */
import { z } from 'zod';
import configuration from '#sync.config';
import { compareRowsInput, compareRowsOutput } from '../../core/contracts/sweep-tasks.ts';
import { mappingOf } from '../../core/mapping/configuration.ts';
import { comparePart } from '../../steps/comparison/compare.ts';
import { sharedSession } from '../connections.ts';
import { defineHandler, environment } from '../handler.ts';

const { DATABASE_SECRET_ARN } = environment({ DATABASE_SECRET_ARN: z.string() });

/** Far from the time-out of the function: a page takes seconds at the most. */
const PART_MS = 60_000;

export const handler = defineHandler({
  input: compareRowsInput,
  output: compareRowsOutput,
  run: async ({ object, execution }, { log }) => {
    const mapping = mappingOf(configuration, object);
    const session = await sharedSession(DATABASE_SECRET_ARN);
    const end = Date.now() + PART_MS;
    const part = await comparePart({ session, configuration, mapping, execution }, () => Date.now() >= end);
    const { looked, marked, left, records, report } = part;
    if (looked > 0 || left !== 'nothing') log.info('compared links and rows', { looked, marked, left });
    return { marked, left, records, ...(report && { report }) };
  },
});
