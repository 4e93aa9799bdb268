/**
 * Writes to Salesforce through sObject Collections. Every record gets an answer: accepted, refused, not applied, or
 * unknown when a request was sent and its answer was lost. Such a request is not sent again here: it may still land,
 * and only waiting tells.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { toSalesforce } from '../../core/canonical.ts';
import { type ObjectMapping, outgoingFields } from '../../core/configuration.ts';
import { classifySalesforce } from '../../core/error-classification.ts';
import { RetryableError, SyncError } from '../../core/errors.ts';
import type { OutcomeLine, PushLine } from '../../core/outbound-tasks.ts';
import { API_VERSION, answeredCode, callFailed, codeOf, inSession, type SalesforceConnection } from './connection.ts';
import { parts } from './read.ts';

/** Records in one collections call (REST API Developer Guide, sObject Collections). */
const COLLECTION_RECORDS = 200;

/** Rounds for records that Salesforce could not lock; a lock lasts as long as somebody else's transaction. */
const LOCK_ROUNDS = 4;
const LOCK_PAUSE_MS = 500;

/** Never sent: the connection was refused, the name not found, or the call was turned away as a whole. */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  'REQUEST_LIMIT_EXCEEDED',
  'INVALID_SESSION_ID',
]);

export interface PushTarget {
  readonly connection: SalesforceConnection;
  readonly mapping: ObjectMapping;
  /** No request is sent after this moment (milliseconds since 1970). */
  readonly notAfter: number;
  /** Whether a request of this push may have reached Salesforce: failing before is harmless. */
  readonly sent: { any: boolean };
}

interface RecordAnswer {
  readonly success: boolean;
  readonly errors: readonly {
    readonly statusCode: string;
    readonly message?: string;
    readonly fields?: readonly string[];
  }[];
}

type Send = (lines: readonly PushLine[]) => Promise<readonly RecordAnswer[]>;

/** Writes changed fields. Throws RetryableError when the first request of the target could not even be sent. */
export async function pushUpdates(target: PushTarget, lines: readonly PushLine[]): Promise<OutcomeLine[]> {
  return push(
    target,
    lines,
    (part) => patch(target, part),
    (code) => (code === 'deleted' ? 'not applied' : 'refused'),
  );
}

/** Moves records to the recycle bin. One that is there already, or is gone for good, has got what was wanted. */
export async function pushDeletes(target: PushTarget, lines: readonly PushLine[]): Promise<OutcomeLine[]> {
  const outcomes = await push(
    target,
    lines,
    (part) => remove(target.connection, part),
    (code) => (code === 'deleted' ? 'accepted' : 'refused'),
  );
  return outcomes.map((outcome) =>
    outcome.code === 'INVALID_CROSS_REFERENCE_KEY' ? { id: outcome.id, outcome: 'accepted' } : outcome,
  );
}

/** Brings records back from the recycle bin by SOAP undelete, and then writes all their fields. */
export async function pushRevives(target: PushTarget, lines: readonly PushLine[]): Promise<OutcomeLine[]> {
  // A record that cannot be undeleted may be live already; the update decides.
  const undeleted = await push(
    target,
    lines,
    (part) => undelete(target.connection, part),
    () => 'refused',
  );
  const failures = new Map(undeleted.map((outcome) => [outcome.id, outcome]));
  const sent = lines.filter(({ id }) => failures.get(id)?.outcome !== 'unknown');
  const updated = await pushUpdates(target, sent);
  const unknown = undeleted.filter(({ outcome }) => outcome === 'unknown');
  return [
    ...unknown,
    ...updated.map((outcome) => (outcome.outcome === 'not applied' ? (failures.get(outcome.id) ?? outcome) : outcome)),
  ];
}

async function push(
  target: PushTarget,
  lines: readonly PushLine[],
  send: Send,
  refusal: (step: ReturnType<typeof classifySalesforce>) => OutcomeLine['outcome'],
): Promise<OutcomeLine[]> {
  const outcomes: OutcomeLine[] = [];
  let waiting: readonly PushLine[] = lines;
  for (let round = 1; waiting.length > 0; round++) {
    const locked: PushLine[] = [];
    for (const part of parts(waiting, COLLECTION_RECORDS)) {
      const answers = await sendPart(target, part, send);
      part.forEach((line, i) => {
        const answer = answers[i];
        const error = answer?.errors[0];
        if (answer === undefined) outcomes.push({ id: line.id, outcome: 'unknown' });
        else if (answer.success) outcomes.push({ id: line.id, outcome: 'accepted' });
        else if (classifySalesforce(error?.statusCode ?? '') === 'retry' && round < LOCK_ROUNDS) locked.push(line);
        else outcomes.push(failed(target.mapping, line.id, error, refusal));
      });
    }
    waiting = locked;
    if (waiting.length > 0) await pause(LOCK_PAUSE_MS * round);
  }
  return outcomes;
}

