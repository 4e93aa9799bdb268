/**
 * What travels through a change queue: which rows changed, never what they contain. The row is read when it is sent, so
 * order, repetition and age of a message do not matter.
 */
import { z } from 'zod';
import { lsnText } from './lsn.ts';

const changeOperation = z.enum(['insert', 'update', 'delete']);

export const changeMessage = z
  .strictObject({
    object: z.string(),
    /** Row key (text output of the key column) and what was done to it; an update of the key gives both keys. */
    keys: z.array(z.tuple([z.string(), changeOperation])),
    /** The table was truncated: which rows it held is not in the WAL, and so `keys` is empty. */
    truncated: z.literal(true).optional(),
    /** End of the newest commit in the message. */
    position: lsnText,
    /** When the oldest transaction of the message committed; for lag. */
    committedAt: z.iso.datetime(),
    /** The exact transactions that wrote the keys, as xid8: logical decoding may show a commit before it is visible. */
    transactions: z.array(z.string().regex(/^\d+$/)),
  })
  .refine(({ keys, truncated }) => (keys.length === 0) === (truncated === true), {
    error: 'has either keys or `truncated`',
  });

export type ChangeMessage = Readonly<z.output<typeof changeMessage>>;

/** As it travels. SQS refuses two characters (SendMessage, "Unicode characters") that JSON may also write as escapes. */
export function messageText(message: ChangeMessage): string {
  return JSON.stringify(message).replace(/[\ufffe\uffff]/g, (character) =>
    character === '\ufffe' ? '\\ufffe' : '\\uffff',
  );
}

/** SQS takes 1 MiB; 256 KiB keeps a message readable in the console and lets several travel in one batch. */
export const MAX_MESSAGE_BYTES = 256 * 1024;

/**
 * Type of the event "there is something in the object's queue", which starts `postgres-to-salesforce`. Its source is the
 * deployment's name, so that the event of one deployment starts nothing of another.
 */
export const CHANGES_AVAILABLE = 'Changes available';

export const changesAvailable = z.strictObject({ object: z.string() });
