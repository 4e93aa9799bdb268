/**
 * The WAL streamer: reads which rows of the mapped tables changed and hands their keys to the change queues. Exit codes:
 * 0 it was asked to stop; 2 a person has to change something; 1 a bug. Run by ECS, which starts it again.
 */
import './memory.ts';

import { Logger } from '@aws-lambda-powertools/logger';
import whole from '#sync.config';
import { ObjectEvents, SqsChangeSender } from '../aws/change-publisher.ts';
import { ConfigurationError, SyncError } from '../core/errors.ts';
import { outgoingConfiguration } from '../core/mapping/configuration.ts';
import { ChangeStream } from './change-stream.ts';
import { discarded } from './memory.ts';
import { readSettings } from './settings.ts';
import { reasonOf, runStreamer } from './streamer.ts';

/** The container has 120 s to stop, a local run gives 10 s; whatever hangs by then is not confirmed, and comes again. */
const STOP_WITHIN_MS = 9_000;

const logger = new Logger();

async function main(stop: AbortSignal): Promise<void> {
  // Of read-only objects no change is sent, so their tables are not in the stream.
  const configuration = outgoingConfiguration(whole);
  const settings = readSettings(process.env, configuration);
  logger.appendKeys({ slot: settings.slot });
  const ports = {
    log: {
      info: (message: string, fields = {}) => logger.info(message, fields),
      warn: (message: string, fields = {}) => logger.warn(message, fields),
    },
    senderTo: (url: string) => new SqsChangeSender(url),
    eventsOf: (type: string) => new ObjectEvents(settings.name, type),
    streamOf: (options: ConstructorParameters<typeof ChangeStream>[0]) => new ChangeStream(options),
    discarded,
  };
  await runStreamer(configuration, settings, ports, stop);
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
