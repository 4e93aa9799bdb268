import { ACCOUNT, AwsError } from '../service.ts';

/**
 * The bare name in a FunctionName: a name, a partial ARN (`000000000000:function:name`) or an ARN, each with or without
 * `:$LATEST`. Throws AwsError `ResourceNotFoundException` for another version, account or region.
 */
export function functionNameOf(given: string, region: string, qualifier?: string): string {
  const match =
    /^(?:arn:aws:lambda:([^:]+):)?(?:(\d{12}):)?(?:function:)?([A-Za-z0-9_-]{1,140})(?::([A-Za-z0-9$_-]+))?$/.exec(
      given,
    );
  if (match === null) {
    const text = `1 validation error detected: Value '${given}' at 'functionName' failed to satisfy constraint: Member must be a function name or ARN`;
    throw new AwsError('ValidationException', text);
  }
  const [, arnRegion = region, account = ACCOUNT, name = '', version] = match;
  const wanted = version ?? qualifier ?? '$LATEST';
  if (arnRegion !== region || account !== ACCOUNT || wanted !== '$LATEST') {
    throw notFound(`arn:aws:lambda:${arnRegion}:${account}:function:${name}:${wanted}`);
  }
  return name;
}

export function functionArn(name: string, region: string): string {
  return `arn:aws:lambda:${region}:${ACCOUNT}:function:${name}`;
}

export function notFound(arn: string): AwsError {
  return new AwsError('ResourceNotFoundException', `Function not found: ${arn}`, 404, { Type: 'User' });
}
