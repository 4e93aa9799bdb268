/**
 * Writes through sObject Collections, 200 records to a call. Every record gets an answer: accepted, refused, not applied,
 * or unknown when a request was sent and its answer was lost. Such a request is not sent again here: it may still land,
 * and only a read after a wait shows it.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { OutcomeLine, PushLine } from '../core/contracts/outbound-tasks.ts';
import { classifySalesforce } from '../core/error-classification.ts';
import { RetryableError, SyncError } from '../core/errors.ts';
import { answeredCode, callFailed, codeOf, inSession } from './connection.ts';
import { parts } from './read.ts';
import { notApplied, type PushTarget, type RecordAnswer, type Refusal, TOO_LATE, unaccepted } from './record-answer.ts';

/** Records in one collections call (REST API Developer Guide, sObject Collections). */
const COLLECTION_RECORDS = 200;

/** Rounds for records that Salesforce could not lock; a lock lasts as long as the other transaction. */
const LOCK_ROUNDS = 4;
const LOCK_PAUSE_MS = 500;

/** Nothing was applied: the connection was not made, or Salesforce turned the call away as a whole. */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  'REQUEST_LIMIT_EXCEEDED',
  'SERVER_UNAVAILABLE',
  'INVALID_SESSION_ID',
]);

export type Send = (lines: readonly PushLine[]) => Promise<readonly RecordAnswer[]>;

/** One per record. undefined: the outcome is not known; a text: the code for which Salesforce has certainly not got it. */
type Answers = readonly (RecordAnswer | string | undefined)[];

/**
 * Sends lines by calls of up to 200, and records that could not be locked once more, alone. Throws RetryableError when
 * the first request of the target could not even be sent.
 */
export async function sendInCollections(
  target: PushTarget,
  lines: readonly PushLine[],
  send: Send,
  refusal: Refusal,
): Promise<OutcomeLine[]> {
  const outcomes: OutcomeLine[] = [];
  let waiting: readonly PushLine[] = lines;
  for (let round = 1; waiting.length > 0; round++) {
    const locked: PushLine[] = [];
    for (const part of parts(waiting, COLLECTION_RECORDS)) {
      const answers = await sendPart(target, part, send);
      part.forEach((line, i) => {
        const answer = answers[i];
        if (answer === undefined) outcomes.push({ id: line.id, outcome: 'unknown' });
        else if (typeof answer === 'string') outcomes.push(notApplied(line.id, answer));
        else if (answer.success) outcomes.push({ id: line.id, outcome: 'accepted' });
        else if (classifySalesforce(answer.errors[0]?.statusCode ?? '') === 'retry' && round < LOCK_ROUNDS)
          locked.push(line);
        else outcomes.push(unaccepted(target.mapping, line.id, answer.errors[0], refusal));
      });
    }
    waiting = locked;
    if (waiting.length > 0) await pause(LOCK_PAUSE_MS * round);
  }
  return outcomes;
}

/**
 * One request. Salesforce turns a whole request away for one value that it cannot read: then the request is halved until
 * the bad record stands alone.
 */
async function sendPart(target: PushTarget, part: readonly PushLine[], send: Send): Promise<Answers> {
  const first = !target.sent.any;
  try {
    return await inSession(target.connection, async (): Promise<Answers> => {
      if (Date.now() > target.notAfter) return part.map(() => TOO_LATE);
      target.sent.any = true;
      return send(part);
    });
  } catch (error) {
    const code = codeOf(error);
    if (NOT_SENT.has(code)) {
      if (!first) return part.map(() => code);
      target.sent.any = false;
      const text = `Salesforce answered ${code} to a push of ${target.mapping.object}. Nothing was sent.`;
      throw new RetryableError(code, text, { cause: error });
    }
    // No new access token: the request that asked for it was turned away.
    if (error instanceof SyncError) {
      if (!first) return part.map(() => code);
      target.sent.any = false;
      throw error;
    }
    const step = classifySalesforce(code);
    // An error that is no answer of Salesforce leaves open what became of the request.
    if (step === 'retry' || answeredCode(error) === undefined) return part.map(() => undefined);
    // A reason that is not listed may be one record's, too: it is rejected, and the operator is notified.
    const isRecords = step === 'reject' || (step === 'invariant' && !code.startsWith('ERROR_HTTP_'));
    if (!isRecords) throw callFailed(error);
    if (part.length === 1) return [{ success: false, errors: [{ statusCode: code, message: messageOf(error) }] }];
    const half = part.length >> 1;
    return [
      ...(await sendPart(target, part.slice(0, half), send)),
      ...(await sendPart(target, part.slice(half), send)),
    ];
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
