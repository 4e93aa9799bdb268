import { z } from 'zod';
import { CUSTOM_FIELD_TYPES } from '../schema/object-definition.ts';

/**
 * Everything that can be switched on by `POST /_simulator/faults`: what goes wrong between a client and an org, and how
 * this org behaves where Salesforce's documentation leaves it open. GET on the same address prints this catalogue.
 */

/** Which calls or rows a fault is for, and how often it strikes. */
const scope = {
  object: z.string().optional().describe('only calls and rows of this object'),
  ids: z.array(z.string()).optional().describe('only rows with one of these ids (15 or 18 characters)'),
  kinds: z
    .array(z.string())
    .optional()
    .describe('only calls of these kinds, as /_simulator/stats counts them: row, collections, query, soap, bulk, ...'),
  client: z.string().optional().describe('only calls whose Sforce-Call-Options header names this client'),
  times: z
    .union([z.number().int().positive(), z.literal('always')])
    .optional()
    .describe('how often it strikes before it clears itself; "always" until it is cleared'),
};

const seconds = z.number().nonnegative();
const milliseconds = z.number().nonnegative();

export const FAULTS = {
  unauthorized: {
    about: 'The call answers 401 INVALID_SESSION_ID as if the token had expired; strikes once by default.',
    once: true,
    options: z.strictObject(scope),
  },
  requestLimitExceeded: {
    about: 'The call answers 403 REQUEST_LIMIT_EXCEEDED: the requests of the last 24 hours are used up.',
    once: false,
    options: z.strictObject(scope),
  },
  serverUnavailable: {
    about: 'The call answers 503 with a JSON body, before anything is done.',
    once: false,
    options: z.strictObject(scope),
  },
  badGateway: {
    about: 'The call answers 502 with an HTML page, before anything is done.',
    once: false,
    options: z.strictObject(scope),
  },
  connectionReset: {
    about: 'The connection is reset before anything is done; strikes once by default.',
    once: true,
    options: z.strictObject(scope),
  },
  lostReply: {
    about:
      'A POST, PATCH or DELETE is carried out and committed, then the connection is reset instead of an answer; once.',
    once: true,
    options: z.strictObject(scope),
  },
  slowAnswer: {
    about: 'The call waits before it is carried out (beforeMs) and before it is answered (afterMs).',
    once: false,
    options: z.strictObject({ ...scope, beforeMs: milliseconds.optional(), afterMs: milliseconds.optional() }),
  },
  rowLock: {
    about:
      'Each write to a matching record is refused with UNABLE_TO_LOCK_ROW; other rows of the call are not touched.',
    once: false,
    options: z.strictObject(scope),
  },
  rowError: {
    about: 'Each write to a matching record is refused with the given error, as by a validation rule of the org.',
    once: false,
    options: z.strictObject({
      ...scope,
      code: z.string().default('FIELD_CUSTOM_VALIDATION_EXCEPTION'),
      message: z.string().default('A validation rule of the org refused this record.'),
      fields: z.array(z.string()).default([]),
    }),
  },
  delayedVisibility: {
    about:
      'What the call writes is stamped and answered now, but readers see it only so many seconds later, as the work of a ' +
      'long transaction. Until then other writes to these records get UNABLE_TO_LOCK_ROW.',
    once: false,
    options: z.strictObject({ ...scope, seconds }),
  },
  triggerRewrites: {
    about: 'A trigger of the org changes a text field whenever a record is saved.',
    once: false,
    options: z.strictObject({
      ...scope,
      object: z.string(),
      field: z.string(),
      as: z.enum(['upper', 'lower', 'digits', 'constant', 'append']),
      value: z.string().default('').describe('for "constant" and "append"'),
    }),
  },
  hiddenField: {
    about: 'Field-level security takes the field away: absent from describe, INVALID_FIELD in queries, no write.',
    once: false,
    options: z.strictObject({ object: z.string(), field: z.string() }),
  },
  changedField: {
    about:
      'An administrator has changed the type of the field. Its values are shown as the new type has them, or empty where it ' +
      'has no such value; cleared, the field is what it was.',
    once: false,
    options: z.strictObject({
      object: z.string(),
      field: z.string(),
      type: z.enum(CUSTOM_FIELD_TYPES),
      referenceTo: z.array(z.string()).optional().describe('for "reference"'),
      length: z.int().positive().optional().describe('for texts'),
    }),
  },
  viewEncryptedData: {
    about:
      'Our user has the permission View Encrypted Data, and reads encrypted texts as they are (default: masked but for the last ' +
      'four characters).',
    once: false,
    options: z.strictObject({}),
  },
  smallPages: {
    about: 'Query pages hold at most this many records, whatever the client asks for.',
    once: false,
    options: z.strictObject({ ...scope, size: z.number().int().positive() }),
  },
  shuffledBulkResults: {
    about: 'Bulk result files list their rows in another order than the upload.',
    once: false,
    options: z.strictObject(scope),
  },
  slowBulkJobs: {
    about: 'A Bulk job stays InProgress for so many seconds before it is worked on.',
    once: false,
    options: z.strictObject({ ...scope, seconds }),
  },
  clockSkew: {
    about: 'The clock of the org is off by so many seconds (negative: behind).',
    once: false,
    options: z.strictObject({ seconds: z.number() }),
  },
  recycleBinPurge: {
    about: 'Deleted records are purged as soon as they are this old; from then on not even queryAll shows them.',
    once: false,
    options: z.strictObject({ object: scope.object, ids: scope.ids, afterSeconds: seconds.default(0) }),
  },
  deletedParentError: {
    about:
      'The code for a lookup to a deleted record, which sources give differently (default INVALID_CROSS_REFERENCE_KEY).',
    once: false,
    options: z.strictObject({
      code: z.enum([
        'INVALID_CROSS_REFERENCE_KEY',
        'ENTITY_IS_DELETED',
        'INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY',
      ]),
    }),
  },
  keepStampOnDelete: {
    about: 'Delete and undelete leave SystemModstamp and LastModifiedDate as they are (default: both move).',
    once: false,
    options: z.strictObject({}),
  },
  keepStampOnEqualUpdate: {
    about: 'An update that writes the values already stored leaves the stamps as they are (default: they move).',
    once: false,
    options: z.strictObject({}),
  },
  stampFollowers: {
    about:
      'Children moved by a merge and records whose lookup is cleared get a new SystemModstamp (default: they do not).',
    once: false,
    options: z.strictObject({}),
  },
  keepMultipicklistOrder: {
    about: 'Multipicklists keep the order sent (default: the order in which the values were created).',
    once: false,
    options: z.strictObject({}),
  },
  parserErrorsPerRow: {
    about:
      'A value of the wrong type in a collection fails its row (default: the whole call with 400 JSON_PARSER_ERROR).',
    once: false,
    options: z.strictObject({}),
  },
  upsertAnswers204: {
    about:
      'An upsert that updates answers 204 without a body, as older API versions (default: 200 with created: false).',
    once: false,
    options: z.strictObject({}),
  },
} as const;

export type FaultName = keyof typeof FAULTS;
export type FaultOptions<Name extends FaultName> = z.infer<(typeof FAULTS)[Name]['options']>;
