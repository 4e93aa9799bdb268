import { isNetworkError } from '../core/error-classification.ts';
import { ConfigurationError, InvariantError, RejectedRecordError, RetryableError, SyncError } from '../core/errors.ts';

const DENIED = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'ResourceNotFoundException',
  'NoSuchBucket',
  'QueueDoesNotExist',
  'NotFound',
]);

/**
 * Any error of a Lambda as one of our classes, so that the state machine knows what to do next. A rejected record is data
 * for the step that works on its batch: as the failure of a whole step it is our bug.
 */
export function classified(error: unknown): SyncError {
  if (error instanceof RejectedRecordError) return new InvariantError(error.code, error.message, { cause: error });
  if (error instanceof SyncError) return error;
  if (!(error instanceof Error)) return new InvariantError('UNKNOWN', 'Something was thrown that is no error.');
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  if (isNetworkError(code) || error.name === 'TimeoutError') {
    return new RetryableError(code, `An AWS service cannot be reached: ${error.message}`, { cause: error });
  }
  if (!('$fault' in error)) return new InvariantError(code, error.message, { cause: error });
  const text = `AWS answered ${error.name}: ${error.message}`;
  // Every error of the SDK has the member; it is set where trying again makes sense.
  const isRetryable = '$retryable' in error && error.$retryable !== undefined;
  if (
    error.$fault === 'server' ||
    isRetryable ||
    /Throttl|TooManyRequests|SlowDown|ConditionalRequestConflict/.test(error.name)
  ) {
    return new RetryableError(error.name, text, { cause: error });
  }
  return DENIED.has(error.name)
    ? new ConfigurationError(error.name, text, { cause: error })
    : new InvariantError(error.name, text, { cause: error });
}
