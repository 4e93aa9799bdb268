import { AwsError } from '../service.ts';
import type { Target } from './rule.ts';

/** Defaults and bounds of a target's retry policy (EventBridge User Guide, event retry policy and dead-letter queues). */
export const DEFAULT_RETRY_ATTEMPTS = 185;
export const DEFAULT_EVENT_AGE_SECONDS = 86_400;

/** Why a delivery did not succeed, in EventBridge's words, and whether trying again makes sense. */
export interface DeliveryFailure {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

/**
 * Missing permission and a missing target are not retried, nor is an input that the target refuses: the same call would
 * fail again. Throttling and faults of the target are.
 */
export function deliveryFailure(error: unknown): DeliveryFailure {
  if (!(error instanceof AwsError)) {
    return { code: 'INTERNAL_ERROR', message: String(error), retryable: true };
  }
  const { message } = error;
  if (PERMISSION.test(error.code)) return { code: 'NO_PERMISSIONS', message, retryable: false };
  if (MISSING.test(error.code)) return { code: 'NO_RESOURCE', message, retryable: false };
  if (THROTTLED.test(error.code) || error.status === 429) return { code: 'THROTTLING', message, retryable: true };
  if (error.status >= 500) return { code: 'ERROR_FROM_TARGET', message, retryable: true };
  return { code: 'SDK_CLIENT_ERROR', message: `${error.code}: ${message}`, retryable: false };
}

const PERMISSION = /AccessDenied|AuthorizationError|NotAuthorized|UnauthorizedOperation/;
const MISSING = /NotFound|DoesNotExist|NonExistentQueue/;
const THROTTLED = /Throttl|TooManyRequests|LimitExceeded|SlowDown|OverLimit/;

/** What follows a failed delivery. */
export type NextStep =
  | { readonly kind: 'retry'; readonly delayMs: number }
  | { readonly kind: 'give-up'; readonly exhausted: 'MaximumRetryAttempts' | 'MaximumEventAgeInSeconds' | undefined };

const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 5 * 60_000;

/**
 * Exponential backoff with jitter: between half and all of 1 s, 2 s, 4 s ... at most 5 minutes (EventBridge names the
 * method, not the numbers). `retries` is how many were made, `ageMs` how old the event is; `random` lies in [0, 1).
 */
export function nextStep(
  failure: DeliveryFailure,
  policy: Target['RetryPolicy'],
  retries: number,
  ageMs: number,
  random: number,
): NextStep {
  if (!failure.retryable) return { kind: 'give-up', exhausted: undefined };
  if (retries >= (policy?.MaximumRetryAttempts ?? DEFAULT_RETRY_ATTEMPTS)) {
    return { kind: 'give-up', exhausted: 'MaximumRetryAttempts' };
  }
  const whole = Math.min(FIRST_DELAY_MS * 2 ** retries, LONGEST_DELAY_MS);
  const delayMs = Math.round(whole * (0.5 + random / 2));
  const maximumAgeMs = 1000 * (policy?.MaximumEventAgeInSeconds ?? DEFAULT_EVENT_AGE_SECONDS);
  if (ageMs + delayMs > maximumAgeMs) return { kind: 'give-up', exhausted: 'MaximumEventAgeInSeconds' };
  return { kind: 'retry', delayMs };
}
