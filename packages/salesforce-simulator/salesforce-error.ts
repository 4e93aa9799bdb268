/**
 * A refusal as Salesforce words it. `code` is what clients match on (`errorCode` of a single call, `statusCode` of a row
 * of a collection, `sf__Error` of Bulk); `status` is the HTTP status of a call that fails as a whole.
 */
export class SalesforceError extends Error {
  override readonly name = 'SalesforceError' as const;
  readonly code: string;
  readonly status: number;
  readonly fields: readonly string[];

  constructor(code: string, message: string, options: { status?: number; fields?: readonly string[] } = {}) {
    super(message);
    this.code = code;
    this.status = options.status ?? 400;
    this.fields = options.fields ?? [];
  }
}

/** The URL names no resource, or a record that this org does not hold. */
export function notFound(message = 'The requested resource does not exist'): SalesforceError {
  return new SalesforceError('NOT_FOUND', message, { status: 404 });
}

/** The record is in the recycle bin, or was removed from it but is still known. */
export function entityIsDeleted(): SalesforceError {
  return new SalesforceError('ENTITY_IS_DELETED', 'entity is deleted', { status: 404 });
}

/** No such record, or one that this user may not see: Salesforce answers both alike. */
export function invalidCrossReference(fields: readonly string[] = []): SalesforceError {
  return new SalesforceError('INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id', { fields });
}

/** The error of one row in a collection, composite or SOAP answer. */
export interface RowError {
  readonly statusCode: string;
  readonly message: string;
  readonly fields: readonly string[];
}

/** Shapes an error as a row of a collection carries it. */
export function rowError(error: SalesforceError): RowError {
  return { statusCode: error.code, message: error.message, fields: error.fields };
}
