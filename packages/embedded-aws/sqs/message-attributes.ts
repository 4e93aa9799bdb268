import { createHash } from 'node:crypto';
import { invalidParameter } from './errors.ts';

/** A message attribute; binary values are base64 text, in every protocol. */
export interface MessageAttribute {
  readonly DataType: string;
  readonly StringValue?: string;
  readonly BinaryValue?: string;
}
export type MessageAttributes = Readonly<Record<string, MessageAttribute>>;

/** As callers give them: in process, binary values may be bytes. */
export interface GivenAttribute {
  readonly DataType?: string;
  readonly StringValue?: string;
  readonly BinaryValue?: string | Uint8Array;
}

/**
 * Checks message attributes and brings them into their stored form.
 * @throws AwsError `InvalidParameterValueException`
 */
export function checkedAttributes(given: Readonly<Record<string, GivenAttribute>> | undefined): MessageAttributes {
  const names = Object.keys(given ?? {});
  if (names.length > 10) {
    throw invalidParameter(`Number of message attributes [${names.length}] exceeds the allowed maximum [10].`);
  }
  const checked: Record<string, MessageAttribute> = {};
  for (const [name, attribute] of Object.entries(given ?? {})) checked[name] = checkedAttribute(name, attribute);
  return checked;
}

function checkedAttribute(name: string, given: GivenAttribute): MessageAttribute {
  if (!/^(?!.*\.\.)(?!\.)[A-Za-z0-9_.-]{1,256}(?<!\.)$/.test(name) || /^(aws|amazon)\./i.test(name)) {
    throw invalidParameter(
      `Message (user) attribute name '${name}' is invalid: letters, digits, '_', '-' and single '.', not starting with AWS. or Amazon.`,
    );
  }
  const type = given.DataType ?? '';
  if (type === '') throw invalidParameter(`The message attribute '${name}' must contain a non-empty attribute type.`);
  const prefix = type.split('.')[0];
  if (prefix !== 'String' && prefix !== 'Number' && prefix !== 'Binary') {
    throw invalidParameter(
      `The message attribute '${name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.`,
    );
  }
  const field = prefix === 'Binary' ? 'BinaryValue' : 'StringValue';
  const other = prefix === 'Binary' ? given.StringValue : given.BinaryValue;
  const value = given[field];
  if (other !== undefined && value === undefined) {
    throw invalidParameter(`The message attribute '${name}' with type '${type}' must use field '${prefix}'.`);
  }
  if (value === undefined || value.length === 0) {
    throw invalidParameter(`Message (user) attribute '${name}' must contain a non-empty value of type '${type}'.`);
  }
  if (prefix === 'Binary') {
    return { DataType: type, BinaryValue: typeof value === 'string' ? value : Buffer.from(value).toString('base64') };
  }
  const text = String(value);
  if (prefix === 'Number' && (text.trim() === '' || !Number.isFinite(Number(text)))) {
    throw invalidParameter(`Can't cast the value of message (user) attribute '${name}' to a number.`);
  }
  assertCharacters(text);
  return { DataType: type, StringValue: text };
}

/** Bytes that attributes count for in the size of a message: names, types and values. */
export function attributeBytes(attributes: MessageAttributes): number {
  let bytes = 0;
  for (const [name, { DataType, ...value }] of Object.entries(attributes)) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(DataType) + valueBytes(value).length;
  }
  return bytes;
}

function valueBytes(value: { readonly StringValue?: string; readonly BinaryValue?: string }): Buffer {
  return value.BinaryValue === undefined
    ? Buffer.from(value.StringValue ?? '', 'utf8')
    : Buffer.from(value.BinaryValue, 'base64');
}

/** SQS takes what XML 1.0 takes. @throws AwsError `InvalidMessageContents` (through its maker) */
export function hasInvalidCharacters(text: string): boolean {
  // Without the u flag a lone surrogate would pass for half of a pair.
  return /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u.test(text);
}

function assertCharacters(text: string): void {
  if (hasInvalidCharacters(text)) {
    throw invalidParameter('Message (user) attribute value contains characters that SQS does not take.');
  }
}

export function md5OfText(text: string): string {
  return createHash('md5').update(text, 'utf8').digest('hex');
}

/**
 * The digest that clients compare (Developer Guide, "Calculating the MD5 message digest for message attributes"): sorted
 * by name; each name, type and value with its length in four bytes before it, the value after one byte for its kind.
 * Undefined when there are none.
 */
export function md5OfAttributes(attributes: MessageAttributes): string | undefined {
  const names = Object.keys(attributes).sort();
  if (names.length === 0) return undefined;
  const hash = createHash('md5');
  const add = (bytes: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  };
  for (const name of names) {
    const attribute = attributes[name];
    if (attribute === undefined) continue;
    add(Buffer.from(name, 'utf8'));
    add(Buffer.from(attribute.DataType, 'utf8'));
    hash.update(Buffer.from([attribute.BinaryValue === undefined ? 1 : 2]));
    add(valueBytes(attribute));
  }
  return hash.digest('hex');
}

/** Those that a receive asks for: exact names, `All`, `.*`, or a prefix written `bar.*`. */
export function selectAttributes(attributes: MessageAttributes, wanted: readonly string[]): MessageAttributes {
  const wants = (name: string) =>
    wanted.some(
      (pattern) =>
        pattern === 'All' || pattern === name || (pattern.endsWith('.*') && name.startsWith(pattern.slice(0, -2))),
    );
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => wants(name)));
}
