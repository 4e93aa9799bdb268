/** What Salesforce does to its clients. The clients of the run are spared: what befalls sfsync and AppFlow is the question. */
import type { Random } from '../plan/random.ts';
import type { Fault, FaultWorld } from './fault.ts';
import { orgFault } from './switches.ts';

/** As they call themselves in Sforce-Call-Options. */
const CLIENTS = ['sfsync', 'AmazonAppFlow'] as const;
const BRIEF = [1_000, 5_000] as const;

function objectOf(random: Random, { configuration }: FaultWorld): string {
  return random.pick(configuration.objects).object;
}

/** The same for both that act for us. */
function ours<Options extends object>(options: Options) {
  return CLIENTS.map((client) => ({ ...options, client }));
}

export const salesforceFaults: readonly Fault[] = [
  orgFault({
    name: 'salesforce 401',
    about: 'Salesforce answers calls with 401: the token has expired.',
    lasts: BRIEF,
    fault: 'unauthorized',
    set: (random) => ({ detail: 'any call', options: ours({ times: random.integer(1, 6) }) }),
  }),
  orgFault({
    name: 'salesforce 403 limit',
    about: 'Salesforce refuses calls: the requests of the day are used up.',
    lasts: BRIEF,
    weight: 0.5,
    fault: 'requestLimitExceeded',
    set: () => ({ detail: 'any call', options: ours({}) }),
  }),
  orgFault({
    name: 'salesforce 503',
    about: 'Salesforce answers with 503.',
    lasts: BRIEF,
    weight: 0.5,
    fault: 'serverUnavailable',
    set: () => ({ detail: 'any call', options: ours({}) }),
  }),
  orgFault({
    name: 'salesforce 502',
    about: 'A gateway before Salesforce answers with a page of HTML.',
    lasts: BRIEF,
    weight: 0.5,
    fault: 'badGateway',
    set: (random) => ({ detail: 'any call', options: ours({ times: random.integer(1, 4) }) }),
  }),
  orgFault({
    name: 'salesforce connection reset',
    about: 'Connections to Salesforce are reset before anything is done.',
    lasts: BRIEF,
    fault: 'connectionReset',
    set: (random) => ({ detail: 'any call', options: ours({ times: random.integer(1, 4) }) }),
  }),
  orgFault({
    name: 'salesforce answers lost',
    about: 'Salesforce commits writes, and the connection is reset instead of an answer.',
    lasts: BRIEF,
    weight: 2,
    fault: 'lostReply',
    set: (random, world) => {
      const [client, object] = [random.pick(CLIENTS), objectOf(random, world)];
      return { detail: `${object}, to ${client}`, options: { client, object, times: random.integer(1, 3) } };
    },
  }),
  orgFault({
    name: 'salesforce slow',
    about: 'Calls wait before they are carried out, and before they are answered.',
    lasts: BRIEF,
    fault: 'slowAnswer',
    set: (random) => ({
      detail: 'any call',
      options: ours({
        beforeMs: random.integer(0, 1_500),
        afterMs: random.integer(0, 1_500),
        times: random.integer(2, 8),
      }),
    }),
  }),
  orgFault({
    name: 'salesforce rows locked',
    about: 'Writes to records of an object are refused with UNABLE_TO_LOCK_ROW.',
    lasts: BRIEF,
    fault: 'rowLock',
    set: (random, world) => {
      const object = objectOf(random, world);
      return { detail: object, options: ours({ object, times: random.integer(1, 20) }) };
    },
  }),
  orgFault({
    name: 'salesforce validation rule on',
    about: 'A validation rule refuses what is written to an object, until it is off again.',
    lasts: BRIEF,
    weight: 0.5,
    fault: 'rowError',
    set: (random, world) => {
      const object = objectOf(random, world);
      return { detail: object, options: ours({ object, times: random.integer(1, 10) }) };
    },
  }),
  orgFault({
    name: 'salesforce commits late',
    about:
      'What is written to an object is stamped now, and seen by readers some seconds later, as of a long transaction.',
    lasts: BRIEF,
    slowToHeal: true,
    weight: 0.3,
    fault: 'delayedVisibility',
    set: (random, world) => {
      const object = objectOf(random, world);
      return { detail: object, options: { object, seconds: random.integer(1, 4), times: random.integer(1, 8) } };
    },
  }),
  orgFault({
    name: 'salesforce trigger rewrites',
    about: 'A trigger of the org changes a text field whenever a record is saved.',
    lasts: BRIEF,
    weight: 0.5,
    fault: 'triggerRewrites',
    set: (random, world) => {
      const texts = world.configuration.objects.flatMap(({ object, fields }) =>
        fields
          .filter(({ type, direction }) => type.name === 'text' && direction === 'both')
          .map(({ field }) => ({ object, field })),
      );
      const { object, field } = random.pick(texts);
      return { detail: `${object}.${field}`, options: { object, field, as: random.pick(['upper', 'lower']) } };
    },
  }),
  orgFault({
    name: 'clock skew',
    about: "The org's clock is off, by as much as the configuration allows.",
    lasts: BRIEF,
    slowToHeal: true,
    weight: 0.2,
    excludes: ['clock'],
    fault: 'clockSkew',
    set: (random, { configuration }) => {
      const { clockSkewSeconds } = configuration.settings;
      const seconds = random.pick([-clockSkewSeconds, clockSkewSeconds]);
      return { detail: `${seconds} s`, options: { seconds } };
    },
  }),
  orgFault({
    name: 'salesforce small pages',
    about: 'Pages of queries hold a few records only.',
    lasts: BRIEF,
    weight: 0.5,
    fault: 'smallPages',
    set: (random) => {
      const size = random.integer(1, 3);
      return { detail: `${size} to a page`, options: ours({ size }) };
    },
  }),
  orgFault({
    name: 'bulk jobs slow',
    about: 'Bulk jobs stay in progress for some seconds before they are worked on.',
    lasts: BRIEF,
    weight: 0.5,
    fault: 'slowBulkJobs',
    set: (random) => ({ detail: 'any job', options: { seconds: random.integer(1, 4) } }),
  }),
  orgFault({
    name: 'bulk results shuffled',
    about: 'Result files of Bulk jobs list their rows in another order than the upload.',
    lasts: BRIEF,
    weight: 0.5,
    fault: 'shuffledBulkResults',
    set: () => ({ detail: 'any job', options: {} }),
  }),
];
