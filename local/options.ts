import { Command, InvalidArgumentError, Option } from 'commander';

/** What `npm start` was asked to do. */
export interface StartOptions {
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
  const program = new Command('npm start --')
    .description('Runs the whole of sfsync on this machine: the deployed template, PostgreSQL and a Salesforce org.')
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
    poll: number;
    fresh?: boolean;
    verbose?: boolean;
    awsEndpoint?: string;
  }>();
  const { poll, fresh = false, verbose = false, awsEndpoint } = given;
  return { pollMs: poll, fresh, verbose, awsEndpoint };
}
