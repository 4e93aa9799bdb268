/** The streamer without its process: what the stream tells becomes messages, events and log lines. */
import type { ChangeSender, ObjectEvents } from '../aws/change-publisher.ts';
import { CHANGES_AVAILABLE } from '../core/contracts/change-message.ts';
import { COMPARISON_DUE, comparisonReason, SWEEP_DUE } from '../core/contracts/comparison.ts';
import { formatLsn } from '../core/contracts/lsn.ts';
import type { SyncConfiguration } from '../core/mapping/configuration.ts';
import { tableFault } from '../core/stream/table-faults.ts';
import { Announcer } from './announcer.ts';
import type { ChangeStream } from './change-stream.ts';
import { ComparisonAnnouncer } from './comparison-announcer.ts';
import { Heartbeat } from './health.ts';
import { Publisher } from './publisher.ts';
import type { StreamerSettings } from './settings.ts';
import type { ChangeStreamOptions, StreamEvents } from './stream-session.ts';

/** How long the last announcements may take when the streamer is asked to stop. */
const FAREWELL_MS = 2_000;
/** A failure that lasts is logged at its first attempt and then at every tenth. */
const LOG_EVERY = 10;
/** What the alarm reads: a process that runs need not stream. */
const MEASURED_EVERY_MS = 15_000;

export interface StreamerLog {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
}

/** What it works with. */
export interface StreamerPorts {
  readonly log: StreamerLog;
  readonly senderTo: (queueUrl: string) => ChangeSender;
  /** Puts events of the type. */
  readonly eventsOf: (type: string) => Pick<ObjectEvents, 'put'>;
  readonly streamOf: (options: ChangeStreamOptions) => Pick<ChangeStream, 'run' | 'confirm'>;
  /** Bodies of so many bytes were sent, and are garbage now. */
  readonly discarded: (bytes: number) => void;
}

/** Streams until the signal. Throws SyncError when a person is needed. */
export async function runStreamer(
  configuration: SyncConfiguration,
  settings: StreamerSettings,
  ports: StreamerPorts,
  stop: AbortSignal,
): Promise<void> {
  const { log } = ports;
  const objects = configuration.objects.map(({ object }) => object);

  const changeEvents = ports.eventsOf(CHANGES_AVAILABLE);
  const announcer = new Announcer({
    put: (some, signal) => changeEvents.put(some, signal),
    everyMs: configuration.settings.announceEverySeconds * 1000,
    failed: (object, attempt, error) => {
      if (isLogged(attempt)) log.warn('changes cannot be announced', { object, attempt, ...reasonOf(error) });
    },
  });

  const senders = new Map(objects.map((object) => [object, ports.senderTo(settings.queueUrls[object] ?? '')]));
  const publisher = new Publisher(senders, {
    accepted: ({ object, keys, position, bytes }, moved) => {
      ports.discarded(bytes);
      log.info('published', { object, keys, position });
      announcer.changed(object);
      if (moved) stream.confirm();
    },
    failed: (object, attempt, reason) => {
      if (isLogged(attempt)) log.warn('changes cannot be published', { object, attempt, ...reasonOf(reason) });
    },
  });

  const heartbeat = new Heartbeat(settings.heartbeatFile, (error) => {
    log.warn('the heartbeat file cannot be written', reasonOf(error));
  });
  const { database, slot, names } = settings;
  let streams = false;
  const told = tellings(objects, ports, announcer, stop);
  const events: StreamEvents = {
    ...told,
    streaming: (...what) => {
      streams = true;
      told.streaming(...what);
    },
    interrupted: (...what) => {
      streams = false;
      told.interrupted(...what);
    },
  };
  const stream = ports.streamOf({ configuration, database, slot, names, publisher, heartbeat, events });

  const measuring = setInterval(() => log.info('measured', { streaming: streams ? 1 : 0 }), MEASURED_EVERY_MS);
  try {
    await stream.run(stop);
  } finally {
    clearInterval(measuring);
    await announcer.finish(AbortSignal.timeout(FAREWELL_MS));
  }
}

/** What becomes of what the stream tells. */
function tellings(
  objects: readonly string[],
  { log, eventsOf }: StreamerPorts,
  announcer: Announcer,
  stop: AbortSignal,
): StreamEvents {
  const comparisonEvents = eventsOf(COMPARISON_DUE);
  const comparisons = new ComparisonAnnouncer({
    put: (due) => comparisonEvents.put(due, stop),
    failed: (due, error) => log.warn('comparisons cannot be announced', { objects: due, ...reasonOf(error) }),
  });
  const sweepEvents = eventsOf(SWEEP_DUE);
  // The schedule makes up for an event that is lost.
  const sweepAll = () =>
    sweepEvents.put(objects, stop).catch((error: unknown) => {
      log.warn('sweeps cannot be announced', reasonOf(error));
    });
  let announced = false;
  return {
    streaming: (from, { server }, { gap, wasAway }) => {
      if (gap !== undefined) log.warn(`all objects are compared: ${comparisonReason(gap.reason)}`);
      log.info(`streaming from ${formatLsn(from)}`, { server });
      if (wasAway) void sweepAll();
      // A streamer that was killed may have published and not announced.
      if (!announced) for (const object of objects) announcer.changed(object);
      announced = true;
    },
    interrupted: (next, attempt, error) => {
      if (isLogged(attempt)) log.warn(`the stream broke: ${next}`, { attempt, ...reasonOf(error) });
    },
    unnamedRows: (object, by) => {
      if (by === 'truncate') log.warn('a mapped table was truncated: its records count as deleted', { object });
    },
    unseen: (object, faults) => {
      if (faults.length === 0) log.info('edits come through the slot again', { object });
      else log.warn('edits do not come through the slot', { object, faults: faults.map(tableFault) });
    },
    changed: (object, reasons) => {
      log.warn('a comparison is due', { object, reasons: reasons.map(comparisonReason) });
    },
    comparisonsDue: (due, held) => void comparisons.due(due, held, Date.now()),
    tableChanged: ({ table, column, change }) => {
      log.warn(`a mapped table was changed: ${change}`, { table, column });
    },
  };
}

function isLogged(attempt: number): boolean {
  return attempt === 1 || attempt % LOG_EVERY === 0;
}

/** A code is enough for what is thrown without being an error. */
export function reasonOf(error: unknown): { code: string; reason: string } {
  if (!(error instanceof Error)) return { code: String(error), reason: String(error) };
  return { code: 'code' in error && typeof error.code === 'string' ? error.code : error.name, reason: error.message };
}
