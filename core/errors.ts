/**
 * Errors answer one question: what happens next? There are five answers, and so five classes. State machines match on
 * `name`, which is why it is written out: bundlers rename classes.
 */
export abstract class SyncError extends Error {
  /** A stable code for tables, metrics and searches: a SQLSTATE, a Salesforce status code or one of our own. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The same input is tried again, with backoff: a throttled call, a lost connection, a locked row. */
export class RetryableError extends SyncError {
  override readonly name = 'RetryableError' as const;
}

/** One record is rejected with its reason; its batch goes on. `field` is the Salesforce field at fault, where known. */
export class RejectedRecordError extends SyncError {
  override readonly name = 'RejectedRecordError' as const;
  readonly field: string | undefined;

  constructor(code: string, message: string, field?: string, options?: ErrorOptions) {
    super(code, message, options);
    this.field = field;
  }
}

/** The pipeline stops and says what to change: a wrong setting, a missing grant, a file that is no record file. */
export class ConfigurationError extends SyncError {
  override readonly name = 'ConfigurationError' as const;
}

/** Another execution has taken the object's lease: it goes on with what is due, and this one ends well. */
export class LeaseLostError extends SyncError {
  override readonly name = 'LeaseLostError' as const;
}

/** Our own bug, or an error that is not classified yet: the execution fails and an operator looks. */
export class InvariantError extends SyncError {
  override readonly name = 'InvariantError' as const;
}
