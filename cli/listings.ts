/** `sfsync rejects` and `sfsync conflicts`: what an operator has to look at, as a table or as JSON. */
import Table from 'cli-table3';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { executionName } from '../core/contracts/storage-layout.ts';
import { ConfigurationError } from '../core/errors.ts';
import type { SyncConfiguration } from '../core/mapping/configuration.ts';
import { type OpenConflict, readOpenConflicts, resolveConflicts } from '../postgres/ledger/conflicts.ts';
import { type OpenReject, type RejectSelection, readOpenRejects } from '../postgres/ledger/open-rejects.ts';
import { discardRejects } from '../postgres/ledger/rejects.ts';
import { withDatabase } from '../postgres/session/administration.ts';
import { objectOption } from './redrive/command.ts';
import { type DatabaseOptions, findDatabase, withDatabaseOptions } from './surroundings.ts';
import { plural } from './terminal.ts';

interface ListOptions extends DatabaseOptions {
  readonly object?: string;
  readonly limit: number;
  readonly json?: boolean;
}

export function addListings(
  program: Command,
  configuration: SyncConfiguration,
  deployment: string,
  print: (line: string) => void,
): void {
  listing(program.command('rejects'), configuration)
    .description('Lists the open rejects: records that one side refused. `sfsync redrive rejects` tries them again.')
    .addOption(
      new Option('--direction <direction>', 'of this direction only').choices(['to-postgres', 'to-salesforce']),
    )
    .addOption(
      new Option(
        '--discard <id...>',
        'take these off the list and try nothing again, such as a line that cannot be read',
      ).argParser(collectNumbers),
    )
    .action(async (options: ListOptions & Pick<RejectSelection, 'direction'> & { discard?: string[] }) => {
      const { object, direction, limit, json, discard } = options;
      await withDatabase(
        await findDatabase(options),
        async (session) => {
          if (discard !== undefined) {
            print(nowMarked('reject', 'discarded', discard, await discardRejects(session, discard)));
            return;
          }
          const found = await readOpenRejects(session, { object, direction }, limit + 1);
          if (found.length > 0) process.exitCode = 1;
          print(json ? asJson(found.slice(0, limit)) : listed(found, limit, 'open reject', rejectTable));
        },
        deployment,
      );
    });

  listing(program.command('conflicts'), configuration)
    .description(
      'Lists the open conflicts: edits of one field on both sides. Each has ended in one value, that of the winner.',
    )
    .option('--values', 'show both values, too, which may be personal data')
    .addOption(new Option('--resolve <id...>', 'mark these as seen').argParser(collectNumbers))
    .action(async (options: ListOptions & { values?: boolean; resolve?: string[] }) => {
      const { resolve: seen } = options;
      await withDatabase(
        await findDatabase(options),
        async (session) => {
          if (seen !== undefined) {
            print(nowMarked('conflict', 'marked as seen', seen, await resolveConflicts(session, seen)));
            return;
          }
          const { object, limit, json, values = false } = options;
          const found = await readOpenConflicts(session, { object, limit: limit + 1 });
          if (found.length > 0) process.exitCode = 1;
          const shown = values ? found : found.map(({ values: _, ...conflict }) => conflict);
          print(
            json
              ? asJson(shown.slice(0, limit))
              : listed(found, limit, 'open conflict', (conflicts) => conflictTable(conflicts, values)),
          );
        },
        deployment,
      );
    });
}

function listing(command: Command, configuration: SyncConfiguration): Command {
  return withDatabaseOptions(command)
    .addOption(objectOption(configuration))
    .addOption(new Option('--limit <number>', 'at most so many, oldest first').argParser(positive).default(100))
    .option('--json', 'as a JSON array')
    .addHelpText('after', '\nExit code 0: there is none; 1: there are some; 2: it could not be done.');
}

/** A table with a line under it; `found` holds one more than the limit when there are more. */
export function listed<T>(
  found: readonly T[],
  limit: number,
  noun: string,
  table: (rows: readonly T[]) => string,
): string {
  if (found.length === 0) return `no ${noun}s`;
  const shown = found.slice(0, limit);
  const more = found.length > limit ? `; there are more: --limit ${limit * 10}` : '';
  return `${table(shown)}\n${plural(shown.length, noun)}${more}`;
}

export function rejectTable(rejects: readonly OpenReject[]): string {
  const table = newTable(['id', 'object', 'record', 'key', 'field', 'direction', 'reason', 'when', 'execution']);
  for (const reject of rejects) {
    table.push([
      reject.id,
      reject.object,
      reject.salesforceId ?? placeOf(reject),
      reject.rowKey ?? '-',
      reject.field ?? '-',
      reject.direction,
      folded(`${reject.code}: ${reject.reason}`),
      when(reject.createdAt),
      shortExecution(reject.execution),
    ]);
  }
  return table.toString();
}

/** What is known of a record without an id: a row that has none yet, or the line of a file. */
function placeOf({ direction, source, line }: OpenReject): string {
  if (direction === 'to-salesforce') return 'none yet';
  return line === null ? (source ?? '-') : `${source} line ${line}`;
}

export function conflictTable(conflicts: readonly OpenConflict[], withValues: boolean): string {
  const values = withValues ? ['base', 'in Salesforce', 'in Postgres'] : [];
  const table = newTable([
    'id',
    'object',
    'record',
    'key',
    'field',
    'reason',
    'winner',
    ...values,
    'when',
    'execution',
  ]);
  for (const conflict of conflicts) {
    const { base, salesforce, postgres } = conflict.values;
    table.push([
      conflict.id,
      conflict.object,
      conflict.salesforceId,
      conflict.rowKey ?? '-',
      conflict.field ?? 'the record',
      conflict.reason,
      conflict.winner,
      ...(withValues ? [base, salesforce, postgres].map((value) => folded(JSON.stringify(value))) : []),
      when(conflict.createdAt),
      shortExecution(conflict.execution),
    ]);
  }
  return table.toString();
}

function newTable(head: string[]) {
  return new Table({ head, style: { head: [], border: [] } });
}

const FOLD_COLUMNS = 50;

/** Long texts on several lines, broken at spaces, and words that are longer than a line. */
function folded(text: string): string {
  const words = text.replace(new RegExp(`\\S{${FOLD_COLUMNS}}(?=\\S)`, 'g'), '$& ');
  return words.replace(new RegExp(`(.{1,${FOLD_COLUMNS}})(?: +|$)`, 'g'), '$1\n').trimEnd();
}

/** A rule names executions by two ids, which side by side would make the table too wide. `--json` has the whole ARN. */
function shortExecution(execution: string | null): string {
  return executionName(execution ?? '-').replace('_', '_\n');
}

function when(moment: Date): string {
  return moment.toISOString().slice(0, 19).replace('T', ' ');
}

function asJson(rows: readonly object[]): string {
  return JSON.stringify(rows, undefined, 2);
}

function nowMarked(noun: string, done: string, wanted: readonly string[], marked: readonly string[]): string {
  const missing = wanted.filter((id) => !marked.includes(id));
  if (missing.length === 0) return `${plural(marked.length, noun)} ${done}`;
  const text = `No open ${noun} has the id ${missing.join(', ')}; ${plural(marked.length, 'other')} ${done}.`;
  throw new ConfigurationError('NOT_OPEN', text);
}

function positive(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give a number from 1.');
}

function collectNumbers(text: string, before: string[] = []): string[] {
  if (/^[1-9]\d{0,13}$/.test(text)) return [...before, text];
  throw new InvalidArgumentError('Give the numbers that the list shows.');
}
