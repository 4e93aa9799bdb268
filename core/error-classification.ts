/**
 * What happens next after an error, by its code and never by its text. An unknown code is not guessed at: it goes to a
 * person. SQLSTATEs: PostgreSQL manual, appendix A. Salesforce codes: SOAP API Developer Guide, "StatusCode", and the
 * REST API guide's status codes.
 */

export type NextStep = 'retry' | 'reject' | 'configuration' | 'invariant';

const SQLSTATES: Readonly<Record<string, NextStep>> = {
  '40001': 'retry', // serialization failure
  '40P01': 'retry', // deadlock
  '55P03': 'retry', // lock not available
  '55006': 'retry', // object in use: a replication origin held by another session
  '57014': 'retry', // statement timeout
  '57P01': 'retry', // backend terminated
  '57P02': 'retry', // crash of another backend
  '57P03': 'retry', // starting up
  '25006': 'retry', // read-only: failing over
  '25P03': 'retry', // idle_in_transaction_session_timeout: the session is gone
  '25P04': 'retry', // transaction_timeout: the session is gone
  '57P05': 'retry', // idle_session_timeout: the session is gone
  '53400': 'configuration', // no free origin slot: max_replication_slots / max_active_replication_origins
  P0001: 'reject', // a trigger of the application refused the row
};

const SQLSTATE_CLASSES: Readonly<Record<string, NextStep>> = {
  '08': 'retry', // connection
  '53': 'retry', // resources: connections, memory, disk
  '22': 'reject', // data
  '23': 'reject', // integrity
  '28': 'configuration', // authentication
  '3D': 'configuration', // no such database
  '42': 'configuration', // no such table or column, no privilege
};

export function classifySqlState(code: string): NextStep {
  return lookUp(SQLSTATES, code) ?? lookUp(SQLSTATE_CLASSES, code.slice(0, 2)) ?? 'invariant';
}

/** The server itself is away, full, read-only, shutting down or broken, or does not let us in. */
const OF_SURROUNDINGS = new Set(['08', '25', '26', '28', '2D', '34', '3D', '40', '53', '57', '58', 'F0']);
/** Within these classes, what one record may be the cause of: a trigger that takes too long for it. */
const OF_RECORD_ALL_THE_SAME = new Set(['57014']);
const LOCKED = new Set(['55P03', '55006']);

/**
 * Whether a statement that works with the values of records may have been refused for the sake of one of them. No list of codes
 * says so, for a trigger, a constraint or an index may refuse a row with any: all may, but those by which the server says
 * that it is not the record, or that another transaction is in the way.
 */
export function isOfRecord(code: string): boolean {
  if (OF_RECORD_ALL_THE_SAME.has(code)) return true;
  return code !== '' && !OF_SURROUNDINGS.has(code.slice(0, 2)) && !LOCKED.has(code);
}

/** Whether the code is one of those that each record meets when the statement itself does not fit the database. */
export function isOfStatement(code: string): boolean {
  return code.startsWith('42');
}

/** Another row has a value that may be there once only (unique and exclusion constraints): it may give it up. */
export function isCollision(code: string): boolean {
  return code === '23505' || code === '23P01';
}

/** Another transaction is in the way: a lock that was not to be had in time, a deadlock, a serialisation failure. */
export function isOfLocks(code: string): boolean {
  return code === '55P03' || code.startsWith('40');
}

/** Codes come from outside: `constructor` is none of ours. */
function lookUp<Step>(table: Readonly<Record<string, Step>>, code: string): Step | undefined {
  return Object.hasOwn(table, code) ? table[code] : undefined;
}

const NETWORK_ERRORS = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

export function isNetworkError(code: string): boolean {
  return NETWORK_ERRORS.has(code);
}

/** `deleted`: the record is in the recycle bin or gone, which a delete welcomes and an update has to look at. */
export type SalesforceNextStep = NextStep | 'deleted';

