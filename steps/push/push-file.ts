/** A file of what is to be sent through the Salesforce API, and by what it is sent. */
import type { Storage } from '../../aws/storage.ts';
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

export function targetOf({ connection }: Sender, { mapping, notAfter }: PushFile): PushTarget {
  return { connection, mapping, notAfter, sent: { any: false } };
}
