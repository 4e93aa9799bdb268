/** The WAL streamer as a process of its own, as ECS runs it, against a test database and a queue service. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { DEFAULT_NAMES } from '../../../core/contracts/database-names.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import { TEST_PASSWORDS } from '../postgres/lender-tables.ts';
import type { TestDatabase } from '../postgres/postgres.ts';
import type { QueueService } from './queue-service.ts';

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly [key: string]: unknown;
}

export interface StreamerProcess {
  readonly process: ChildProcess;
  readonly lines: LogLine[];
  /** Resolves with the first line, past or to come, that fits; rejects when the process ends before. */
  line(fits: (line: LogLine) => boolean): Promise<LogLine>;
  streaming(): Promise<LogLine>;
  /** Sends the signal and answers the exit code, null when the signal killed it. */
  end(signal: NodeJS.Signals): Promise<number | null>;
  exit(): Promise<number | null>;
  [Symbol.asyncDispose](): Promise<void>;
}

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** Starts it; the slot is named after the database. */
export function startStreamer(
  database: TestDatabase,
  queues: QueueService,
  env: Readonly<Record<string, string>> = {},
): StreamerProcess {
  const { hostname, port } = new URL(database.url);
  const urls = Object.fromEntries(configuration.objects.map(({ object }) => [object, queues.urlOf(object)]));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'wal-streamer/main.ts'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      // As the image has it; Node's own default place.
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(tmpdir(), 'node-compile-cache'),
      ...queues.env,
      PGHOST: hostname,
      PGPORT: port,
      PGDATABASE: database.name,
      PGUSER: DEFAULT_NAMES.streamerRole,
      PGPASSWORD: TEST_PASSWORDS.streamer,
      REPLICATION_SLOT: database.name,
      CHANGE_QUEUE_URLS: JSON.stringify(urls),
      ...env,
    },
  });
  const lines: LogLine[] = [];
  const waiting = new Set<{ fits: (line: LogLine) => boolean; resolve: (line: LogLine) => void }>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (text) => {
      const line = parseLine(text);
      lines.push(line);
      for (const entry of waiting) {
        if (!entry.fits(line)) continue;
        waiting.delete(entry);
        entry.resolve(line);
      }
    });
  }
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const streamer: StreamerProcess = {
    process: child,
    lines,
    line(fits) {
      const past = lines.find(fits);
      if (past !== undefined) return Promise.resolve(past);
      return Promise.race([
        new Promise<LogLine>((resolve) => waiting.add({ fits, resolve })),
        ended.then((code) => {
          throw new Error(`The streamer ended (${code}):\n${lines.map((line) => JSON.stringify(line)).join('\n')}`);
        }),
      ]);
    },
    streaming: () => streamer.line(({ message }) => message.startsWith('streaming from')),
    async end(signal) {
      child.kill(signal);
      return ended;
    },
    exit: () => ended,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
  return streamer;
}

function parseLine(text: string): LogLine {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return { level: 'RAW', message: text };
  }
}
