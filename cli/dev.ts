/** `sfsync dev`: the whole system on this machine, in a process of its own, whose options and output are passed through. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';

const MAIN = fileURLToPath(new URL(`../local/main${extname(import.meta.filename)}`, import.meta.url));
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export function addDevCommand(program: Command, configFile: string): void {
  program
    .command('dev')
    .description(
      'Runs everything on this machine until Ctrl-C: PostgreSQL, a Salesforce org, and what would be deployed.',
    )
    .argument('[options...]', 'of the local run: `sfsync dev --help`')
    .allowUnknownOption()
    .helpOption(false)
    .action(async (args: readonly string[]) => {
      process.exitCode = await runLocal(['--config', configFile, ...args]);
    });
}

/** Answers the exit code; a run that a signal ended counts as failed. */
async function runLocal(args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...args], { stdio: 'inherit' });
  const passOn = (signal: NodeJS.Signals) => child.kill(signal);
  for (const signal of SIGNALS) process.on(signal, passOn);
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    return code ?? 1;
  } finally {
    for (const signal of SIGNALS) process.off(signal, passOn);
  }
}
