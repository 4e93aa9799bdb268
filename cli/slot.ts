import { type Command, Option } from 'commander';
import { databaseNames } from '../core/contracts/database-names.ts';
import type { DatabaseOptions } from './surroundings.ts';

export interface SlotOptions extends DatabaseOptions {
  readonly slot: string;
}

export function withSlotOption(command: Command, deployment: string): Command {
  return command.addOption(
    new Option('--slot <name>', 'name of the replication slot, unique on the server').default(
      databaseNames(deployment).slot,
    ),
  );
}
