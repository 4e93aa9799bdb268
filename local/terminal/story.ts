import type { Journal, JournalEntry } from '../../packages/embedded-aws/embedded-aws.ts';
import { type DescribedExecution, executionLine } from './execution-line.ts';
import { counted, type Line } from './line.ts';

export interface StoryOptions {
  readonly journal: Journal;
  /** What was recorded before; printed first. */
  readonly earlier: readonly JournalEntry[];
  /** DescribeExecution. */
  readonly describe: (executionArn: string) => Promise<DescribedExecution>;
  /** One line for everything, also for what moved nothing and for each Lambda and event. */
  readonly everything: boolean;
  readonly print: (line: Line) => void;
}

type Direction = NonNullable<Line['direction']>;

/** The parts of names by which the two directions of the template differ. */
const DIRECTIONS: readonly (readonly [pattern: RegExp, direction: Direction])[] = [
  [/salesforce-?to-?postgres/i, 'salesforce-to-postgres'],
  [/postgres-?to-?salesforce/i, 'postgres-to-salesforce'],
  [/sweep/i, 'salesforce-to-postgres'],
];
/** Lambdas that write to Salesforce. */
const PUSHES = /PushRecords|DeleteRecords/;

/** Prints what the journal records, one line for each thing that a person would want to see. The answer ends it. */
export function printStory(options: StoryOptions): () => void {
  const print = (entry: JournalEntry): void => {
    if (entry.kind === 'execution-ended') void printExecution(options, entry);
    else {
      const line = lineOf(entry, options.everything);
      if (line !== undefined) options.print(line);
    }
  };
  options.earlier.forEach(print);
  return options.journal.subscribe(print);
}

/** The entry's line; undefined: it is left out. Executions that have ended are printed with what they did, by `printStory`. */
export function lineOf(entry: JournalEntry, everything: boolean): Line | undefined {
  const { at, subject, text, details = {} } = entry;
  const direction = directionOf(subject);
  const line = (object: string, what: string, detail: string, tone: Line['tone'] = 'plain'): Line => {
    return { at, direction, object, what, detail, durationMs: undefined, tone };
  };
  switch (entry.kind) {
    case 'flow-run': {
      const object = subject.split('-').at(-1) ?? subject;
      const failed = details.status !== 'Successful';
      if (!failed && !everything && numberOf(details.recordsProcessed) === 0) return undefined;
      return line(object, 'flow run', text.replace(`${object}: `, ''), failed ? 'bad' : 'good');
    }
    case 'changes-published': {
      const detail = counted(numberOf(details.keys) ?? 0, 'key');
      return { ...line(subject, 'changes published', detail), direction: 'postgres-to-salesforce' };
    }
    case 'lambda':
      if (PUSHES.test(subject)) {
        return { ...line('', 'push', text), direction: 'postgres-to-salesforce' };
      }
      return everything ? line('', 'lambda', `${subject} ${text}`) : undefined;
    case 'notification':
      return line('', 'notification', text, 'warning');
    case 'streamer':
      return line(subject, 'streamer', text);
    case 'fault':
      return line(subject, 'fault', text.split('\n')[0] ?? '', 'bad');
    case 'execution-started':
    case 'execution-ended':
    case 'message-sent':
    case 'object-created':
    case 'event':
      return everything ? line('', entry.kind.replaceAll('-', ' '), `${subject} ${text}`) : undefined;
    default:
      throw entry.kind satisfies never;
  }
}

async function printExecution({ describe, everything, print }: StoryOptions, entry: JournalEntry): Promise<void> {
  const arn = String(entry.details?.executionArn);
  const direction = directionOf(entry.subject);
  let described: DescribedExecution | undefined;
  try {
    described = await describe(arn);
  } catch {
    // Its machine was deleted in the meantime, or everything is being stopped: the entry itself has to do.
  }
  if (described === undefined || direction === undefined) {
    const { at, subject: object, text: detail } = entry;
    print({ at, direction, object, what: 'execution', detail, durationMs: undefined, tone: 'plain' });
    return;
  }
  const line = executionLine(direction, described, entry.at, everything);
  if (line !== undefined) print(line);
}

function directionOf(name: string): Direction | undefined {
  return DIRECTIONS.find(([pattern]) => pattern.test(name))?.[1];
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
