import { Command, InvalidArgumentError, Option } from 'commander';
import { CONFIGURATION_FILE } from './project.ts';

/** What `sfsync dev` was asked to do. */
export interface StartOptions {
  /** Relative to the working directory. */
  readonly configurationFile: string;
  /** How long a minute of the schedules lasts, in milliseconds. */
  readonly pollMs: number;
  readonly fresh: boolean;
  /** One line for everything, also runs that moved nothing. */
  readonly verbose: boolean;
  readonly awsEndpoint: string | undefined;
}

export const DEFAULT_POLL_MS = 5_000;
const SHORTEST_POLL_MS = 1_000;
const LONGEST_POLL_MS = 60_000;

/** `2s`, `1.5s`, `500ms`, `1m` in milliseconds. Throws InvalidArgumentError for anything else, and for what is out of bounds. */
export function pollInterval(text: string): number {
  const parts = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text.trim());
  const unit = { ms: 1, s: 1_000, m: 60_000 }[(parts?.[2] ?? 's') as 'ms' | 's' | 'm'];
  const milliseconds = parts === null ? Number.NaN : Number(parts[1]) * unit;
  if (milliseconds >= SHORTEST_POLL_MS && milliseconds <= LONGEST_POLL_MS) return milliseconds;
  throw new InvalidArgumentError('Give a time from 1s to 60s, such as 2s.');
}

/** Reads the arguments; prints help or the fault and exits the process where there is nothing to start. */
export function readOptions(argv: readonly string[]): StartOptions {
  const program = new Command(process.env.npm_lifecycle_event === 'start' ? 'npm start --' : 'sfsync dev')
    .description('Runs the whole of sfsync on this machine: the deployed template, PostgreSQL and a Salesforce org.')
    .addOption(new Option('--config <file>', 'what is kept in step').env('SFSYNC_CONFIG').default(CONFIGURATION_FILE))
    .addOption(
      new Option('--poll <time>', 'how long a minute of the schedules lasts')
        .argParser(pollInterval)
        .default(DEFAULT_POLL_MS, `${DEFAULT_POLL_MS / 1000}s`),
    )
    .option('--fresh', 'forget everything that earlier runs left in .local')
    .option('--verbose', 'show every step, also runs that moved nothing')
    .option('--aws-endpoint <url>', 'deploy at this AWS endpoint instead of the embedded one')
    .showHelpAfterError()
    .allowExcessArguments(false);
  const given = program.parse([...argv], { from: 'user' }).opts<{
    config: string;
    poll: number;
    fresh?: boolean;
    verbose?: boolean;
    awsEndpoint?: string;
  }>();
  const { config, poll, fresh = false, verbose = false, awsEndpoint } = given;
  return { configurationFile: config, pollMs: poll, fresh, verbose, awsEndpoint };
}
