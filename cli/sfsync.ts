#!/usr/bin/env node
/**
 * The command line: `sfsync init` writes a project, `sfsync dev` runs it on this machine, `sfsync prepare` makes what the
 * database needs, `sfsync load` links what both sides have already, `sfsync check` shows how it stands, `sfsync rejects` and
 * `sfsync conflicts` list what an operator has to look at, `sfsync redrive` tries failed work again, `sfsync release` lets deletes
 * go that the guard holds.
 */
import { Command } from 'commander';
import { classified } from '../aws/aws-errors.ts';
import { RetryableError, SyncError } from '../core/errors.ts';
import type { SyncConfiguration } from '../core/mapping/configuration.ts';
import { addCheckCommand } from './check/command.ts';
import { addDevCommand } from './dev.ts';
import { addInitCommand } from './init/command.ts';
import { addListings } from './listings.ts';
import { addLoadCommand } from './load.ts';
import { addOrgCommand } from './org.ts';
import { addPrepareCommand } from './prepare.ts';
import { openProject, withProjectOptions } from './project.ts';
import { addRecoverSlotCommand } from './recover-slot.ts';
import { addRedriveCommands } from './redrive/command.ts';
import { addReleaseCommand } from './release.ts';

/** 1 is the exit code of commands that found something to look at. */
const FAILED = 2;

async function run(argv: readonly string[]): Promise<void> {
  const project = await openProject(argv);
  const { config, name, configuration } = project;
  const program = withProjectOptions(new Command('sfsync'))
    .description('Keeps Salesforce and PostgreSQL in step.')
    .showHelpAfterError()
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : FAILED));
  addInitCommand(program, project);
  addDevCommand(program, config);
  if (configuration === undefined)
    program.addHelpText('after', `\nThere are more commands where there is a ${config}.`);
  else addProjectCommands(program, configuration, name);
  await program.parseAsync([...argv], { from: 'user' });
}

function addProjectCommands(program: Command, configuration: SyncConfiguration, deployment: string): void {
  addPrepareCommand(program, configuration, deployment);
  addCheckCommand(program, configuration, deployment);
  addLoadCommand(program, configuration, deployment);
  addListings(program, configuration, deployment, print);
  addRedriveCommands(program, configuration, deployment);
  addRecoverSlotCommand(program, configuration, deployment);
  addReleaseCommand(program, configuration, deployment);
  addOrgCommand(program, deployment);
}

/** A fault that has an answer is reported in its own words; anything else is a bug, and needs its stack. */
function described(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const known = error instanceof SyncError || '$fault' in error || classified(error) instanceof RetryableError;
  return known ? classified(error).message : (error.stack ?? error.message);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

// Who reads the output may have had enough of it, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : FAILED));

try {
  await run(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${described(error)}\n`);
  process.exitCode = FAILED;
}