/**
 * One request; an answer is undefined where the outcome is not known. Salesforce turns a whole request away for one value
 * that it cannot read: then the request is halved until the bad record stands alone.
 */
async function sendPart(
  target: PushTarget,
  part: readonly PushLine[],
  send: Send,
): Promise<readonly (RecordAnswer | undefined)[]> {
  const unknown = part.map(() => undefined);
  const first = !target.sent.any;
  try {
    return await inSession(target.connection, async () => {
      if (Date.now() > target.notAfter) return unknown;
      target.sent.any = true;
      return send(part);
    });
  } catch (error) {
    const code = codeOf(error);
    if (NOT_SENT.has(code)) {
      if (!first) return unknown;
      target.sent.any = false;
      const told = `Salesforce answered ${code} to a push of ${target.mapping.object}. Nothing was sent.`;
      throw new RetryableError(code, told, { cause: error });
    }
    // No new access token: the request that asked for it was turned away.
    if (error instanceof SyncError && first) throw error;
    const step = classifySalesforce(code);
    // Whatever is no answer of Salesforce leaves open what became of the request.
    if (step === 'retry' || answeredCode(error) === undefined) return unknown;
    if (step !== 'reject') throw callFailed(error);
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

function failed(
  mapping: ObjectMapping,
  id: string,
  error: RecordAnswer['errors'][number] | undefined,
  refusal: (step: ReturnType<typeof classifySalesforce>) => OutcomeLine['outcome'],
): OutcomeLine {
  const code = error?.statusCode ?? 'UNKNOWN';
  const step = classifySalesforce(code);
  const field = error?.fields?.find((name) => mapping.fields.some((candidate) => candidate.field === name));
  // Salesforce's text may quote the value, so it goes to the table of rejects only; everything else names code and field.
  return {
    id,
    outcome: step === 'retry' ? 'not applied' : refusal(step),
    code,
    reason: error?.message ?? 'Salesforce gave no reason.',
    ...(field === undefined ? {} : { field }),
  };
}

async function patch(
  { connection, mapping }: PushTarget,
  lines: readonly PushLine[],
): Promise<readonly RecordAnswer[]> {
  const fields = outgoingFields(mapping);
  const records = lines.map((line) => ({
    attributes: { type: mapping.object },
    id: line.id,
    ...Object.fromEntries(
      fields
        .filter(({ field }) => line.fields[field] !== undefined)
        .map(({ field, type }) => [field, toSalesforce(type, line.fields[field] ?? null)]),
    ),
  }));
  return connection.request<readonly RecordAnswer[]>({
    method: 'PATCH',
    url: `/services/data/v${API_VERSION}/composite/sobjects`,
    body: JSON.stringify({ allOrNone: false, records }),
    headers: { 'content-type': 'application/json' },
  });
}

/** jsforce repeats a DELETE by itself, up to five times: also after the deadline, and after a lost answer. */
const ONCE = { retry: { methods: [] } };

async function remove(connection: SalesforceConnection, lines: readonly PushLine[]): Promise<readonly RecordAnswer[]> {
  const ids = lines.map(({ id }) => id).join(',');
  const url = `/services/data/v${API_VERSION}/composite/sobjects?ids=${ids}&allOrNone=false`;
  return connection.request<readonly RecordAnswer[]>({ method: 'DELETE', url }, ONCE);
}

async function undelete(
  connection: SalesforceConnection,
  lines: readonly PushLine[],
): Promise<readonly RecordAnswer[]> {
  const answers = await connection.soap.undelete(lines.map(({ id }) => id));
  return answers.map((answer) => {
    const errors = 'errors' in answer && answer.errors ? [answer.errors].flat() : [];
    return {
      success: String(answer.success) === 'true',
      errors: errors.map((error) => ({
        statusCode: String(Object(error).statusCode ?? 'UNDELETE_FAILED'),
        message: String(Object(error).message ?? ''),
      })),
    };
  });
}
