import { AwsError, type EmbeddedAws } from '../service.ts';
import type { Arrivals } from './arrivals.ts';
import {
  assertQueueName,
  assertReadable,
  COMPUTED_ATTRIBUTES,
  DEFAULT_ATTRIBUTES,
  parseRedriveAllowPolicy,
  parseRedrivePolicy,
  type QueueAttributes,
  settableAttributes,
} from './attributes.ts';
import { boundedInteger, invalidValue, missingParameter } from './errors.ts';
import type { Messages } from './messages.ts';
import { queueOfUrl, queueUrl } from './queue-address.ts';
import type { Queue, Queues } from './queues.ts';

interface OfQueue {
  readonly QueueUrl?: string;
}
interface Paged {
  readonly MaxResults?: number;
  readonly NextToken?: string;
}

/** One purge a minute (API reference, PurgeQueue). */
const PURGE_PAUSE_MS = 60_000;

/** Making, changing, describing and deleting queues. */
export class QueueOperations {
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

  createQueue(input: {
    readonly QueueName?: string;
    readonly Attributes?: Readonly<Record<string, unknown>>;
    readonly tags?: Readonly<Record<string, string>>;
  }): object {
    const { QueueName: name, Attributes: given = {}, tags = {} } = input;
    if (name === undefined || name === '') throw missingParameter('QueueName');
    assertQueueName(name, given);
    const attributes = settableAttributes(given);
    const existing = this.#queues.find(name);
    if (existing !== undefined) assertSame(existing, attributes);
    else {
      this.#assertRedrive(name, attributes);
      this.#queues.create(name, { ...DEFAULT_ATTRIBUTES, ...attributes }, tags, this.#aws.now());
    }
    return { QueueUrl: queueUrl(this.#aws, name) };
  }

  /** A dead-letter queue must be there, and let this queue use it. */
  #assertRedrive(name: string, attributes: QueueAttributes): void {
    const policy = attributes.RedrivePolicy;
    if (policy === undefined || policy === '') return;
    const target = this.#queues.byArn(parseRedrivePolicy(policy).deadLetterTargetArn);
    if (target === undefined) throw invalidValue(policy, 'RedrivePolicy', 'Dead letter target does not exist.');
    const allowed = target.attributes.RedriveAllowPolicy;
    if (allowed === undefined || allowed === '') return;
    const { redrivePermission, sourceQueueArns = [] } = parseRedriveAllowPolicy(allowed);
    const own = target.arn.replace(/[^:]+$/, name);
    if (redrivePermission === 'denyAll' || (redrivePermission === 'byQueue' && !sourceQueueArns.includes(own))) {
      throw invalidValue(
        policy,
        'RedrivePolicy',
        `${target.name} does not allow ${name} to use it (RedriveAllowPolicy).`,
      );
    }
  }

  deleteQueue(input: OfQueue): void {
    const queue = queueOfUrl(this.#queues, input.QueueUrl);
    this.#messages.clear(queue.name);
    this.#queues.delete(queue.name);
    this.#arrivals.announce(queue.name);
  }

  getQueueUrl(input: { readonly QueueName?: string }): object {
    if (!input.QueueName) throw missingParameter('QueueName');
    return { QueueUrl: queueUrl(this.#aws, this.#queues.named(input.QueueName).name) };
  }

  listQueues(input: Paged & { readonly QueueNamePrefix?: string }): object {
    const matching = this.#queues.all().filter((queue) => queue.name.startsWith(input.QueueNamePrefix ?? ''));
    const { urls, NextToken } = this.#page(matching, input);
    return { ...(urls.length > 0 && { QueueUrls: urls }), NextToken };
  }

  listDeadLetterSourceQueues(input: Paged & OfQueue): object {
    const sources = this.#queues.sourcesOf(queueOfUrl(this.#queues, input.QueueUrl).arn);
    const { urls, NextToken } = this.#page(sources, input);
    // The one member of the API that starts in lower case.
    return { queueUrls: urls, NextToken };
  }

  /** Up to 1,000 queues; without MaxResults all of them up to that, and no token. The token is the last name. */
  #page(queues: readonly Queue[], input: Paged): { urls: string[]; NextToken: string | undefined } {
    const size = boundedInteger(input.MaxResults, 'MaxResults', 1, 1_000) ?? 1_000;
    const after = Buffer.from(input.NextToken ?? '', 'base64').toString('utf8');
    const rest = queues.filter((queue) => queue.name > after);
    const page = rest.slice(0, size);
    const last = page.at(-1);
    const more = input.MaxResults !== undefined && rest.length > size && last !== undefined;
    return {
      urls: page.map((queue) => queueUrl(this.#aws, queue.name)),
      NextToken: more ? Buffer.from(last.name, 'utf8').toString('base64') : undefined,
    };
  }

  getQueueAttributes(input: OfQueue & { readonly AttributeNames?: readonly string[] }): object {
    const queue = queueOfUrl(this.#queues, input.QueueUrl);
    const names = input.AttributeNames ?? [];
    if (names.length === 0) return {};
    assertReadable(names);
    const wanted = new Set(names.includes('All') ? [...Object.keys(queue.attributes), ...COMPUTED_ATTRIBUTES] : names);
    const all: QueueAttributes = { ...queue.attributes, ...this.#computed(queue) };
    const Attributes = Object.fromEntries(
      Object.entries(all).filter(([name, value]) => wanted.has(name) && value !== ''),
    );
    return Object.keys(Attributes).length === 0 ? {} : { Attributes };
  }

  #computed(queue: Queue): QueueAttributes {
    const counts = this.#messages.counts(queue, this.#aws.now());
    return {
      ApproximateNumberOfMessages: String(counts.visible),
      ApproximateNumberOfMessagesNotVisible: String(counts.inFlight),
      ApproximateNumberOfMessagesDelayed: String(counts.delayed),
      CreatedTimestamp: String(Math.floor(queue.createdAt / 1_000)),
      LastModifiedTimestamp: String(Math.floor(queue.modifiedAt / 1_000)),
      QueueArn: queue.arn,
    };
  }

  setQueueAttributes(input: OfQueue & { readonly Attributes?: Readonly<Record<string, unknown>> }): void {
    const queue = queueOfUrl(this.#queues, input.QueueUrl);
    if (input.Attributes === undefined) throw missingParameter('Attributes');
    const attributes = settableAttributes(input.Attributes);
    this.#assertRedrive(queue.name, attributes);
    this.#change(queue, attributes);
  }

  /** An empty value takes an attribute away. */
  #change(queue: Queue, attributes: QueueAttributes): void {
    const merged = Object.entries({ ...queue.attributes, ...attributes }).filter(([, value]) => value !== '');
    this.#queues.change(queue.name, { attributes: Object.fromEntries(merged), modifiedAt: this.#aws.now() });
  }

  purgeQueue(input: OfQueue): void {
    const queue = queueOfUrl(this.#queues, input.QueueUrl);
    const now = this.#aws.now();
    if (now - queue.purgedAt < PURGE_PAUSE_MS) {
      const message = `Only one PurgeQueue operation on ${queue.name} is allowed every 60 seconds.`;
      throw new AwsError('PurgeQueueInProgress', message, 403);
    }
    this.#messages.clear(queue.name);
    this.#queues.change(queue.name, { purgedAt: now });
  }

  tagQueue(input: OfQueue & { readonly Tags?: Readonly<Record<string, string>> }): void {
    const queue = queueOfUrl(this.#queues, input.QueueUrl);
    if (input.Tags === undefined) throw missingParameter('Tags');
    this.#queues.change(queue.name, { tags: { ...queue.tags, ...input.Tags } });
  }

  untagQueue(input: OfQueue & { readonly TagKeys?: readonly string[] }): void {
    const queue = queueOfUrl(this.#queues, input.QueueUrl);
    const gone = new Set(input.TagKeys ?? []);
    const tags = Object.fromEntries(Object.entries(queue.tags).filter(([key]) => !gone.has(key)));
    this.#queues.change(queue.name, { tags });
  }

  listQueueTags(input: OfQueue): object {
    const { tags } = queueOfUrl(this.#queues, input.QueueUrl);
    return Object.keys(tags).length === 0 ? {} : { Tags: tags };
  }

  addPermission(
    input: OfQueue & {
      readonly Label?: string;
      readonly AWSAccountIds?: readonly string[];
      readonly Actions?: readonly string[];
    },
  ): void {
    const queue = queueOfUrl(this.#queues, input.QueueUrl);
    const { Label: label, AWSAccountIds: accounts = [], Actions: actions = [] } = input;
    if (!label) throw missingParameter('Label');
    if (accounts.length === 0) throw missingParameter('AWSAccountIds');
    if (actions.length === 0) throw missingParameter('Actions');
    const policy = policyOf(queue);
    if (policy.Statement.some((statement) => statement.Sid === label)) {
      throw invalidValue(label, 'Label', 'Already exists.');
    }
    const statement = {
      Sid: label,
      Effect: 'Allow',
      Principal: { AWS: accounts.map((account) => `arn:aws:iam::${account}:root`) },
      Action: actions.map((action) => `SQS:${action}`),
      Resource: queue.arn,
    };
    this.#change(queue, { Policy: JSON.stringify({ ...policy, Statement: [...policy.Statement, statement] }) });
  }

  removePermission(input: OfQueue & { readonly Label?: string }): void {
    const queue = queueOfUrl(this.#queues, input.QueueUrl);
    const policy = policyOf(queue);
    const rest = policy.Statement.filter((statement) => statement.Sid !== input.Label);
    if (rest.length === policy.Statement.length) {
      throw invalidValue(input.Label, 'Label', "can't find label on existing policy.");
    }
    this.#change(queue, { Policy: rest.length === 0 ? '' : JSON.stringify({ ...policy, Statement: rest }) });
  }
}

interface Policy {
  readonly Statement: readonly { readonly Sid?: string }[];
}

function policyOf(queue: Queue): Policy {
  const text = queue.attributes.Policy;
  if (text !== undefined && text !== '') return JSON.parse(text) as Policy;
  const empty = { Version: '2008-10-17', Id: `${queue.arn}/SQSDefaultPolicy`, Statement: [] };
  return empty;
}

/** Creating a queue again is fine as long as it would be the same one. */
function assertSame(queue: Queue, attributes: QueueAttributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (queue.attributes[name] === value) continue;
    const message = `A queue already exists with the same name and a different value for attribute ${name}`;
    throw new AwsError('QueueNameExists', message);
  }
}
