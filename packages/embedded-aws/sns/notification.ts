import { AwsError } from '../service.ts';
import { invalidParameter } from './errors.ts';

/** A message attribute; binary values are base64 text. */
export interface NotificationAttribute {
  readonly DataType: string;
  readonly StringValue?: string;
  readonly BinaryValue?: string;
}

/** A published message. */
export interface Notification {
  readonly topicArn: string;
  readonly messageId: string;
  readonly subject: string | undefined;
  readonly message: string;
  /** With MessageStructure `json`: what to send by protocol. */
  readonly byProtocol: Readonly<Record<string, string>> | undefined;
  readonly attributes: Readonly<Record<string, NotificationAttribute>>;
  /** Milliseconds since 1970. */
  readonly publishedAt: number;
}

export interface GivenNotification {
  readonly Message?: string;
  readonly Subject?: string;
  readonly MessageStructure?: string;
  readonly MessageAttributes?: Readonly<
    Record<string, { DataType?: string; StringValue?: string; BinaryValue?: string | Uint8Array }>
  >;
}

/** A message may have 256 KiB, attributes included (API reference, Publish). */
const MAX_BYTES = 262_144;

/**
 * Checks what is to be published.
 * @throws AwsError `InvalidParameter`, `ParameterValueInvalid`
 */
export function checkedNotification(
  given: GivenNotification,
): Pick<Notification, 'subject' | 'message' | 'byProtocol' | 'attributes'> {
  const { Message: message, Subject: subject } = given;
  if (typeof message !== 'string' || message === '') throw invalidParameter('Empty message');
  // At most 100 characters of ASCII text that begin with a letter, digit or punctuation, without line breaks.
  if (subject !== undefined && !/^[!-~][ -~]{0,99}$/.test(subject)) throw invalidParameter('Subject');
  const attributes = checkedAttributes(given.MessageAttributes ?? {});
  const bytes = Buffer.byteLength(message) + Buffer.byteLength(JSON.stringify(attributes));
  if (bytes > MAX_BYTES) throw invalidParameter('Message too long');
  if (given.MessageStructure === undefined) return { subject, message, byProtocol: undefined, attributes };
  if (given.MessageStructure !== 'json') throw invalidParameter('MessageStructure can only be json');
  const byProtocol = structure(message);
  return { subject, message: byProtocol.default ?? '', byProtocol, attributes };
}

function structure(message: string): Readonly<Record<string, string>> {
  let value: unknown;
  try {
    value = JSON.parse(message);
  } catch {
    throw invalidParameter('Message Structure - JSON message body failed to parse');
  }
  if (typeof value !== 'object' || value === null || !('default' in value) || typeof value.default !== 'string') {
    throw invalidParameter('Message Structure - No default entry in JSON message body');
  }
  return Object.fromEntries(
    Object.entries(value).flatMap(([protocol, text]) => (typeof text === 'string' ? [[protocol, text]] : [])),
  );
}

function checkedAttributes(
  given: NonNullable<GivenNotification['MessageAttributes']>,
): Record<string, NotificationAttribute> {
  const checked: Record<string, NotificationAttribute> = {};
  for (const [name, { DataType: type = '', StringValue: text, BinaryValue: bytes }] of Object.entries(given)) {
    const refused = (reason: string) =>
      new AwsError('ParameterValueInvalid', `The message attribute '${name}' ${reason}`);
    const kind = type.split('.')[0];
    if (kind !== 'String' && kind !== 'Number' && kind !== 'Binary') {
      throw refused('has an invalid type: the supported ones are String, String.Array, Number and Binary.');
    }
    if (kind === 'Binary') {
      if (bytes === undefined || bytes.length === 0) throw refused('must contain a non-empty binary value.');
      const BinaryValue = typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('base64');
      checked[name] = { DataType: type, BinaryValue };
      continue;
    }
    if (text === undefined || text === '') throw refused(`must contain a non-empty value of type ${type}.`);
    const isNumber = String(text).trim() !== '' && Number.isFinite(Number(text));
    if (kind === 'Number' && !isNumber) throw refused('is not a number.');
    checked[name] = { DataType: type, StringValue: String(text) };
  }
  return checked;
}
