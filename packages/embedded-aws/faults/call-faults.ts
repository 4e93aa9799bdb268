import { AwsError, type ServiceName } from '../service.ts';

/** How each service refuses what is too much (its API reference, common errors). */
const THROTTLING: Partial<Record<ServiceName, readonly [code: string, status: number]>> = {
  lambda: ['TooManyRequestsException', 429],
  s3: ['SlowDown', 503],
  sqs: ['RequestThrottled', 403],
  sns: ['Throttled', 429],
};

export function throttling(service: ServiceName): AwsError {
  const [code, status] = THROTTLING[service] ?? ['ThrottlingException', 400];
  return new AwsError(code, 'Rate exceeded', status);
}

/** How each says that it cannot, for now. */
const UNAVAILABLE: Partial<Record<ServiceName, readonly [code: string, status: number]>> = {
  appflow: ['InternalServerException', 500],
  events: ['InternalException', 500],
  lambda: ['ServiceException', 500],
  secretsmanager: ['InternalServiceError', 500],
  sns: ['InternalError', 500],
};

export function unavailable(service: ServiceName): AwsError {
  const [code, status] = UNAVAILABLE[service] ?? ['ServiceUnavailable', 503];
  return new AwsError(code, 'The service is not available. Please try again.', status);
}

/** Names, ARNs, URLs and keys that a call's input has at its top. */
export function namesIn(input: object): string[] {
  return Object.values(input).filter((value) => typeof value === 'string' && value.length < 2048);
}
