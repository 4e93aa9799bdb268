/**
 * The WAL streamer: reads which rows of the mapped tables changed and hands their keys to the change queues. Exit codes:
 * 0 it was asked to stop; 2 a person has to change something; 1 a bug. Run by ECS, which starts it again.
 */
import './memory.ts';

import { Logger } from '@aws-lambda-powertools/logger';
import whole from '#sync.config';
import { ObjectEvents, SqsChangeSender } from '../aws/change-publisher.ts';
import { CHANGES_AVAILABLE } from '../core/contracts/change-message.ts';
import { COMPARISON_DUE, comparisonReason, SWEEP_DUE } from '../core/contracts/comparison.ts';
import { formatLsn } from '../core/contracts/lsn.ts';
import { ConfigurationError, SyncError } from '../core/errors.ts';
import { outgoingConfiguration } from '../core/mapping/configuration.ts';
import { tableFault } from '../core/stream/table-faults.ts';
import { Announcer } from './announcer.ts';
import { ChangeStream } from './change-stream.ts';
import { ComparisonAnnouncer } from './comparison-announcer.ts';
import { Heartbeat } from './health.ts';
import { discarded } from './memory.ts';
import { Publisher } from './publisher.ts';
import { readSettings } from './settings.ts';

/** How long the last announcements may take when the streamer is asked to stop. */
const FAREWELL_MS = 2_000;
/** The container has 120 s to stop, a local run gives 10 s; whatever hangs by then is not confirmed, and comes again. */
const STOP_WITHIN_MS = 9_000;
/** A failure that lasts is logged at its first attempt and then at every tenth. */
const LOG_EVERY = 10;

/** What the alarm reads: a process that runs need not stream. */
const MEASURED_EVERY_MS = 15_000;

/** Of read-only objects no change is sent, so their tables are not in the stream. */
const configuration = outgoingConfiguration(whole);

const logger = new Logger();

function lasting(attempt: number): boolean {
  return attempt === 1 || attempt % LOG_EVERY === 0;
}

function reasonOf(error: unknown): { code: string; reason: string } {
  if (!(error instanceof Error)) return { code: String(error), reason: String(error) };
  return { code: 'code' in error && typeof error.code === 'string' ? error.code : error.name, reason: error.message };
}

async function main(stop: AbortSignal): Promise<void> {
  const settings = readSettings(process.env, configuration);
  logger.appendKeys({ slot: settings.slot });

  const events = new ObjectEvents(settings.name, CHANGES_AVAILABLE);
  const announcer = new Announcer({
    put: (objects, signal) => events.put(objects, signal),
    everyMs: configuration.settings.announceEverySeconds * 1000,
    failed: (object, attempt, error) => {
      if (lasting(attempt)) logger.warn('changes cannot be announced', { object, attempt, ...reasonOf(error) });
    },
  });

  const comparisonEvents = new ObjectEvents(settings.name, COMPARISON_DUE);
  const comparisons = new ComparisonAnnouncer({
    put: (objects) => comparisonEvents.put(objects, stop),
    failed: (objects, error) => logger.warn('comparisons cannot be announced', { objects, ...reasonOf(error) }),
  });

  const sweepEvents = new ObjectEvents(settings.name, SWEEP_DUE);
  // The schedule makes up for an event that is lost.
  const sweepAll = () =>
    sweepEvents.put(objects, stop).catch((error: unknown) => {
      logger.warn('sweeps cannot be announced', reasonOf(error));
    });

  const objects = configuration.objects.map(({ object }) => object);
  const senders = new Map(objects.map((object) => [object, new SqsChangeSender(settings.queueUrls[object] ?? '')]));
  const publisher = new Publisher(senders, {
    accepted: ({ object, keys, position, bytes }, moved) => {
      discarded(bytes);
      logger.info('published', { object, keys, position });
      announcer.changed(object);
      if (moved) stream.confirm();
    },
    failed: (object, attempt, reason) => {
      if (lasting(attempt)) logger.warn('changes cannot be published', { object, attempt, ...reasonOf(reason) });
    },
  });

  const heartbeat = new Heartbeat(settings.heartbeatFile, (error) => {
    logger.warn('the heartbeat file cannot be written', reasonOf(error));
  });
  let announced = false;
  let streams = false;
  const stream: ChangeStream = new ChangeStream({
    configuration,
    database: settings.database,
    slot: settings.slot,
    names: settings.names,
    publisher,
    heartbeat,
    events: {
      streaming: (from, { server }, { gap, wasAway }) => {
        streams = true;
        if (gap !== undefined) logger.warn(`all objects are compared: ${comparisonReason(gap.reason)}`);
        logger.info(`streaming from ${formatLsn(from)}`, { server });
        if (wasAway) void sweepAll();
        // A streamer that was killed may have published and not announced.
        if (!announced) for (const object of objects) announcer.changed(object);
        announced = true;
      },
      interrupted: (next, attempt, error) => {
        streams = false;
        if (lasting(attempt)) logger.warn(`the stream broke: ${next}`, { attempt, ...reasonOf(error) });
      },
      unnamedRows: (object, by) => {
        if (by === 'truncate') logger.warn('a mapped table was truncated: its records count as deleted', { object });
      },
      unseen: (object, faults) => {
        if (faults.length === 0) logger.info('edits come through the slot again', { object });
        else logger.warn('edits do not come through the slot', { object, faults: faults.map(tableFault) });
      },
      changed: (object, reasons) => {
        logger.warn('a comparison is due', { object, reasons: reasons.map(comparisonReason) });
      },
      comparisonsDue: (due, held) => void comparisons.due(due, held, Date.now()),
      tableChanged: ({ table, column, change }) => {
        logger.warn(`a mapped table was changed: ${change}`, { table, column });
      },
    },
  });

  const measuring = setInterval(() => logger.info('measured', { streaming: streams ? 1 : 0 }), MEASURED_EVERY_MS);
  try {
    await stream.run(stop);
  } finally {
    clearInterval(measuring);
    await announcer.finish(AbortSignal.timeout(FAREWELL_MS));
  }
}

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    logger.info('stopping', { signal });
    stop.abort();
    setTimeout(() => process.exit(0), STOP_WITHIN_MS).unref();
  });
}

// No await of the module itself: its bundle is CommonJS, which has none.
void main(stop.signal).then(
  () => {
    logger.info('stopped');
    process.exit(0);
  },
  (error: unknown) => {
    const { code, reason } = reasonOf(error);
    logger.error(reason, error instanceof SyncError ? { code } : { error: error as Error });
    process.exit(error instanceof ConfigurationError ? 2 : 1);
  },
);
