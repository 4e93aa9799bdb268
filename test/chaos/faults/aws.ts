/** What AWS does now and then: at least once, in no order, and not at once. */
import type { Fault } from './fault.ts';
import { awsFault } from './switches.ts';

const BRIEF = [1_000, 6_000] as const;

/** Calls whose answers are lost, with what may come of it: done twice, or thought not to be done. */
const ANSWERS = [
  ['sqs', 'SendMessageBatch'],
  ['sqs', 'SendMessage'],
  ['sqs', 'DeleteMessageBatch'],
  ['sqs', 'ReceiveMessage'],
  ['s3', 'PutObject'],
  ['events', 'PutEvents'],
  ['states', 'StartExecution'],
  ['lambda', 'Invoke'],
  ['appflow', 'StartFlow'],
] as const;

const THROTTLED = ['lambda', 'sqs', 'states', 'events', 's3', 'appflow', 'secretsmanager'] as const;

export const awsFaults: readonly Fault[] = [
  awsFault({
    name: 'events late',
    about: 'EventBridge delivers late, and so out of order.',
    lasts: BRIEF,
    fault: 'lateEvents',
    set: (random) => {
      const withinMs = random.integer(500, 6_000);
      return { detail: `within ${withinMs} ms`, options: { withinMs } };
    },
  }),
  awsFault({
    name: 'events twice',
    about: 'EventBridge delivers twice.',
    lasts: BRIEF,
    fault: 'repeatedEvents',
    set: (random) => {
      const withinMs = random.pick([0, random.integer(100, 8_000)]);
      return { detail: `within ${withinMs} ms`, options: { withinMs } };
    },
  }),
  awsFault({
    name: 'announcements lost',
    about: 'EventBridge loses events that announce changes; the schedule finds what is due.',
    lasts: BRIEF,
    slowToHeal: true,
    weight: 0.2,
    fault: 'lostEvents',
    set: (random) => ({
      detail: 'Changes available',
      options: { detailType: 'Changes available', times: random.integer(1, 5) },
    }),
  }),
  awsFault({
    name: 'file events lost',
    about: 'EventBridge loses events of new files; the sweep finds what was in them.',
    lasts: BRIEF,
    slowToHeal: true,
    weight: 0.2,
    fault: 'lostEvents',
    set: (random) => ({
      detail: 'Object Created',
      options: { detailType: 'Object Created', times: random.integer(1, 3) },
    }),
  }),
  awsFault({
    name: 'messages late',
    about: 'SQS shows messages late, and so out of order.',
    lasts: BRIEF,
    fault: 'lateMessages',
    set: (random) => {
      const withinMs = random.integer(500, 6_000);
      return { detail: `within ${withinMs} ms`, options: { withinMs } };
    },
  }),
  awsFault({
    name: 'messages twice',
    about: 'SQS delivers messages again that were deleted.',
    lasts: BRIEF,
    fault: 'repeatedMessages',
    set: (random) => {
      const withinMs = random.integer(0, 8_000);
      return { detail: `within ${withinMs} ms`, options: { withinMs } };
    },
  }),
  awsFault({
    name: 'messages overlooked',
    about: 'Short polls of SQS find nothing, though there are messages.',
    lasts: BRIEF,
    fault: 'overlookedMessages',
    set: (random) => ({ detail: 'short polls', options: { every: random.integer(1, 2) } }),
  }),
  ...THROTTLED.map((service) =>
    awsFault({
      name: `throttled ${service}`,
      about: `Calls of ${service} are refused as too many.`,
      lasts: BRIEF,
      weight: 0.3,
      fault: 'throttled',
      set: (random) => {
        const every = random.integer(1, 3);
        return { detail: `each ${every}. call of ${service}`, options: { service, every } };
      },
    }),
  ),
  awsFault({
    name: 'aws unavailable',
    about: 'A service of AWS answers with 503.',
    lasts: [1_000, 3_000],
    fault: 'unavailable',
    set: (random) => {
      const service = random.pick(THROTTLED);
      return { detail: service, options: { service } };
    },
  }),
  awsFault({
    name: 'aws answers lost',
    about: 'A service of AWS does its work, and the connection breaks before it has answered.',
    lasts: BRIEF,
    weight: 2,
    fault: 'lostAnswer',
    set: (random) => {
      const [service, operation] = random.pick(ANSWERS);
      return {
        detail: `${service} ${operation}`,
        options: { service, operation, times: random.integer(1, 4), every: random.integer(1, 2) },
      };
    },
  }),
  awsFault({
    name: 'aws slow',
    about: 'Calls of a service of AWS wait before they are carried out, and before they are answered.',
    lasts: BRIEF,
    fault: 'slowCall',
    set: (random) => {
      const service = random.pick(THROTTLED);
      const [beforeMs, afterMs] = [random.integer(0, 1_000), random.integer(0, 1_000)];
      return { detail: service, options: { service, beforeMs, afterMs, every: random.integer(1, 4) } };
    },
  }),
  awsFault({
    name: 'lambdas killed',
    about: 'Execution environments of Lambdas end in the middle of an invocation.',
    lasts: BRIEF,
    weight: 2,
    fault: 'killedFunctions',
    set: (random) => {
      const every = random.integer(2, 5);
      return { detail: `each ${every}. invocation`, options: { every, afterMs: random.integer(20, 600) } };
    },
  }),
];
