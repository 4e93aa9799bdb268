import { randomUUID } from 'node:crypto';
import { AwsError, type Caller, type EmbeddedAws } from '../service.ts';
import type { Arrivals } from './arrivals.ts';
import { type BatchEntry, type BatchOutcome, runBatch } from './batch.ts';
import { boundedInteger, invalidParameter, invalidValue, missingParameter } from './errors.ts';
import {
  attributeBytes,
  checkedAttributes,
  type GivenAttribute,
  hasInvalidCharacters,
  type MessageAttributes,
  md5OfAttributes,
  md5OfText,
  selectAttributes,
} from './message-attributes.ts';
import type { Messages, ReceivedMessage, SystemAttributes } from './messages.ts';
import { queueOfUrl } from './queue-address.ts';
import type { Queue, Queues } from './queues.ts';
import { messageOfReceipt } from './receipt.ts';

interface OfQueue {
  readonly QueueUrl?: string;
}
interface Outgoing {
  readonly MessageBody?: string;
  readonly DelaySeconds?: number;
  readonly MessageAttributes?: Readonly<Record<string, GivenAttribute>>;
  readonly MessageSystemAttributes?: Readonly<Record<string, GivenAttribute>>;
  readonly MessageGroupId?: string;
}
interface Receipt {
  readonly ReceiptHandle?: string;
}
interface VisibilityChange extends Receipt {
  readonly VisibilityTimeout?: number;
}
interface Receive extends OfQueue {
  readonly MaxNumberOfMessages?: number;
  readonly VisibilityTimeout?: number;
  readonly WaitTimeSeconds?: number;
  /** The older name of MessageSystemAttributeNames. */
  readonly AttributeNames?: readonly string[];
  readonly MessageSystemAttributeNames?: readonly string[];
  readonly MessageAttributeNames?: readonly string[];
}

/** A batch as a whole may be as large as the largest message. */
const MAX_BATCH_BYTES = 1_048_576;
const MAX_VISIBILITY_SECONDS = 43_200;

/** Sending, receiving, hiding and deleting messages. */
export class MessageOperations {
  readonly #aws: EmbeddedAws;
  readonly #queues: Queues;
  readonly #messages: Messages;
  readonly #arrivals: Arrivals;

  constructor(aws: EmbeddedAws, queues: Queues, messages: Messages, arrivals: Arrivals) {
    this.#aws = aws;
    this.#queues = queues;
    this.#messages = messages;
    this.#arrivals = arrivals;
  }

  sendMessage(input: OfQueue & Outgoing, caller: Caller): object {
    const queue = queueOfUrl(this.#queues, input.QueueUrl);
    const output = this.#send(queue, input, caller);
    this.#sent(queue, 1);
    return output;
  }

  sendMessageBatch(
    input: OfQueue & { readonly Entries?: readonly (BatchEntry & Outgoing)[] },
    caller: Caller,
  ): BatchOutcome {
    const queue = queueOfUrl(this.#queues, input.QueueUrl);
    const outcome = runBatch(
      'SendMessageBatch',
      input.Entries,
      (entry) => this.#send(queue, entry, caller),
      assertBatchSize,
    );
    this.#sent(queue, outcome.Successful?.length ?? 0);
    return outcome;
  }

  #send(queue: Queue, given: Outgoing, caller: Caller): object {
    const { MessageBody: body, MessageGroupId: group } = given;
    if (body === undefined || body === '') throw missingParameter('MessageBody');
    if (typeof body !== 'string') throw invalidParameter('MessageBody must be text.');
    const attributes = checkedAttributes(given.MessageAttributes);
    const limit = Number(queue.attributes.MaximumMessageSize);
    if (Buffer.byteLength(body) + attributeBytes(attributes) > limit) {
      throw invalidParameter(
        `One or more parameters are invalid. Reason: Message must be shorter than ${limit} bytes.`,
      );
    }
    if (hasInvalidCharacters(body)) {
      throw new AwsError(
        'InvalidMessageContents',
        'Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF',
      );
    }
    // Standard queues take a group as a hint for fair sharing; letters, digits and ASCII punctuation.
    if (group !== undefined && !/^[!-~]{1,128}$/.test(group)) {
      const reason = 'MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.';
      throw invalidValue(group, 'MessageGroupId', reason);
    }
    const delay = boundedInteger(given.DelaySeconds, 'DelaySeconds', 0, 900, 'DelaySeconds must be >= 0 and <= 900.');
    const { system, traced } = systemAttributes(given, caller);
    const id = randomUUID();
    const { faults } = this.#aws;
    const late = faults?.strike('lateMessages', { queue: queue.name });
    const lateMs = late === undefined ? 0 : (faults?.within(late.withinMs) ?? 0);
    const delaySeconds = (delay ?? Number(queue.attributes.DelaySeconds)) + lateMs / 1_000;
    this.#messages.send(queue, { id, body, attributes, system }, this.#aws.now(), delaySeconds);
    return {
      MessageId: id,
      MD5OfMessageBody: md5OfText(body),
      MD5OfMessageAttributes: md5OfAttributes(attributes),
      MD5OfMessageSystemAttributes: md5OfAttributes(traced),
    };
  }

  #sent(queue: Queue, count: number): void {
    if (count === 0) return;
    this.#arrivals.announce(queue.name);
    const text = count === 1 ? 'message sent' : `${count} messages sent`;
    this.#aws.journal.record({ kind: 'message-sent', subject: queue.name, text });
  }

