/** Publishes a notice on the topic. */
import { z } from 'zod';
import { publish } from '../aws/notifications.ts';
import { Storage } from '../aws/storage.ts';
import { notice } from '../core/contracts/outbound-tasks.ts';
import { notify } from '../steps/notices.ts';
import { defineHandler, environment } from './handler.ts';

const { BUCKET_NAME, TOPIC_ARN } = environment({ BUCKET_NAME: z.string(), TOPIC_ARN: z.string() });
const storage = new Storage(BUCKET_NAME);

export const handler = defineHandler({
  input: notice,
  output: z.null(),
  run: async (what, { log }) => {
    const told = await notify(storage, what, Date.now(), ({ subject, text }) => publish(TOPIC_ARN, subject, text));
    if (!told) log.info('one more of the same, not told now', { about: what.about });
    return null;
  },
});
