/** What the operator reads when something needs attention: what happened, to which file or object, and what to do next. */

import { foundRecords } from '../agreement/sweep.ts';
import { tableFault } from '../stream/table-faults.ts';
import { comparisonReason } from './comparison.ts';
import { DRIFTS } from './drift-notices.ts';
import { failedExecution } from './failed-execution-notice.ts';
import { CONFLICT_CODES, type ReasonCount } from './inbound-tasks.ts';
import { lines, type Message, plural } from './message.ts';
import type { Notice } from './outbound-tasks.ts';
import type { Repeats } from './repeated-notices.ts';

const LISTED_REASONS = 10;

/** `repeats`: what was not told of the same since it was told last. */
export function messageOf(notice: Notice, repeats?: Repeats): Message {
  const message = plainMessage(notice, repeats);
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

function plainMessage(notice: Notice, repeats: Repeats | undefined): Message {
  switch (notice.about) {
    case 'file':
      return {
        subject: `sfsync: ${counts(notice)} from Salesforce (${notice.object})`,
        text: lines(
          rejected(notice, `while applying s3 key ${notice.key} to Postgres`),
          conflicts(notice),
          `Execution: ${notice.execution}`,
        ),
      };
    case 'batch':
      return {
        subject: `sfsync: ${counts(notice)} to Salesforce (${notice.object})`,
        text: lines(
          rejected(notice, `while sending ${notice.object} records to Salesforce`),
          conflicts(notice),
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
    case 'waiting':
      return {
        subject: `sfsync: ${plural(notice.records, 'record')} of ${notice.object} cannot be sent for now`,
        text: lines(
          `Salesforce could not take ${plural(notice.records, 'record')} of ${notice.object} in several attempts:`,
          ...listed(notice.answers, ({ code }) => code),
          'Nothing is lost: each stays due, and is tried again at pauses of up to five minutes. UNABLE_TO_LOCK_ROW: another transaction holds the record or its parent; look for a job or a flow in Salesforce.',
          `Until they go through they are listed: npx sfsync rejects --object ${notice.object}`,
          `To try at once: npx sfsync redrive rejects --object ${notice.object}`,
          `Execution: ${notice.execution}`,
        ),
      };
    case 'table locked':
      return {
        subject: `sfsync: the table of ${notice.object} is locked`,
        text: lines(
          `Another session has locked the table of ${notice.object}, or one that its rows refer to, for minutes: a migration, VACUUM FULL, CREATE INDEX, or a transaction that somebody has left open.`,
          'Nothing is lost: what came from Salesforce waits, and is tried again every five minutes, for about eight hours.',
          `Who it is: select pid, mode, application_name, state, xact_start, query from pg_locks join pg_stat_activity using (pid) where granted and relation = '<table>'::regclass`,
          `Execution: ${notice.execution}`,
        ),
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
      return failedExecution(notice, repeats);
    default:
      return notice satisfies never;
  }
}

function sweep(notice: Extract<Notice, { about: 'sweep' }>): Message {
  const { object, inserted, updated, deleted } = notice;
  const found = plural(foundRecords(notice), 'record');
  const done = [
    `${inserted} inserted`,
    `${updated} updated`,
    `${deleted} deleted`,
    `${notice.rejected} rejected`,
    plural(notice.conflicts, 'conflict'),
  ];
  return {
    subject: `sfsync: polling had missed ${found} (${object})`,
    text: lines(
      `The ${notice.full ? 'full ' : ''}sweep of ${object} found ${found} that polling had missed, and read them: ${done.join(', ')}.`,
      'Now and then a few are transactions that committed late in Salesforce. Many, or always some: look at the inbound flow and at failed executions.',
      rejected(notice, 'of those that were read'),
      conflicts(notice),
      `Execution: ${notice.execution}`,
    ),
  };
}

function comparison(notice: Extract<Notice, { about: 'comparison' }>): Message {
  const { object, execution, reasons: why, looked, marked, faults } = notice;
  const found = marked === 0 ? 'nothing was missed' : `${plural(marked, 'record')} had been missed`;
  return {
    subject:
      faults.length > 0
        ? `sfsync: edits of ${object} do not come through the replication slot`
        : `sfsync: ${object} was compared, ${found}`,
    text: lines(
      ...(faults.length > 0
        ? [
            `Edits of ${object} do not reach Salesforce, for its table:`,
            ...faults.map((fault) => `  - ${tableFault(fault)}`),
          ]
        : []),
      `Edits of ${object} may not have come through the replication slot before:`,
      ...why.map((reason) => `  - ${comparisonReason(reason)}`),
      `So its links were compared with its rows, by itself: ${looked} looked at, ${marked} due now, which go to Salesforce like any other edit.`,
      faults.length > 0 ? 'When that is mended, they are compared once more, by themselves.' : undefined,
      'npx sfsync check shows how it stands.',
      `Execution: ${execution}`,
    ),
  };
}

type Counted = Extract<Notice, { rejected: number }>;

const GONE_ON: Readonly<Record<Counted['about'], string>> = {
  file: 'All other records of the file were applied.',
  batch: 'All other records of the batch went through.',
  sweep: 'All other records went through.',
};

/** What was rejected, and what to do about it; undefined: nothing. */
function rejected({ object, about, ...notice }: Counted, when: string): string | undefined {
  if (notice.rejected === 0) return undefined;
  const own = notice.reasons.filter(({ code }) => !isReportedOnce(code) && !(code in WINNERS));
  return lines(
    `${plural(notice.rejected, 'rejected record')} ${when}. ${GONE_ON[about]}`,
    ...listed(own, ({ code, field, constraint }) => {
      const place = [field, constraint && `constraint ${constraint}`].filter(Boolean).join(', ');
      return place === '' ? code : `${code} (${place})`;
    }),
    own.some(({ code }) => code.startsWith('22'))
      ? 'SQLSTATE 22...: a value does not fit its column; npx sfsync check names columns that are narrower than their fields.'
      : undefined,
    `npx sfsync rejects --object ${object} says why. A record is tried again by itself when a newer version of it comes from either side.`,
    `Once the cause is mended otherwise: npx sfsync redrive rejects --object ${object}`,
    own.some(({ code }) => code === 'UNREADABLE_LINE')
      ? 'A line that cannot be read comes to nothing: npx sfsync rejects --discard takes it off the list.'
      : undefined,
  );
}

/** What a conflict is, and which value stands; undefined: there is none. */
function conflicts({ object, ...notice }: Counted): string | undefined {
  if (notice.conflicts === 0) return undefined;
  const own = notice.reasons.filter(({ code }) => code in WINNERS);
  return lines(
    `${plural(notice.conflicts, 'conflict')}: both sides had edited the same ${object}. The policy of the mapping has decided, so both sides are equal; nothing has to be done unless the other value should stand.`,
    ...listed(own, ({ code, field }) => `${field ?? 'the record as a whole'}, ${WINNERS[code]}`),
    `npx sfsync conflicts --object ${object} --values shows both values.`,
  );
}

/** Codes of conflicts among the reasons, and what became of them. */
const WINNERS: Readonly<Record<string, string>> = {
  [CONFLICT_CODES.salesforce]: 'the value of Salesforce stands',
  [CONFLICT_CODES.postgres]: 'the value of Postgres stands',
};

function isReportedOnce(code: string): boolean {
  return DRIFTS.some((drift) => drift.code === code);
}

function counts({ rejected, conflicts }: { rejected: number; conflicts: number }): string {
  const parts = [rejected > 0 && plural(rejected, 'rejected record'), conflicts > 0 && plural(conflicts, 'conflict')];
  return parts.filter(Boolean).join(' and ') || 'nothing rejected';
}

function listed(reasons: readonly ReasonCount[], words: (reason: ReasonCount) => string): string[] {
  const shown = reasons.slice(0, LISTED_REASONS).map((reason) => {
    const { count, ids = [] } = reason;
    const records = ids.length === 0 ? '' : `: ${ids.join(', ')}${ids.length < count ? ', ...' : ''}`;
    return `  ${count} x ${words(reason)}${records}`;
  });
  return [...shown, ...(reasons.length > LISTED_REASONS ? ['  ...'] : [])];
}
