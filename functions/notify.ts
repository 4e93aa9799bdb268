/** Publishes a notice on the topic. */
import { z } from 'zod';
import { publish } from '../aws/notifications.ts';
import { messageOf } from '../core/contracts/notice.ts';
import { notice } from '../core/contracts/outbound-tasks.ts';
import { defineHandler, environment } from './handler.ts';

const { TOPIC_ARN } = environment({ TOPIC_ARN: z.string() });

export const handler = defineHandler({
  input: notice,
  output: z.null(),
  run: async (what) => {
    const { subject, text } = messageOf(what);
    await publish(TOPIC_ARN, subject, text);
    return null;
  },
});
