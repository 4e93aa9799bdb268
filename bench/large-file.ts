/**
 * A file of a million records through the whole local system, with a crash in the middle: `npm run bench:large-file`.
 *
 * First one range by itself, each function in a process of its own, for memory. Then the file undisturbed, for time, history
 * and payloads. Then another one whose writers are killed half way, and whose execution is redriven, for what is done twice.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Command } from 'commander';
import { processTerminal, progressBar } from '../cli/terminal.ts';
import {
  appliedLoans,
  appliedTotals,
  breakWrites,
  expectedTotals,
  type Loans,
  loanFile,
} from '../test/support/postgres/loan-file.ts';
import type { DescribedExecution, ExecutionEvent } from '../test/support/system/both-sides.ts';
import { startBenchSystem } from './bench-system.ts';
import { largestPayload } from './execution-history.ts';
import { type Figure, report } from './figures.ts';
import { measureInvocation } from './lambda-process.ts';

/** The sweep would look for records that this org does not have. */
const configuration = (rangeMegabytes: number) => `import sample from './sync.config.sample.ts';

export default { ...sample, settings: { ...sample.settings, rangeMegabytes: ${rangeMegabytes}, sweepEveryMinutes: 1440, fullSweepEveryHours: 0 } };
`;
const OBJECT = 'Opportunity';
/** The largest input or result of a state, and the longest history (Step Functions quotas). */
const PAYLOAD_LIMIT = 256 * 1024;
const HISTORY_LIMIT = 25_000;
const LAMBDA_MEGABYTES = 1024;
const LOOK_EVERY_MS = 250;
/** Some more than one range of 8 MiB. */
const PROBE_RECORDS = 40_000;

const { records, range, json } = new Command('npm run bench:large-file --')
  .description('A large file through validate, map and apply; a crash in the middle, resumed by redrive.')
  .option('--records <n>', 'records in the file', Number, 1_000_000)
  .option('--range <MiB>', 'how much of the file is applied at once', Number, 8)
  .option('--json', 'figures as JSON', false)
  .parse()
  .opts<{ records: number; range: number; json: boolean }>();

/** Executions by the key of their file. */
const known = new Map<string, string>();

await using bench = await startBenchSystem({ configuration: configuration(range), pollMs: 5_000 });
const { both } = bench;
const figures = [
  ...(await memory({ first: 0, count: PROBE_RECORDS })),
  ...(await undisturbed({ first: PROBE_RECORDS, count: records })),
  ...(await crashed({ first: PROBE_RECORDS + records, count: records })),
];
processTerminal.progress(undefined);
report(`A file of ${records.toLocaleString('en')} records`, figures, { json });

/** One whole range, new to the database, through the functions one after the other. */
async function memory(loans: Loans): Promise<Figure[]> {
  processTerminal.progress('memory of each function ...');
  const [rule] = await rulesOf('FileCreated');
  await both.system.call('events', 'DisableRule', { Name: rule });
  const key = await both.putInboundFile(OBJECT, loanFile(loans));
  const bucket = both.resource('bucket');
  const size = await sizeOf(key);
  type Validated = { ranges: { start: number; end: number }[] };
  const validated = await measureInvocation<Validated>(both, 'ValidateFile', { bucket, key, size });
  const [range] = validated.output.ranges;
  const common = { object: OBJECT, execution: 'bench' };
  const mapped = await measureInvocation<{ mappedKey: string; records: number }>(both, 'MapRecords', {
    ...common,
    bucket,
    key,
    range,
  });
  const applied = await measureInvocation<{ inserted: number }>(both, 'ApplyRecords', {
    ...common,
    from: 'file',
    mappedKey: mapped.output.mappedKey,
    source: key,
    putAt: new Date().toISOString(),
  });
  if (applied.output.inserted !== mapped.output.records)
    throw new Error(`The probe was not applied as a whole: ${JSON.stringify(applied.output)}`);
  await both.system.call('events', 'EnableRule', { Name: rule });
  return Object.entries({ mapped, applied }).map(([step, { peakMegabytes, seconds }]) => ({
    what: `largest process, a range is ${step}`,
    value: peakMegabytes,
    unit: 'MB',
    bar: { below: LAMBDA_MEGABYTES },
    note: `${seconds.toFixed(1)} s alone, ${mapped.output.records} records`,
  }));
}

async function undisturbed(loans: Loans): Promise<Figure[]> {
  processTerminal.progress('writing the file ...');
  const key = await both.putInboundFile(OBJECT, loanFile(loans));
  const started = performance.now();
  const megabytes = (await sizeOf(key)) / 1e6;
  const execution = await ended(key, loans, 'applying');
  const seconds = (performance.now() - started) / 1000;
  assertSucceeded(execution);
  await assertApplied(loans);
  const history = await both.history(execution.executionArn);
  const input = { bucket: both.resource('bucket'), key, size: megabytes * 1e6 };
  const validated = await measureInvocation(both, 'ValidateFile', input);
  return [
    {
      what: 'largest process, the whole file is validated',
      value: validated.peakMegabytes,
      unit: 'MB',
      bar: { below: LAMBDA_MEGABYTES },
      note: `${validated.seconds.toFixed(1)} s alone`,
    },
    { what: 'size of the file', value: megabytes, unit: 'MB' },
    { what: 'time, from file to last row', value: seconds, unit: 's' },
    { what: 'records a second', value: loans.count / seconds, unit: '/s' },
    { what: 'ranges', value: finishedRanges(history), unit: '' },
    ...limits(history, ''),
  ];
}

