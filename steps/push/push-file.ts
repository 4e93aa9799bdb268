/** A file of what is to be sent through the Salesforce API, and by what it is sent. */
import type { Storage } from '../../aws/storage.ts';
import { RetryableError } from '../../core/errors.ts';
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import type { Instant } from '../../core/mapping/instant.ts';
import type { SalesforceConnection } from '../../salesforce/connection.ts';
import type { PushTarget } from '../../salesforce/record-answer.ts';
import type { Log } from '../log.ts';

export interface PushFile {
  readonly mapping: ObjectMapping;
  /** JSON lines of `anyPushLine`. */
  readonly pushKey: string;
  /** No request is sent after this moment. */
  readonly notAfter: Instant;
}

export interface Sender {
  readonly storage: Storage;
  readonly connection: SalesforceConnection;
  readonly log: Log;
}

/** Throws RetryableError, before anything is sent, where the lines were decided in another org than this connection's. */
export function requireOrgOf({ connection }: Sender, lines: readonly { readonly org?: string | undefined }[]): void {
  const decidedIn = lines.find(({ org }) => org !== undefined)?.org;
  const { organizationId: here } = connection;
  if (decidedIn === undefined || here === undefined || here === decidedIn) return;
  throw new RetryableError(
    'OTHER_ORG',
    `The changes were decided in org ${decidedIn}, and the secret leads to org ${here} now: nothing was sent. Correct the secret; the changes stay due.`,
  );
}

export function targetOf({ connection }: Sender, { mapping, notAfter }: PushFile): PushTarget {
  return { connection, mapping, notAfter, sent: { any: false } };
}
