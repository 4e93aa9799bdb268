/** What the operator reads of an execution that has failed. */
import { lines, type Message, plural } from './message.ts';
import type { Notice } from './outbound-tasks.ts';
import type { Repeats } from './repeated-notices.ts';
import { executionName, parseInboundKey } from './storage-layout.ts';

export type FailedExecution = Extract<Notice, { about: 'failed execution' }>;

export function failedExecution(notice: FailedExecution, repeats: Repeats | undefined): Message {
  const machine = machineOf(notice);
  const name = executionName(notice.execution);
  const { object, file } = inputOf(notice.input);
  const more = repeats === undefined ? '' : `, ${repeats.count} more`;
  return {
    subject: `sfsync: ${object === undefined ? '' : `${object}: `}${machine} ${notice.status}${more}`,
    text: lines(
      repeats === undefined
        ? undefined
        : `${plural(repeats.count, 'more execution')} failed for the same reason since ${at(repeats.toldAt)}, the first at ${at(repeats.since)}. This is the last one:`,
      `Execution ${name} of ${machine} ended ${notice.status}: ${notice.error ?? 'no error name'}: ${reasonOf(notice.cause)}`,
      notice.input === undefined || notice.input === null ? undefined : `Input: ${notice.input}`,
      ...(machine.endsWith('sweep')
        ? ['Nothing is to be redriven: the next sweep does what this one has left. If it fails, too, mend the cause.']
        : [
            'Mend the cause, then redrive: the execution goes on in the state where it failed.',
            '  npx sfsync redrive executions',
            `  aws stepfunctions redrive-execution --execution-arn ${notice.execution}`,
          ]),
      file === undefined
        ? undefined
        : lines(
            'Where the file itself cannot be read, it fails however often. It stays where it is; this takes the execution off the list:',
            `  npx sfsync redrive executions --discard ${name}`,
          ),
      'Others that fail for this reason are counted, and notified at growing intervals.',
    ),
  };
}

/** What is the same of executions that fail for one reason: machine, object, error, and the message but for what names one of them. */
export function causeOf(notice: FailedExecution): readonly string[] {
  const { object = '' } = inputOf(notice.input);
  const words = reasonOf(notice.cause)
    .split(/\s+/)
    .map((word) => (namesOne(word) ? '#' : word));
  return [machineOf(notice), object, notice.status, notice.error ?? '', words.join(' ').slice(0, 500)];
}

/** A number, an id, a moment, a key. */
function namesOne(word: string): boolean {
  return /\d/.test(word) && (word.length > 6 || /^\W*\d+\W*$/.test(word));
}

function machineOf({ stateMachine }: FailedExecution): string {
  return stateMachine.slice(stateMachine.lastIndexOf(':') + 1);
}

function at(instant: number): string {
  return `${new Date(instant).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** What the input of an execution names: its object, and the file of records. */
function inputOf(input: string | null | undefined): { readonly object?: string; readonly file?: string } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(input ?? '{}');
  } catch {
    // EventBridge cuts what is too long for an event: then nothing is known of it.
    return {};
  }
  const { object, key } = (parsed ?? {}) as { readonly object?: unknown; readonly key?: unknown };
  const file = typeof key === 'string' ? key : undefined;
  const ofFile = file === undefined ? undefined : parseInboundKey(file)?.object;
  const named = typeof object === 'string' ? object : ofFile;
  return { ...(named === undefined ? {} : { object: named }), ...(file === undefined ? {} : { file }) };
}

/** The message inside a Lambda's cause, which is JSON text {errorType, errorMessage, trace}. */
function reasonOf(cause: string | null | undefined): string {
  if (cause === undefined || cause === null || cause === '') return 'no cause was given';
  try {
    const parsed: unknown = JSON.parse(cause);
    if (typeof parsed === 'object' && parsed !== null && 'errorMessage' in parsed) return String(parsed.errorMessage);
  } catch {
    // A cause that is no JSON is the reason itself.
  }
  return cause;
}
