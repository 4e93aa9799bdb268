/** What the operator reads when something needs attention: what happened, to which file or object, and what to do next. */

import { foundRecords } from '../agreement/sweep.ts';
import { COLUMN_REFUSES, COLUMN_VANISHED, FIELD_TYPE_CHANGED, FIELD_VANISHED } from '../mapping/drift.ts';
import { comparisonReason } from './comparison.ts';
import type { ReasonCount } from './inbound-tasks.ts';
import type { Notice } from './outbound-tasks.ts';
import { executionName } from './storage-layout.ts';

export interface Message {
  readonly subject: string;
  readonly text: string;
}

const LISTED_REASONS = 10;

export function messageOf(notice: Notice): Message {
  const message = plainMessage(notice);
  if (!('reasons' in notice) || notice.about === 'comparison') return message;
  const drifts = DRIFTS.flatMap(({ code, message: drift }) => {
    const drifted = notice.reasons.filter((reason) => reason.code === code);
    const fields = drifted.flatMap(({ field }) => field ?? []);
    return fields.length === 0 ? [] : [drift(notice.object, fields, drifted)];
  });
  const [first] = drifts;
  if (first === undefined) return message;
  const others = notice.rejected + notice.conflicts + (notice.about === 'sweep' ? foundRecords(notice) : 0);
  const texts = drifts.flatMap(({ text }) => [text, CHECK]);
  if (others > 0) return { ...message, text: lines(message.text, ...texts) };
  return { subject: first.subject, text: lines(...texts, `Execution: ${notice.execution}`) };
}

const CHECK = 'npx sfsync check shows how it stands.';

/** What is reported once, and is no reject: its code among the reasons, and its text. */
const DRIFTS: readonly {
  readonly code: string;
  readonly message: (object: string, fields: readonly string[], reasons: readonly ReasonCount[]) => Message;
}[] = [
  {
    code: FIELD_VANISHED,
    message: (object, fields) => ({
      subject: `sfsync: ${plural(fields.length, 'mapped field')} of ${object} vanished from Salesforce`,
      text: lines(
        `Salesforce no longer shows ${named(object, fields)}: gone or renamed, or our user may not see it. All other fields go on in both directions; this is notified once.`,
        'Give our user read access (field-level security), or take the field out of sync.config.ts and deploy: until then AppFlow runs of the object may fail, and only the sweep and the API carry it.',
        'When the field is back, all records of the object are read once more by themselves.',
      ),
    }),
  },
  {
    code: FIELD_TYPE_CHANGED,
    message: (object, fields, drifted) => ({
      subject: `sfsync: ${plural(fields.length, 'mapped field')} of ${object} changed type in Salesforce`,
      text: lines(
        'A field has another type in Salesforce than its mapping reads, and values of it that do not fit. It is left out in both directions; all other fields go on, and this is notified once. Records that were rejected for it before are read again by themselves.',
        ...drifted.map(({ field, change }) => `  ${object}.${field}: ${change}`),
        'Change sync.config.ts and the column and deploy, or give the field its type back in Salesforce.',
        'When its type fits again, the field is taken up by itself within minutes, and all records of the object are read once more. Until then AppFlow runs of the object may fail, and only the sweep and the API carry it.',
      ),
    }),
  },
  {
    code: COLUMN_VANISHED,
    message: (object, fields) => ({
      subject: `sfsync: the ${fields.length === 1 ? 'column' : 'columns'} of ${plural(fields.length, 'mapped field')} of ${object} vanished from Postgres`,
      text: lines(
        `The table has no column any more for ${named(object, fields)}: dropped, renamed, or made of a type that cannot hold the field at all. All other fields go on in both directions; this is notified once.`,
        'Add the column again (or give it its name back), or name its new name in sync.config.ts and deploy, or take the field out of sync.config.ts and deploy.',
        'When the column is back, it is filled with what both sides last agreed on, and all records of the object are read once more by themselves. Nothing is emptied in Salesforce.',
      ),
    }),
  },
  {
    code: COLUMN_REFUSES,
    message: (object, fields) => ({
      subject: `sfsync: ${plural(fields.length, 'column')} of ${object} came back and cannot be filled`,
      text: lines(
        `The column of ${named(object, fields)} is there again and does not take the values that both sides last agreed on (its type, or a constraint), so the field stays left out in both directions.`,
        'Make the column as it was. It is tried again every five minutes.',
      ),
    }),
  },
];

function named(object: string, fields: readonly string[]): string {
  return fields.map((field) => `${object}.${field}`).join(', ');
}

