import { AwsError } from '../service.ts';
import { invalidValue, unsupported } from './errors.ts';

/** Queue attributes as the API has them: text by name. */
export type QueueAttributes = Readonly<Record<string, string>>;

export interface RedrivePolicy {
  readonly deadLetterTargetArn: string;
  readonly maxReceiveCount: number;
}

export interface RedriveAllowPolicy {
  readonly redrivePermission: 'allowAll' | 'denyAll' | 'byQueue';
  readonly sourceQueueArns?: readonly string[];
}

/** What a standard queue has by default (API reference, SetQueueAttributes). Seconds and bytes. */
export const DEFAULT_ATTRIBUTES: QueueAttributes = {
  DelaySeconds: '0',
  MaximumMessageSize: '1048576',
  MessageRetentionPeriod: '345600',
  ReceiveMessageWaitTimeSeconds: '0',
  SqsManagedSseEnabled: 'true',
  VisibilityTimeout: '30',
};

const BOUNDS: Readonly<Record<string, readonly [minimum: number, maximum: number]>> = {
  DelaySeconds: [0, 900],
  KmsDataKeyReusePeriodSeconds: [60, 86_400],
  MaximumMessageSize: [1_024, 1_048_576],
  MessageRetentionPeriod: [60, 1_209_600],
  ReceiveMessageWaitTimeSeconds: [0, 20],
  VisibilityTimeout: [0, 43_200],
};
const TEXTS: ReadonlySet<string> = new Set(['Policy', 'KmsMasterKeyId', 'SqsManagedSseEnabled']);
const FIFO_DETAILS: ReadonlySet<string> = new Set(['DeduplicationScope', 'FifoThroughputLimit']);

/** What the service computes; readable, not settable. */
export const COMPUTED_ATTRIBUTES: readonly string[] = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesDelayed',
  'ApproximateNumberOfMessagesNotVisible',
  'CreatedTimestamp',
  'LastModifiedTimestamp',
  'QueueArn',
];

const READABLE: ReadonlySet<string> = new Set([
  ...COMPUTED_ATTRIBUTES,
  ...Object.keys(BOUNDS),
  ...TEXTS,
  ...FIFO_DETAILS,
  'RedrivePolicy',
  'RedriveAllowPolicy',
  'FifoQueue',
  'ContentBasedDeduplication',
]);

export function unknownAttribute(name: string): AwsError {
  return new AwsError('InvalidAttributeName', `Unknown Attribute ${name}.`);
}

/** @throws AwsError `InvalidAttributeName` when SQS has no such attribute to read */
export function assertReadable(names: readonly string[]): void {
  for (const name of names) if (name !== 'All' && !READABLE.has(name)) throw unknownAttribute(name);
}

/**
 * Checks what CreateQueue or SetQueueAttributes is to set. Values are taken as text, since callers in process may pass
 * numbers and objects.
 * @throws AwsError `InvalidAttributeName`, `InvalidAttributeValue`, `InvalidParameterValueException`
 */
export function settableAttributes(given: Readonly<Record<string, unknown>>): QueueAttributes {
  const checked: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    const text = typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
    const bounds = BOUNDS[name];
    if (bounds !== undefined) {
      const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
      if (!(number >= bounds[0] && number <= bounds[1])) throw invalidAttributeValue(name);
    } else if (name === 'RedrivePolicy') {
      if (text !== '') parseRedrivePolicy(text);
    } else if (name === 'RedriveAllowPolicy') {
      if (text !== '') parseRedriveAllowPolicy(text);
    } else if (FIFO_DETAILS.has(name)) {
      throw new AwsError('InvalidAttributeName', `You can specify the ${name} only when FifoQueue is set to true.`);
    } else if (!TEXTS.has(name)) {
      throw unknownAttribute(name);
    } else if (name === 'SqsManagedSseEnabled' && text !== 'true' && text !== 'false') {
      throw invalidAttributeValue(name);
    }
    checked[name] = text;
  }
  return checked;
}

function invalidAttributeValue(name: string): AwsError {
  return new AwsError('InvalidAttributeValue', `Invalid value for the parameter ${name}.`);
}

/** @throws AwsError `InvalidParameterValueException` */
export function parseRedrivePolicy(text: string): RedrivePolicy {
  const refused = (reason: string) => invalidValue(text, 'RedrivePolicy', reason);
  const policy = parseMap(text);
  if (policy === undefined) throw refused('Redrive policy is not a valid JSON map.');
  const { deadLetterTargetArn } = policy;
  for (const name of ['deadLetterTargetArn', 'maxReceiveCount']) {
    if (policy[name] === undefined) throw refused(`Redrive policy does not contain mandatory attribute: ${name}.`);
  }
  // The count may be written as text, as CloudFormation does.
  const maxReceiveCount = Number(policy.maxReceiveCount);
  if (!Number.isInteger(maxReceiveCount) || maxReceiveCount < 1 || maxReceiveCount > 1_000) {
    throw refused(
      `Invalid value for maxReceiveCount: ${String(policy.maxReceiveCount)}, valid values are from 1 to 1000 both inclusive.`,
    );
  }
  if (typeof deadLetterTargetArn !== 'string') throw refused('Invalid value for deadLetterTargetArn.');
  return { deadLetterTargetArn, maxReceiveCount };
}

/** @throws AwsError `InvalidParameterValueException` */
export function parseRedriveAllowPolicy(text: string): RedriveAllowPolicy {
  const refused = (reason: string) => invalidValue(text, 'RedriveAllowPolicy', reason);
  const policy = parseMap(text);
  if (policy === undefined) throw refused('Amazon SQS can not create the redrive allow policy, as it is not JSON.');
  const { redrivePermission, sourceQueueArns } = policy;
  if (redrivePermission !== 'allowAll' && redrivePermission !== 'denyAll' && redrivePermission !== 'byQueue') {
    throw refused('redrivePermission must be one of allowAll, denyAll, byQueue.');
  }
  if (redrivePermission !== 'byQueue') return { redrivePermission };
  if (!Array.isArray(sourceQueueArns) || sourceQueueArns.length === 0 || sourceQueueArns.length > 10) {
    throw refused('byQueue needs 1 to 10 sourceQueueArns.');
  }
  return { redrivePermission, sourceQueueArns: sourceQueueArns.map(String) };
}

function parseMap(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (error) {
    // Not JSON is as wrong as JSON that is no map; the caller says so.
    if (!(error instanceof SyntaxError)) throw error;
  }
  return undefined;
}

/** @throws AwsError when the queue cannot be made: an unlawful name, or one of a FIFO queue, which are not offered here */
export function assertQueueName(name: string, attributes: Readonly<Record<string, unknown>>): void {
  if (name.endsWith('.fifo') || String(attributes.FifoQueue) === 'true') {
    throw unsupported(`FIFO queues are not part of this endpoint: make ${name} a standard queue.`);
  }
  if (!/^[A-Za-z0-9_-]{1,80}$/.test(name)) {
    throw new AwsError(
      'InvalidParameterValueException',
      'Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length',
    );
  }
}