const SALESFORCE: Readonly<Record<string, SalesforceNextStep>> = {
  ENTITY_IS_DELETED: 'deleted',
  // Hard-deleted, of another org, not visible, or a lookup's parent that is gone: a delete takes it for done.
  INVALID_CROSS_REFERENCE_KEY: 'reject',
  INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY: 'reject',
  INSUFFICIENT_ACCESS_OR_READONLY: 'reject',
  NOT_FOUND: 'reject',
  UNABLE_TO_LOCK_ROW: 'retry',
  REQUEST_LIMIT_EXCEEDED: 'retry',
  SERVER_UNAVAILABLE: 'retry',
  QUERY_TIMEOUT: 'retry',
  INVALID_QUERY_LOCATOR: 'retry', // the cursor has expired: a reader of pages has to begin again later
  REQUEST_RUNNING_TOO_LONG: 'retry',
  UNKNOWN_EXCEPTION: 'retry',
  TOO_MANY_APEX_REQUESTS: 'retry',
  TXN_SECURITY_RUNTIME_EXCEPTION: 'reject',
  INVALID_SESSION_ID: 'retry',
  ALL_OR_NONE_OPERATION_ROLLED_BACK: 'retry', // not the cause: sent again without the bad one
  PROCESSING_HALTED: 'retry',
  DUPLICATE_VALUE: 'reject',
  DUPLICATES_DETECTED: 'reject',
  REQUIRED_FIELD_MISSING: 'reject',
  STRING_TOO_LONG: 'reject',
  NUMBER_OUTSIDE_VALID_RANGE: 'reject',
  INVALID_EMAIL_ADDRESS: 'reject',
  INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST: 'reject',
  FIELD_CUSTOM_VALIDATION_EXCEPTION: 'reject',
  FIELD_INTEGRITY_EXCEPTION: 'reject',
  FIELD_FILTER_VALIDATION_EXCEPTION: 'reject',
  FAILED_ACTIVATION: 'reject',
  INACTIVE_OWNER_OR_USER: 'reject',
  CIRCULAR_DEPENDENCY: 'reject',
  STORAGE_LIMIT_EXCEEDED: 'reject',
  LIMIT_EXCEEDED: 'reject',
  MALFORMED_ID: 'reject',
  JSON_PARSER_ERROR: 'reject',
  INVALID_TYPE_ON_FIELD_IN_RECORD: 'reject',
  DELETE_FAILED: 'reject',
  DELETE_OPERATION_TOO_LARGE: 'reject',
  UNDELETE_FAILED: 'reject',
  DEPENDENCY_EXISTS: 'reject',
  CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY: 'reject',
  CANNOT_EXECUTE_FLOW_TRIGGER: 'reject',
  INVALID_FIELD_FOR_INSERT_UPDATE: 'reject',
  INVALID_FIELD: 'configuration',
  INVALID_TYPE: 'configuration',
  MALFORMED_QUERY: 'configuration',
  API_DISABLED_FOR_ORG: 'configuration',
  API_CURRENTLY_DISABLED: 'configuration',
  UNSUPPORTED_API_VERSION: 'configuration',
  INVALID_AUTH_HEADER: 'configuration',
  INVALID_HEADER_TYPE: 'configuration',
  INVALIDJOB: 'configuration', // Bulk API 2.0: an object or operation that it does not take
  FEATURENOTENABLED: 'configuration', // Bulk API 2.0 is off for the user
  invalid_grant: 'configuration',
  invalid_client: 'configuration',
  invalid_client_id: 'configuration',
};

/**
 * Answers to a record that name a field whose value is at fault by itself; not those of a rule that may weigh several of them, as
 * FIELD_INTEGRITY_EXCEPTION does (a state that is none of the country's).
 */
const OF_VALUE = new Set([
  'STRING_TOO_LONG',
  'NUMBER_OUTSIDE_VALID_RANGE',
  'INVALID_EMAIL_ADDRESS',
  'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
  'INVALID_TYPE_ON_FIELD_IN_RECORD',
  'INVALID_FIELD_FOR_INSERT_UPDATE',
  'REQUIRED_FIELD_MISSING',
  'MALFORMED_ID',
  // A lookup to a record that is gone, or that our user may not see.
  'INVALID_CROSS_REFERENCE_KEY',
  'INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY',
]);

/** Whether Salesforce may take the record without the value of the field that the answer names. */
export function isOfValue(code: string): boolean {
  return OF_VALUE.has(code);
}

/** By status code of a record or error code of a call; jsforce names an answer that is no JSON `ERROR_HTTP_<status>`. */
export function classifySalesforce(code: string): SalesforceNextStep {
  const known = lookUp(SALESFORCE, code);
  if (known !== undefined) return known;
  if (isNetworkError(code) || /^ERROR_HTTP_(408|420|429|5\d\d)$/.test(code)) return 'retry';
  if (/^ERROR_HTTP_4\d\d$/.test(code)) return 'configuration';
  return 'invariant';
}