function plainMessage(notice: Notice): Message {
  switch (notice.about) {
    case 'file':
      return {
        subject: `sfsync: ${counts(notice)} from Salesforce (${notice.object})`,
        text: lines(
          `${counts(notice)} while applying s3 key ${notice.key} to Postgres. All other records of the file were applied.`,
          reasons(notice.reasons),
          whereToLook(notice.object),
          'A rejected record is tried again by itself when a newer version of it arrives.',
          `Execution: ${notice.execution}`,
        ),
      };
    case 'batch':
      return {
        subject: `sfsync: ${counts(notice)} to Salesforce (${notice.object})`,
        text: lines(
          `${counts(notice)} while sending ${notice.object} records to Salesforce. All other records of the batch went through.`,
          reasons(notice.reasons),
          whereToLook(notice.object),
          'A refused value is tried again by itself when the row changes.',
          `Execution: ${notice.execution}`,
        ),
      };
    case 'sweep':
      return sweep(notice);
    case 'comparison':
      return comparison(notice);
    case 'circuit':
      return notice.state === 'open'
        ? {
            subject: `sfsync: Salesforce is away, ${notice.object} waits`,
            text: lines(
              `Changes of ${notice.object} cannot be sent to Salesforce: ${(notice.reason ?? 'no reason was given').replace(/\.$/, '')}.`,
              'Nothing is lost: the records stay due, and the schedule tries again by itself.',
              `Execution: ${notice.execution}`,
            ),
          }
        : {
            subject: `sfsync: Salesforce is back, ${notice.object} goes on`,
            text: lines(`Changes of ${notice.object} are sent to Salesforce again.`, `Execution: ${notice.execution}`),
          };
    case 'deletes held':
      return {
        subject: `sfsync: deletes of ${notice.object} are held`,
        text: lines(
          `Rows of ${notice.object} were deleted in unusual number: ${plural(notice.records, 'delete')} so far, and all that follow, are held. Nothing of it has reached Salesforce; updates go on.`,
          'Find out whether they were meant. If so:',
          `  npx sfsync release ${notice.object}`,
          'If they were a mistake, bring the rows back from a backup or, as far as Salesforce knows them, with:',
          `  npx sfsync release ${notice.object} --restore`,
          `npx sfsync check counts them.`,
          `Execution: ${notice.execution}`,
        ),
      };
    case 'failed execution':
      return failedExecution(notice);
    default:
      return notice satisfies never;
  }
}

function sweep(notice: Extract<Notice, { about: 'sweep' }>): Message {
  const { object, inserted, updated, deleted, rejected, conflicts } = notice;
  const found = plural(foundRecords(notice), 'record');
  const done = [
    `${inserted} inserted`,
    `${updated} updated`,
    `${deleted} deleted`,
    `${rejected} rejected`,
    plural(conflicts, 'conflict'),
  ];
  return {
    subject: `sfsync: polling had missed ${found} (${object})`,
    text: lines(
      `The ${notice.full ? 'full ' : ''}sweep of ${object} found ${found} that polling had missed, and read them: ${done.join(', ')}.`,
      reasons(notice.reasons),
      'Now and then a few are transactions that committed late in Salesforce. Many, or always some: look at the inbound flow and at failed executions.',
      rejected + conflicts > 0 ? whereToLook(object) : undefined,
      `Execution: ${notice.execution}`,
    ),
  };
}

function comparison({
  object,
  execution,
  reasons: why,
  looked,
  marked,
}: Extract<Notice, { about: 'comparison' }>): Message {
  return {
    subject: `sfsync: ${object} was compared, ${marked === 0 ? 'nothing was missed' : `${plural(marked, 'record')} had been missed`}`,
    text: lines(
      `Edits of ${object} may not have come through the replication slot:`,
      ...why.map((reason) => `  - ${comparisonReason(reason)}`),
      `So its links were compared with its rows, by itself: ${looked} looked at, ${marked} due now, which go to Salesforce like any other edit.`,
      `Execution: ${execution}`,
    ),
  };
}

function whereToLook(object: string): string {
  return `Look at: npx sfsync rejects --object ${object}; likewise conflicts. (Tables sfsync.rejected_record and sfsync.conflict.)`;
}

function failedExecution(notice: Extract<Notice, { about: 'failed execution' }>): Message {
  const machine = notice.stateMachine.slice(notice.stateMachine.lastIndexOf(':') + 1);
  const name = executionName(notice.execution);
  return {
    subject: `sfsync: ${machine} ${notice.status}`,
    text: lines(
      `Execution ${name} of ${machine} ended ${notice.status}: ${notice.error ?? 'no error name'}: ${reasonOf(notice.cause)}`,
      notice.input === undefined || notice.input === null ? undefined : `Input: ${notice.input}`,
      'Mend the cause, then redrive: the execution goes on in the state where it failed.',
      `  npx sfsync redrive executions`,
      `  aws stepfunctions redrive-execution --execution-arn ${notice.execution}`,
    ),
  };
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

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function counts({ rejected, conflicts }: { rejected: number; conflicts: number }): string {
  const parts = [rejected > 0 && plural(rejected, 'rejected record'), conflicts > 0 && plural(conflicts, 'conflict')];
  return parts.filter(Boolean).join(' and ') || 'nothing rejected';
}

function reasons(all: readonly ReasonCount[]): string | undefined {
  const list = all.filter(({ code }) => DRIFTS.every((drift) => drift.code !== code));
  if (list.length === 0) return undefined;
  const shown = list
    .slice(0, LISTED_REASONS)
    .map(({ code, field, count }) => `  ${count} x ${code}${field ? ` (${field})` : ''}`);
  return [...shown, ...(list.length > LISTED_REASONS ? ['  ...'] : [])].join('\n');
}

function lines(...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined).join('\n');
}
