import { readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { SyncConfiguration } from '../core/mapping/configuration.ts';
import type { Journal, JournalEntry, ServiceName } from '../packages/embedded-aws/embedded-aws.ts';
import type { Endpoints } from './endpoints.ts';
import { LOCK_FILE, lockDirectory } from './lock.ts';
import { removeServerFiles } from './postgres/server-files.ts';
import { CONFIGURATION_FILE, loadProject } from './project.ts';
import { Shutdown } from './shutdown.ts';
import { Start } from './start.ts';

/** Where a run leaves what it leaves, in the working directory. */
export const STATE_DIRECTORY = '.local';

export interface LocalOptions {
  /** What is kept in step. @default `sync.config.ts` in the working directory */
  readonly configurationFile?: string;
  /** Holds everything that a run leaves. @default `.local` in the working directory */
  readonly directory?: string;
  /** How long a minute of the schedules lasts, in milliseconds. @default 5,000 */
  readonly pollMs?: number;
  /** How long a minute of the alarms lasts. @default as of the schedules, and at least 5,000: executions are not any faster */
  readonly alarmMinuteMs?: number;
  /** Forget what earlier runs left. @default false */
  readonly fresh?: boolean;
  /** A database of one's own, to which its owner connects; otherwise the packaged server is started. */
  readonly databaseUrl?: string | undefined;
  /** Gets every entry of the journal, from the first one on. */
  readonly onEntry?: (entry: JournalEntry) => void;
  /** Runs each step of the start, to show it. */
  readonly step?: <T>(name: string, work: () => Promise<T>) => Promise<T>;
  /** Aborted: what has been started is ended, and `startLocal` rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** The whole system, running. */
export interface LocalSystem {
  readonly endpoints: Endpoints;
  /** Holds `endpoints.json`, `notifications.jsonl` and `logs/`. */
  readonly directory: string;
  readonly configuration: SyncConfiguration;
  /** What the local org does not hold as Salesforce described it. */
  readonly notes: readonly string[];
  readonly journal: Journal;
  /** Calls an AWS operation as the person at the terminal. */
  call<Output = unknown>(service: ServiceName, operation: string, input: object): Promise<Output>;
  /** Sends a signal to a container's process, by default SIGKILL: `wal-streamer` is started again, as ECS would. */
  kill(container: string, signal?: NodeJS.Signals): void;
  /** Ends everything and waits until nothing is left; called again it answers the same promise. */
  stop(): Promise<void>;
}

/**
 * Starts everything on this machine and answers when all of it does. Where an earlier run stopped, it goes on. Sets the
 * process's time zone to UTC, which the Lambdas' threads share with it. When a part does not start, whatever was started
 * is ended, and the part's error is thrown (ConfigurationError, DirectoryInUse, DatabaseUnavailable, TemplateFault, Error).
 */
export async function startLocal(options: LocalOptions = {}): Promise<LocalSystem> {
  const directory = resolve(options.directory ?? STATE_DIRECTORY);
  // First of all: faults in the project are reported before anything is touched.
  const project = await loadProject(options.configurationFile ?? CONFIGURATION_FILE);
  process.env.TZ = 'UTC';
  const shutdown = new Shutdown();
  try {
    shutdown.add('lock', lockDirectory(directory));
    if (options.fresh === true) await forget(directory);
    return await new Start(options, project, directory, shutdown).run();
  } catch (error) {
    await shutdown.run().catch((second: unknown) => {
      throw new AggregateError([error, second], `${messageOf(error)}\n${messageOf(second)}`);
    });
    throw options.signal?.aborted === true ? options.signal.reason : error;
  }
}

/** Removes a state directory with everything that a run has left, also what lies elsewhere. Nothing may run in it. */
export async function removeState(directory: string): Promise<void> {
  await removeServerFiles(directory);
  rmSync(directory, { recursive: true, force: true });
}

/** Removes everything but the lock that is held. */
async function forget(directory: string): Promise<void> {
  await removeServerFiles(directory);
  for (const name of readdirSync(directory)) {
    if (!name.startsWith(LOCK_FILE)) rmSync(join(directory, name), { recursive: true, force: true });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