async function crashed(loans: Loans): Promise<Figure[]> {
  processTerminal.progress('writing the second file ...');
  const key = await both.putInboundFile(OBJECT, loanFile(loans));
  const half = await progressed(loans, 'before the crash', (applied) => applied >= loans.count / 3);
  if (!half) throw new Error('The file was applied before it could be disturbed: give it more records.');
  const mend = await breakWrites(both);
  const failed = await ended(key, loans, 'crashing').finally(mend);
  if (failed.status !== 'FAILED')
    throw new Error(`The crash came too late to fail the execution: give the file more ranges (--records, --range).`);
  const before = await both.history(failed.executionArn);

  const started = performance.now();
  await both.system.call('states', 'RedriveExecution', { executionArn: failed.executionArn });
  const execution = await ended(key, loans, 'redriven');
  const seconds = (performance.now() - started) / 1000;
  assertSucceeded(execution);
  await assertApplied(loans);
  const history = await both.history(failed.executionArn);
  const after = history.slice(before.length);
  const [all, again] = [finishedRanges(history), finishedRanges(after)];
  return [
    { what: 'crash: ranges finished before', value: finishedRanges(before), unit: `of ${all}` },
    { what: 'crash: ranges worked on after redrive', value: startedRanges(after), unit: '', bar: { below: again + 1 } },
    { what: 'crash: time from redrive to last row', value: seconds, unit: 's' },
    ...limits(history, 'crash: '),
  ];
}

async function sizeOf(key: string): Promise<number> {
  const input = { Bucket: both.resource('bucket'), Key: key };
  return (await both.system.call<{ ContentLength: number }>('s3', 'HeadObject', input)).ContentLength;
}

async function rulesOf(construct: string): Promise<string[]> {
  const { Rules } = await both.system.call<{ Rules: { Name: string }[] }>('events', 'ListRules', {});
  return Rules.map(({ Name }) => Name).filter((name) => name.includes(construct));
}

/** Waits for the end of the execution of the file, and shows how far it is. */
async function ended(key: string, loans: Loans, what: string): Promise<DescribedExecution> {
  let execution: DescribedExecution | undefined;
  await progressed(loans, what, async () => {
    execution = await executionOf(key);
    return execution !== undefined && execution.status !== 'RUNNING';
  });
  if (execution === undefined) throw new Error(`No execution has come for ${key}.`);
  return execution;
}

/** Looks until it is done, or all loans are there; answers whether it was. */
async function progressed(loans: Loans, what: string, isDone: (applied: number) => boolean | Promise<boolean>) {
  const started = performance.now();
  for (;;) {
    const applied = await appliedLoans(both, loans);
    const seconds = Math.round((performance.now() - started) / 1000);
    processTerminal.progress(`${what} ${progressBar(applied, loans.count)} ${seconds} s`);
    if (await isDone(applied)) return true;
    await pause(LOOK_EVERY_MS);
  }
}

async function executionOf(key: string): Promise<DescribedExecution | undefined> {
  const arn = known.get(key);
  if (arn !== undefined) return both.describe(arn);
  for (const { executionArn } of await both.executions('salesforceToPostgres')) {
    const execution = await both.describe(executionArn);
    if (!execution.input.includes(key)) continue;
    known.set(key, executionArn);
    return execution;
  }
  return undefined;
}

function assertSucceeded({ status, error, cause }: DescribedExecution): void {
  if (status !== 'SUCCEEDED') throw new Error(`The execution ended ${status}: ${error} ${cause}`);
}

async function assertApplied(loans: Loans): Promise<void> {
  processTerminal.progress('comparing ...');
  const [expected, applied] = [expectedTotals(loans), await appliedTotals(both, loans)];
  if (applied.count === expected.count && applied.checksum === expected.checksum) return;
  throw new Error(`Applied were ${applied.count} records of ${expected.count}, or not with their values.`);
}

function finishedRanges(events: readonly ExecutionEvent[]): number {
  return events.filter(({ type }) => type === 'MapIterationSucceeded').length;
}

function startedRanges(events: readonly ExecutionEvent[]): number {
  return events.filter(({ type }) => type === 'MapIterationStarted').length;
}

function limits(events: readonly ExecutionEvent[], prefix: string): Figure[] {
  return [
    { what: `${prefix}events in the history`, value: events.length, unit: '', bar: { below: HISTORY_LIMIT / 2 } },
    {
      what: `${prefix}largest payload of a state`,
      value: largestPayload(events),
      unit: 'bytes',
      bar: { below: PAYLOAD_LIMIT / 2 },
    },
  ];
}
