/** What Salesforce answers for one record of a push, and what that means for it. */

import type { OutcomeLine } from '../core/contracts/outbound-tasks.ts';
import { classifySalesforce, type SalesforceNextStep } from '../core/error-classification.ts';
import type { ObjectMapping } from '../core/mapping/configuration.ts';
import type { SalesforceConnection } from './connection.ts';

export interface PushTarget {
  readonly connection: SalesforceConnection;
  readonly mapping: ObjectMapping;
  /** No request is sent after this moment (milliseconds since 1970). */
  readonly notAfter: number;
  /** Whether a request of this push may have reached Salesforce: failing before is harmless. */
  readonly sent: { any: boolean };
}

export interface RecordError {
  readonly statusCode: string;
  readonly message?: string;
  readonly fields?: readonly string[];
}

export interface RecordAnswer {
  /** Of the record, where the call was accepted. */
  readonly id?: string | null;
  readonly success: boolean;
  readonly errors: readonly RecordError[];
}

/** What an error that does not go away by waiting means for this kind of push. */
export type Refusal = (step: SalesforceNextStep) => OutcomeLine['outcome'];

/** The outcome of a record that Salesforce did not accept. */
export function unaccepted(
  mapping: ObjectMapping,
  id: string,
  error: RecordError | undefined,
  refusal: Refusal,
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

/** The outcome of a record of which nothing can have landed; it stays due. */
export function notApplied(id: string, code: string): OutcomeLine {
  return { id, outcome: 'not applied', code };
}

/** The code of records whose turn came after the push deadline. */
export const TOO_LATE = 'PUSH_DEADLINE';

/** An update of a record in the recycle bin is not applied; what then becomes of it, the read-back shows. */
export const refusedUpdate: Refusal = (step) => (step === 'deleted' ? 'not applied' : 'refused');

/** A record that is in the recycle bin already has got what was wanted. */
export const refusedDelete: Refusal = (step) => (step === 'deleted' ? 'accepted' : 'refused');
