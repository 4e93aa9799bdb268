import { AwsError } from '../service.ts';

export function invalidParameter(reason: string): AwsError {
  return new AwsError('InvalidParameter', `Invalid parameter: ${reason}`);
}

export function notFound(what: string): AwsError {
  return new AwsError('NotFound', `${what} does not exist`, 404);
}
