import { isNetworkError } from '../core/error-classification.ts';
import { ConfigurationError, InvariantError, RetryableError, SyncError } from '../core/errors.ts';

const DENIED = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'ResourceNotFoundException',
  'NoSuchBucket',
  'NotFound',
]);

/** Any error of a Lambda as one of our classes, so that the state machine knows what to do next. */
export function classified(error: unknown): SyncError {
  if (error instanceof SyncError) return error;
  if (!(error instanceof Error)) return new InvariantError('UNKNOWN', 'Something was thrown that is no error.');
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  if (isNetworkError(code) || error.name === 'TimeoutError') {
    return new RetryableError(code, `An AWS service cannot be reached: ${error.message}`, { cause: error });
  }
  if (!('$fault' in error)) return new InvariantError(code, error.message, { cause: error });
  const told = `AWS answered ${error.name}: ${error.message}`;
  if (error.$fault === 'server' || '$retryable' in error || /Throttl|TooManyRequests|SlowDown/.test(error.name)) {
    return new RetryableError(error.name, told, { cause: error });
  }
  return DENIED.has(error.name)
    ? new ConfigurationError(error.name, told, { cause: error })
    : new InvariantError(error.name, told, { cause: error });
}
