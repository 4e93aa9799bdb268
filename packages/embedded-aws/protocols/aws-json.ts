import { AwsError, type ServiceName } from '../service.ts';
import { queryCode } from '../sqs/errors.ts';

/** An answer of any protocol, ready to be written. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** The services that speak AWS JSON: prefix of `x-amz-target`, version in the content type, namespace of error types. */
export const JSON_SERVICES: Readonly<
  Partial<Record<ServiceName, { readonly target: string; readonly version: '1.0' | '1.1'; readonly namespace: string }>>
> = {
  sqs: { target: 'AmazonSQS', version: '1.0', namespace: 'com.amazonaws.sqs#' },
  states: { target: 'AWSStepFunctions', version: '1.0', namespace: 'com.amazonaws.swf.service.v2.model#' },
  events: { target: 'AWSEvents', version: '1.1', namespace: '' },
  monitoring: {
    target: 'GraniteServiceVersion20100801',
    version: '1.0',
    namespace: 'com.amazonaws.cloudwatch.v2010_08_01#',
  },
  logs: { target: 'Logs_20140328', version: '1.1', namespace: '' },
  secretsmanager: { target: 'secretsmanager', version: '1.1', namespace: '' },
};

/**
 * JSON as AWS writes it: dates as seconds since 1970, bytes in base64. Members that are undefined are left out.
 */
export function encodeJson(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, key, shown: unknown) {
    // `shown` has been through toJSON already; the holder still has the value itself.
    const original = this[key];
    if (original instanceof Date) return original.getTime() / 1000;
    if (original instanceof Uint8Array) return Buffer.from(original).toString('base64');
    return shown;
  });
}

/**
 * The object that a JSON body holds; an empty body is an empty object.
 * @throws AwsError `SerializationException`
 */
export function decodeJson(body: Uint8Array): object {
  const text = Buffer.from(body).toString('utf8');
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new AwsError('SerializationException', `the body is not JSON: ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AwsError('SerializationException', 'the body must be a JSON object');
  }
  return value;
}

export function jsonAnswer(service: ServiceName, output: unknown): Answer {
  const version = JSON_SERVICES[service]?.version ?? '1.0';
  const headers = { 'content-type': `application/x-amz-json-${version}` };
  return { status: 200, headers, body: output === undefined ? '' : encodeJson(output) };
}

export function jsonErrorAnswer(service: ServiceName | undefined, error: AwsError): Answer {
  const protocol = service === undefined ? undefined : JSON_SERVICES[service];
  const headers: Record<string, string> = { 'content-type': `application/x-amz-json-${protocol?.version ?? '1.0'}` };
  if (service === 'sqs') {
    const fault = error.status < 500 ? 'Sender' : 'Receiver';
    headers['x-amzn-query-error'] = `${queryCode(error.code)};${fault}`;
  }
  const body = { __type: `${protocol?.namespace ?? ''}${error.code}`, message: error.message, ...error.details };
  return { status: error.status, headers, body: encodeJson(body) };
}
