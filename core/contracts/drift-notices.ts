/** What the operator reads of fields that are left out, have joined the mapping, or lose something: each is reported once. */
import {
  COLUMN_INEXACT,
  COLUMN_REFUSES,
  COLUMN_VANISHED,
  FIELD_JOINED,
  FIELD_NOT_RENAMED,
  FIELD_TYPE_CHANGED,
  FIELD_VANISHED,
} from '../mapping/drift.ts';
import type { ReasonCount } from './inbound-tasks.ts';
import { lines, type Message, plural } from './message.ts';

/** What is reported once, and is no reject: its code among the reasons, and its text. */
export const DRIFTS: readonly {
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
    code: FIELD_NOT_RENAMED,
    message: (object, fields, drifted) => ({
      subject: `sfsync: ${plural(fields.length, 'field')} of ${object} ${fields.length === 1 ? 'was' : 'were'} not renamed in Salesforce`,
      text: lines(
        'sync.config.ts says what the field was called before, and Salesforce still has a field of that name. The field is left out in both directions; all other fields go on, and this is notified once.',
        ...drifted.map(({ field, change }) => `  ${object}.${field}: ${change}`),
        'When that is done, the field is taken up by itself within minutes, and all records of the object are read once more.',
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
  {
    code: FIELD_JOINED,
    message: (object, fields, joined) => ({
      subject: `sfsync: ${plural(fields.length, 'field')} of ${object} joined the mapping`,
      text: lines(
        'The field was new in the mapping, back in it, or meant something else than before. The records were read for its sake, and both sides merged:',
        ...joined.map(({ field, count }) => `  ${object}.${field}: ${plural(count, 'record')}`),
        `What was empty on one side took the value of the other; where both had a value, the policy of the field decided, and both are listed: npx sfsync conflicts --object ${object}`,
      ),
    }),
  },
  {
    code: COLUMN_INEXACT,
    message: (object, fields) => ({
      subject: `sfsync: ${plural(fields.length, 'column')} of ${object} cannot hold all values of Salesforce`,
      text: lines(
        `The column of ${named(object, fields)} rounds, cuts or folds a value that Salesforce holds. The row has what the column makes of it; the two count as equal, and nothing is written back. This is notified once.`,
        "Widen the column where that matters, or set onLoss: 'reject' for the field in sync.config.ts: then such records are rejected.",
      ),
    }),
  },
];

function named(object: string, fields: readonly string[]): string {
  return fields.map((field) => `${object}.${field}`).join(', ');
}