  async receiveMessage(input: Receive, _caller: Caller, gone?: AbortSignal): Promise<object> {
    const name = queueOfUrl(this.#queues, input.QueueUrl).name;
    const limit =
      boundedInteger(
        input.MaxNumberOfMessages,
        'MaxNumberOfMessages',
        1,
        10,
        'Must be between 1 and 10, if provided.',
      ) ?? 1;
    const visibility = boundedInteger(input.VisibilityTimeout, 'VisibilityTimeout', 0, MAX_VISIBILITY_SECONDS);
    const wait = boundedInteger(input.WaitTimeSeconds, 'WaitTimeSeconds', 0, 20);
    if (wait === 0 && this.#aws.faults?.strike('overlookedMessages', { queue: name }) !== undefined) return {};
    const startedAt = this.#aws.now();
    for (;;) {
      // Looked up anew each time: while we waited, the queue may have been changed or deleted.
      const queue = this.#queues.named(name);
      const now = this.#aws.now();
      const deadLetters = this.#queues.byArn(queue.redrive?.deadLetterTargetArn);
      const visibilitySeconds = visibility ?? Number(queue.attributes.VisibilityTimeout);
      const { messages, movedTo } = this.#messages.receive(queue, deadLetters, limit, visibilitySeconds, now);
      if (movedTo !== undefined) this.#arrivals.announce(movedTo);
      if (messages.length > 0) return { Messages: messages.map((message) => shown(message, input)) };
      const deadline = startedAt + (wait ?? Number(queue.attributes.ReceiveMessageWaitTimeSeconds)) * 1_000;
      if (now >= deadline) return {};
      const wakeAt = Math.min(deadline, this.#messages.nextVisibleAt(queue, now) ?? deadline);
      await this.#arrivals.wait(name, wakeAt - now, gone);
      if (gone?.aborted) return {};
    }
  }

  deleteMessage(input: OfQueue & Receipt): void {
    this.#delete(queueOfUrl(this.#queues, input.QueueUrl), input);
  }

  deleteMessageBatch(input: OfQueue & { readonly Entries?: readonly (BatchEntry & Receipt)[] }): BatchOutcome {
    const queue = queueOfUrl(this.#queues, input.QueueUrl);
    return runBatch('DeleteMessageBatch', input.Entries, (entry) => {
      this.#delete(queue, entry);
      return {};
    });
  }

  #delete(queue: Queue, { ReceiptHandle: handle }: Receipt): void {
    if (handle === undefined) throw missingParameter('ReceiptHandle');
    const id = messageOfReceipt(handle, queue.arn);
    const { faults } = this.#aws;
    const again = faults?.strike('repeatedMessages', { queue: queue.name });
    if (faults === undefined || again === undefined) this.#messages.delete(queue, id);
    else this.#messages.setVisibleAt(queue, id, this.#aws.now() + faults.within(again.withinMs));
  }

  changeMessageVisibility(input: OfQueue & VisibilityChange): void {
    this.#changeVisibility(queueOfUrl(this.#queues, input.QueueUrl), input);
  }

  changeMessageVisibilityBatch(
    input: OfQueue & { readonly Entries?: readonly (BatchEntry & VisibilityChange)[] },
  ): BatchOutcome {
    const queue = queueOfUrl(this.#queues, input.QueueUrl);
    return runBatch('ChangeMessageVisibilityBatch', input.Entries, (entry) => {
      this.#changeVisibility(queue, entry);
      return {};
    });
  }

  #changeVisibility(queue: Queue, { ReceiptHandle: handle, VisibilityTimeout: given }: VisibilityChange): void {
    if (handle === undefined) throw missingParameter('ReceiptHandle');
    const seconds = boundedInteger(given, 'VisibilityTimeout', 0, MAX_VISIBILITY_SECONDS);
    if (seconds === undefined) throw missingParameter('VisibilityTimeout');
    const id = messageOfReceipt(handle, queue.arn);
    const message = this.#messages.find(queue, id);
    if (message === undefined) {
      const reason = 'Message does not exist or is not available for visibility timeout change.';
      throw invalidValue(handle, 'ReceiptHandle', reason);
    }
    const now = this.#aws.now();
    if (message.visibleAt <= now) {
      throw new AwsError('MessageNotInflight', 'The message is not in flight: its visibility timeout has run out.');
    }
    this.#messages.setVisibleAt(queue, id, now + seconds * 1_000);
    // Waiting receives reckon anew when the next message comes into sight.
    this.#arrivals.announce(queue.name);
  }
}

function assertBatchSize(entries: readonly Outgoing[]): void {
  let bytes = 0;
  for (const { MessageBody: body = '', MessageAttributes: attributes = {} } of entries) {
    bytes += Buffer.byteLength(body);
    for (const [name, { DataType = '', StringValue = '', BinaryValue = '' }] of Object.entries(attributes)) {
      const binary = typeof BinaryValue === 'string' ? Buffer.byteLength(BinaryValue, 'base64') : BinaryValue.length;
      bytes += Buffer.byteLength(name) + Buffer.byteLength(DataType) + Buffer.byteLength(StringValue) + binary;
    }
  }
  if (bytes <= MAX_BATCH_BYTES) return;
  const message = `Batch requests cannot be longer than ${MAX_BATCH_BYTES} bytes. You have sent ${bytes} bytes.`;
  throw new AwsError('BatchRequestTooLong', message);
}

function systemAttributes(given: Outgoing, caller: Caller): { system: SystemAttributes; traced: MessageAttributes } {
  const traced = checkedAttributes(given.MessageSystemAttributes);
  for (const name of Object.keys(traced)) {
    if (name !== 'AWSTraceHeader') throw invalidParameter(`Message system attribute name '${name}' is invalid.`);
  }
  const header = traced.AWSTraceHeader?.StringValue;
  const system = {
    SenderId: caller.principal,
    ...(header !== undefined && { AWSTraceHeader: header }),
    ...(given.MessageGroupId !== undefined && { MessageGroupId: given.MessageGroupId }),
  };
  return { system, traced };
}

/** A message as the API shows it: attributes only when asked for. */
function shown(message: ReceivedMessage, input: Receive): object {
  const all: Record<string, string | undefined> = {
    ...message.system,
    SentTimestamp: String(message.sentAt),
    ApproximateReceiveCount: String(message.receiveCount),
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt),
    DeadLetterQueueSourceArn: message.deadLetterSource,
  };
  const wanted = new Set([...(input.AttributeNames ?? []), ...(input.MessageSystemAttributeNames ?? [])]);
  const system = Object.entries(all).filter(
    ([name, value]) => value !== undefined && (wanted.has('All') || wanted.has(name)),
  );
  const attributes = selectAttributes(message.attributes, input.MessageAttributeNames ?? []);
  return {
    MessageId: message.id,
    ReceiptHandle: message.receipt,
    MD5OfBody: md5OfText(message.body),
    Body: message.body,
    ...(system.length > 0 && { Attributes: Object.fromEntries(system) }),
    ...(Object.keys(attributes).length > 0 && {
      MD5OfMessageAttributes: md5OfAttributes(attributes),
      MessageAttributes: attributes,
    }),
  };
}
